"""Models, checkpoints with their lineage, evaluations, and the workers that made them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import checkpoints, clock, evaluations, jobs, models, tables, workers
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.rows import Checkpoint

METRICS = {"reward_gap": {"value": 0.25, "ci95": [0.1, 0.4], "n": 40, "labels": "oracle"}}


@pytest.fixture
def add(ledger: Ledger, fill: Callable[[Connection], None]) -> Callable[..., Checkpoint]:
    with ledger.write() as tx:
        fill(tx)
        job = jobs.listed(tx)[0]

    def record(
        name: str, parent: str | None = None, checkpoint_id: str | None = None
    ) -> Checkpoint:
        with ledger.write() as tx:
            return checkpoints.add(
                tx,
                checkpoint_id=checkpoint_id,
                name=name,
                job_id=job.id,
                parent=parent,
                model="examples/tiny",
                kind="adapter",
                path=f"checkpoints/{name}",
                dataset_version="v1",
                config={"beta": 0.1},
                metrics=METRICS,
            )

    return record


def test_a_checkpoint_is_found_by_id_and_by_name(
    ledger: Ledger, add: Callable[..., Checkpoint]
) -> None:
    made = add("first", checkpoint_id="c1")
    with ledger.read() as db:
        assert checkpoints.get(db, "c1") == checkpoints.get(db, "first") == made
    assert made.metrics == METRICS


def test_an_id_wins_over_a_name_that_spells_the_same(
    ledger: Ledger, add: Callable[..., Checkpoint]
) -> None:
    wanted = add("first", checkpoint_id="c1")
    add("c1", checkpoint_id="c2")
    with ledger.read() as db:
        assert checkpoints.get(db, "c1") == wanted


@pytest.mark.parametrize(("name", "checkpoint_id"), [("first", "c2"), ("second", "c1")])
def test_a_taken_name_or_id_is_refused(
    add: Callable[..., Checkpoint], name: str, checkpoint_id: str
) -> None:
    add("first", checkpoint_id="c1")
    with pytest.raises(ConflictError, match=name):
        add(name, checkpoint_id=checkpoint_id)


def test_lineage_leads_from_the_root_to_the_checkpoint(
    ledger: Ledger, add: Callable[..., Checkpoint]
) -> None:
    root = add("root")
    child = add("child", parent=root.id)
    add("sibling", parent=root.id)
    grandchild = add("grandchild", parent=child.id)
    with ledger.read() as db:
        assert checkpoints.lineage(db, "grandchild") == [root, child, grandchild]
        assert checkpoints.lineage(db, root.id) == [root]


def test_checkpoints_are_listed_and_an_unknown_one_names_them(
    ledger: Ledger, add: Callable[..., Checkpoint]
) -> None:
    with ledger.read() as db, pytest.raises(NotFoundError, match="none yet"):
        checkpoints.get(db, "nothing")
    add("first")
    add("second")
    with ledger.read() as db:
        assert {checkpoint.name for checkpoint in checkpoints.listed(db)} == {"first", "second"}
        with pytest.raises(NotFoundError, match="first"):
            checkpoints.get(db, "nothing")


def test_a_model_is_recorded_once(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tiny = models.add(tx, "tiny", "/models/tiny")
        assert models.add(tx, "tiny", "/models/tiny") == tiny
        hub = models.add(tx, "hub", "org/model")
        with pytest.raises(ConflictError, match="tiny"):
            models.add(tx, "tiny", "/models/other")
    with ledger.read() as db:
        assert models.get(db, "tiny") == tiny
        assert models.get(db, "nothing") is None
        assert models.listed(db) == [hub, tiny]


@pytest.mark.parametrize(("name", "location"), [("", "x"), ("x", " "), ("a\nb", "x")])
def test_a_model_without_name_or_place_is_refused(ledger: Ledger, name: str, location: str) -> None:
    with pytest.raises(WrongInputError), ledger.write() as tx:
        models.add(tx, name, location)


def test_evaluations_are_listed_by_checkpoint_and_job(
    ledger: Ledger, fill: Callable[[Connection], None]
) -> None:
    with ledger.write() as tx:
        fill(tx)
        job = jobs.listed(tx)[0].id
        made = evaluations.add(
            tx, job_id=job, checkpoint="c1", dataset_version="v1", split="holdout", metrics=METRICS
        )
    with ledger.read() as db:
        assert evaluations.listed(db, checkpoint="c1") == [made]
        assert len(evaluations.listed(db)) == len(evaluations.listed(db, job_id=job)) == 2
        assert evaluations.listed(db, job_id="nothing") == []


def test_a_worker_is_live_until_it_was_silent_too_long(ledger: Ledger) -> None:
    with ledger.write() as tx:
        for name in ("one", "two", "one"):
            workers.beat(tx, name, pid=1, host="here")
        assert workers.live(tx) == 2
        table = tables.workers
        silent = table.update().where(table.c.id == "one")
        tx.execute(silent.values(seen_at=clock.now(tx) - 31 * clock.SECOND))
        assert workers.live(tx) == 1
        assert workers.live(tx, within_seconds=60) == 2
        workers.beat(tx, "one", pid=1, host="here")
        workers.remove(tx, "two")
        assert workers.live(tx) == 1
