"""Agreement on parts of the votes: who is in which part, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labeling.agreement import groups, report
from storage import (
    batches,
    checkpoints,
    dataset_versions,
    jobs,
    pairs,
    prompts,
    responses,
    round_log,
)
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.rows import Batch, DatasetRow, Pair, Part, Source, Turn
from storage.workspace import Workspace

Label = Callable[..., None]


def agreed(found: dict[str, report.AgreementReport]) -> dict[str, float | None]:
    return {name: one.with_ties.percent_agreement.value for name, one in found.items()}


@pytest.fixture
def trained(workspace: Workspace) -> list[str]:
    """Two checkpoints, the second one trained on top of the first; their ids."""
    prompt = prompts.build([Turn("user", (Part("text", "Which?"),))], "colour")
    row = DatasetRow("p", prompt, "this", "that", "imported", 0, 0.75, "")
    version = dataset_versions.write(
        workspace, [row], labels="imported", policy={}, excluded={}, holdout=0, seed=0
    )
    made: list[str] = []
    with workspace.ledger.write() as tx:
        for number in (1, 2):
            job = jobs.submit(tx, kind="train", spec={}, key=str(number))
            jobs.request_cancel(tx, job.id)
            checkpoint = checkpoints.add(
                tx,
                name=f"trained-{number}",
                job_id=job.id,
                parent=made[-1] if made else None,
                model="tiny",
                kind="adapter",
                path="",
                dataset_version=version.id,
                config={},
                metrics={},
            )
            made.append(checkpoint.id)
    return made


def compare(tx: Connection, number: int, *given: str) -> Pair:
    """A pair of answers of two models, or checkpoints by id."""
    prompt = prompts.build([Turn("user", (Part("text", f"Question {number}?"),))], "counting")
    prompts.add(tx, prompt)
    answers = [responses.build(prompt.id, text) for text in ("two", "three")]
    for answer, name in zip(answers, given, strict=True):
        responses.add(tx, answer, Source("checkpoint", name))
    pair = pairs.build(*answers)
    pairs.add(tx, pair)
    return pair


def test_every_category_of_prompts_has_an_agreement_of_its_own(
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    make_pair: Callable[..., Pair],
    label: Label,
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=3, overlap=2)
        other = make_pair(tx, "Where is it?", category="spatial")
        batches.add_pair(tx, batch.id, other.id)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 10)]
        label(tx, batch, "ana", dict.fromkeys(ids, "a"))
        label(tx, batch, "ben", {**dict.fromkeys(ids, "a"), other.id: "b"})
    found = groups.measure(workspace, groups.CATEGORY, "first")
    assert agreed(found) == {"counting": 1.0, "spatial": 0.0}
    assert {name: one.with_ties.shared for name, one in found.items()} == {
        "counting": 3,
        "spatial": 1,
    }
    assert groups.measure(workspace, groups.CATEGORY) == found
    with pytest.raises(NotFoundError, match="third"):
        groups.measure(workspace, groups.CATEGORY, "third")


def test_rounds_and_checkpoints_are_told_by_the_answers(
    workspace: Workspace, trained: list[str], make_pair: Callable[..., Pair], label: Label
) -> None:
    first, second = trained
    given = (("tiny", "tiny"), (first, "tiny"), (second, first), (first, first))
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "first", overlap=2)
        found = [compare(tx, number, *names) for number, names in enumerate(given)]
        found.append(make_pair(tx))
        for pair in found:
            batches.add_pair(tx, batch.id, pair.id)
        label(tx, batch, "ana", {pair.id: "a" for pair in found})
        label(tx, batch, "ben", {pair.id: "b" if n == 2 else "a" for n, pair in enumerate(found)})
    assert agreed(groups.measure(workspace, groups.ROUND)) == {
        "round 1": 1.0,
        "round 2": 1.0,
        "round 3": 0.0,
        "imported": 1.0,
    }
    by_checkpoints = groups.measure(workspace, groups.CHECKPOINTS, "first")
    assert agreed(by_checkpoints) == {
        "tiny": 1.0,
        "tiny and trained-1": 1.0,
        "trained-1": 1.0,
        "trained-1 and trained-2": 0.0,
        "file test.jsonl": 1.0,
    }
    # every vote is in exactly one part
    assert sum(one.with_ties.votes for one in by_checkpoints.values()) == 2 * len(found)


def test_an_answer_of_two_models_counts_for_the_one_that_the_pair_was_made_of(
    workspace: Workspace, trained: list[str], label: Label
) -> None:
    """A later model may say what an earlier one said, and the other way round."""
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "first", overlap=1)
        pair = compare(tx, 1, trained[0], trained[0])
        batches.add_pair(tx, batch.id, pair.id)
        label(tx, batch, "ana", {pair.id: "a"})
    with workspace.ledger.write() as tx:
        for text in ("two", "three"):
            said = responses.build(pair.prompt_id, text)
            responses.add(tx, said, Source("checkpoint", trained[1]))
    assert list(groups.measure(workspace, groups.CHECKPOINTS)) == ["trained-1"]


def test_a_round_that_was_opened_has_the_votes_of_its_batches(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Label
) -> None:
    with workspace.ledger.write() as tx:
        for name in ("first", "second", "third"):
            batch = make_batch(tx, name=name, pair_count=2, overlap=1)
            ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch=name), 2)]
            label(tx, batch, "ana", dict.fromkeys(ids, "a"))
            if name != "third":
                opened = round_log.open_next(
                    tx, start="tiny", target_pairs=2, focus="broad", actor="lead"
                )
                round_log.add_batch(tx, opened.number, batch.id, actor="lead")
                ended = round_log.RoundEventKind.CLOSED
                round_log.record(tx, opened.number, ended, subject="", actor="lead")
    found = groups.measure(workspace, groups.ROUND)
    votes = {name: one.with_ties.votes for name, one in found.items()}
    assert votes == {"round 1": 2, "round 2": 2, "no round": 2}


def test_batches_beside_each_other_are_those_of_the_report(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Label
) -> None:
    with workspace.ledger.write() as tx:
        for name in ("first", "second"):
            batch = make_batch(tx, name=name, pair_count=2, overlap=2)
            ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch=name), 2)]
            for who in ("ana", "ben"):
                label(tx, batch, who, dict.fromkeys(ids, "a"))
    found = groups.measure(workspace, groups.BATCH)
    assert list(found) == ["first", "second"]
    assert found["second"] == report.of_batch(workspace, "second")
    assert list(groups.measure(workspace, groups.BATCH, "second")) == ["second"]
