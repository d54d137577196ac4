"""The audit set: drawn uniformly from what never trained, and kept from every training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from rounds import audit, dataset
from rounds.dataset import BuildSettings
from storage import audit_set
from storage.errors import ConflictError, WrongInputError
from storage.rows import Batch, Pair
from storage.workspace import Workspace
from training.jobs import submission
from training.settings import spec as specs


class Four(Protocol):
    batch: Batch
    ids: Sequence[str]


@pytest.fixture
def voted(workspace: Workspace, four: Four, label: Callable[..., None]) -> Four:
    """Four pairs, for each of which somebody found A better."""
    with workspace.ledger.write() as tx:
        label(tx, four.batch, "ana", dict.fromkeys(four.ids, "a"))
    return four


def kept(workspace: Workspace) -> set[str]:
    with workspace.ledger.read() as db:
        return audit_set.members(db)


def rows(workspace: Workspace, **settings: object) -> set[str]:
    found = dataset.preview(workspace, BuildSettings(**settings))  # type: ignore[arg-type]
    assert found.pairs == len(found.rows) + sum(found.excluded.values())
    return {row.pair_id for row in found.rows}


def test_what_is_drawn_trains_no_more_and_is_counted(workspace: Workspace, voted: Four) -> None:
    found = audit.draw(workspace, size=2, batch="first", seed=3)
    drawn = kept(workspace)
    assert (found.drawn, found.pairs, found.trained) == (2, 4, 0)
    assert rows(workspace) == set(voted.ids) - drawn
    assert dataset.preview(workspace, BuildSettings()).excluded == {audit_set.IN_THE_SET: 2}
    assert rows(workspace, audit=True) == drawn


def test_the_same_seed_draws_the_same_pairs_and_another_draws_others(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        make_batch(tx, name="many", pair_count=40)
    draws = []
    for seed in (1, 1, 2):
        number = audit.draw(workspace, size=10, seed=seed).number
        draws.append(kept(workspace))
        with workspace.ledger.write() as tx:
            audit_set.release(tx, number, actor="lead", reason="again")
    assert draws[0] == draws[1] != draws[2]
    assert not kept(workspace)


def test_pairs_that_ask_the_same_are_drawn_together_and_later_ones_stay_out(
    workspace: Workspace, make_pair: Callable[..., Pair]
) -> None:
    with workspace.ledger.write() as tx:
        for answer in ("one", "three", "four"):
            make_pair(tx, "How many?", "two", answer)
    assert audit.draw(workspace, size=1).drawn == 3
    with workspace.ledger.write() as tx:
        make_pair(tx, "How  many?", "two", "five")
    found = dataset.preview(workspace, BuildSettings())
    assert found.excluded == {audit_set.IN_THE_SET: 3, audit_set.SHARES_WITH_THE_SET: 1}


def test_what_trained_can_not_be_drawn(workspace: Workspace, voted: Four) -> None:
    version = dataset.build(workspace, BuildSettings(holdout=0.25))
    assert audit.draw(workspace, size=1).trained == version.train == 3
    with pytest.raises(WrongInputError, match="0 of 4 pairs may be drawn, fewer than 1"):
        audit.draw(workspace, size=1)


def test_a_version_of_the_audit_set_never_trains(workspace: Workspace, voted: Four) -> None:
    audit.draw(workspace, size=2)
    version = dataset.build(workspace, BuildSettings(audit=True))
    assert (version.rows, version.holdout) == (2, 0)
    with pytest.raises(WrongInputError, match="is the audit set: it measures and never trains"):
        submission.submit_training(
            workspace, dataset=version.id, start_from="tiny", spec=specs.parse_spec({})
        )


def test_a_draw_is_taken_back_once_and_with_a_reason(workspace: Workspace, voted: Four) -> None:
    number = audit.draw(workspace, size=2).number
    with workspace.ledger.write() as tx, pytest.raises(WrongInputError, match="0 characters"):
        audit_set.release(tx, number, actor="lead", reason=" ")
    with workspace.ledger.write() as tx:
        audit_set.release(tx, number, actor="lead", reason="drawn from the wrong batch")
    assert rows(workspace) == set(voted.ids)
    with workspace.ledger.write() as tx, pytest.raises(ConflictError, match="released already"):
        audit_set.release(tx, number, actor="lead", reason="again")
    with workspace.ledger.read() as db:
        (one,) = audit_set.draws(db)
    assert (one.pairs, one.released, one.batch) == (2, True, "")
