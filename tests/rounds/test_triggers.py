"""Targets of categories, and the batch that a sure miss queues: one for one cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from labeling import links, prepared_links
from rounds import opening, standing, targets, triggers
from rounds.targets import TargetState
from rounds.triggers import TriggerSettings
from storage import batches, category_targets, jobs, pairs, picks, scores
from storage import links as link_rows
from storage import triggers as recorded
from storage.errors import WrongInputError
from storage.pairs import PairFilter
from storage.rows import Batch, Evaluation, Pair
from storage.scores import Measured
from storage.triggers import TriggerAction
from storage.workspace import Workspace

Measure = Callable[[Mapping[str, tuple[int, int]]], Evaluation]


@pytest.fixture
def measure(workspace: Workspace, tmp_path: Path) -> Measure:
    """`measure({"counting": (30, 60)})`: an evaluation that is right on 30 of 60 pairs."""

    def go(right: Mapping[str, tuple[int, int]]) -> Evaluation:
        with workspace.ledger.write() as tx:
            job = jobs.submit(tx, kind="evaluate", spec={}, key=f"evaluate-{len(jobs.listed(tx))}")
        lines = [
            {
                "pair_id": f"{category} {number}",
                "split": "train",
                "category": category,
                "chosen_logp": -1.0 if number < good else -3.0,
                "rejected_logp": -2.0,
                "reference_chosen_logp": -2.0,
                "reference_rejected_logp": -2.0,
                "chosen_tokens": 3,
                "rejected_tokens": 3,
                "margin": 0.0,
            }
            for category, (good, n) in right.items()
            for number in range(n)
        ]
        path = tmp_path / f"{job.id}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        scores.seal(workspace, path, Measured(job.id, "c1", "v1", "all", "base", "consensus", 0.1))
        return Evaluation(
            id=f"{job.id}-measured",
            job_id=job.id,
            checkpoint="c1",
            dataset_version="v1",
            split="all",
            metrics={},
            created_at=0,
        )

    return go


@pytest.fixture
def waiting(workspace: Workspace, make_pair: Callable[..., Pair]) -> Batch:
    """Twelve unlabeled pairs of counting and three of format."""
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "waiting")
        for number in range(15):
            category = "counting" if number < 12 else "format"
            pair = make_pair(tx, f"Question {number}", category=category)
            batches.add_pair(tx, batch.id, pair.id)
    return batch


def test_a_target_is_missed_only_when_the_whole_interval_lies_below_it(
    workspace: Workspace, measure: Measure
) -> None:
    wanted = {"counting": 0.8, "format": 0.8, "spatial": 0.8, "negation": 0.8, "reasoning": 0.8}
    targets.set_all(workspace, dict(wanted), "lead")
    right = {"counting": (60, 100), "format": (78, 100), "spatial": (95, 100), "negation": (10, 49)}
    found = {one.category: one for one in targets.of_evaluation(workspace, measure(right))}
    assert {name: one.state for name, one in found.items()} == {
        "counting": TargetState.MISSED,
        "format": TargetState.UNDECIDED,
        "spatial": TargetState.MET,
        "negation": TargetState.TOO_FEW,
        "reasoning": TargetState.NOT_MEASURED,
    }
    accuracy = found["counting"].accuracy
    assert accuracy is not None
    # Wilson's interval of 60 in 100
    assert accuracy.ci95 == pytest.approx((0.502003, 0.690599), abs=1e-6)


def test_targets_are_set_and_taken_back_by_words(workspace: Workspace) -> None:
    targets.set_all(workspace, targets.parse(["counting=0.8", "format=0.9"]), "lead")
    targets.set_all(workspace, targets.parse(["format=off", "counting=0.7"]), "lead")
    (one,) = targets.standing(workspace)
    assert (one.category, one.target) == ("counting", 0.7)
    for word in ("counting", "counting=2", "=0.8", "counting=high"):
        with pytest.raises(WrongInputError, match="sets no target"):
            targets.parse([word])


def test_a_regression_in_one_category_queues_exactly_one_batch(
    workspace: Workspace, measure: Measure, waiting: Batch
) -> None:
    targets.set_all(workspace, {"counting": 0.8, "format": 0.8}, "lead")
    measured = measure({"counting": (30, 60), "format": (58, 60)})
    (done,) = triggers.act(workspace, measured, TriggerSettings(size=5))
    assert (done.category, done.action) == ("counting", TriggerAction.QUEUED)
    assert (done.detail["target"], done.detail["n"], done.detail["value"]) == (0.8, 60, 0.5)
    with workspace.ledger.read() as db:
        made = batches.get(db, done.subject)
        views = pairs.page(db, PairFilter(batch=made.name), 99)
        chosen = picks.of_batch(db, made.id)
    assert len(views) == 5
    assert {view.prompt.category for view in views} == {"counting"}
    assert {one.propensity for one in chosen} == {5 / 12}
    assert triggers.act(workspace, measured) == []
    again = measure({"counting": (30, 60), "format": (58, 60)})
    assert triggers.act(workspace, again) == []
    with workspace.ledger.read() as db:
        assert len(recorded.listed(db)) == 1
        assert len(batches.listed(db)) == 2


def test_without_unlabeled_pairs_or_by_wish_it_is_only_proposed(
    workspace: Workspace, measure: Measure, waiting: Batch, tiny_model: str
) -> None:
    opening.open_next(workspace)
    targets.set_all(workspace, {"spatial": 0.8, "counting": 0.8}, "lead")
    measured = measure({"spatial": (10, 60), "counting": (10, 60)})
    done = triggers.act(workspace, measured, TriggerSettings(action=TriggerAction.PROPOSED))
    assert [(one.category, one.action, one.subject) for one in done] == [
        ("counting", TriggerAction.PROPOSED, ""),
        ("spatial", TriggerAction.PROPOSED, ""),
    ]
    assert [one.detail["unlabeled"] for one in done] == [12, 0]
    events = [event.kind.value for event in standing.of_round(workspace, 1).events]
    assert events == ["proposed", "proposed"]


def test_the_batch_that_was_queued_belongs_to_the_open_round(
    workspace: Workspace, measure: Measure, waiting: Batch, tiny_model: str
) -> None:
    with workspace.ledger.write() as tx:
        category_targets.put(tx, "counting", 0.9, actor="lead")
    opening.open_next(workspace)
    (done,) = triggers.act(workspace, measure({"counting": (30, 60)}))
    found = standing.of_round(workspace, 1)
    assert [one.batch.name for one in found.batches] == [done.subject]
    assert found.pairs == 12


def test_links_of_a_batch_that_was_queued_are_prepared_for_the_last_annotators_and_say_so(
    workspace: Workspace, measure: Measure, waiting: Batch, tiny_model: str
) -> None:
    opening.open_next(workspace)
    opening.give_batch(workspace, "waiting", "lead")
    for who in ("ana", "ben"):
        links.mint(workspace, "waiting", who)
    targets.set_all(workspace, {"counting": 0.8}, "lead")
    measured = measure({"counting": (30, 60)})
    (done,) = triggers.act(workspace, measured)
    assert (done.detail["links"], done.detail["annotators_of"]) == (2, "waiting")
    event = standing.of_round(workspace, 1).events[-1]
    assert (event.actor, event.detail["links"]) == ("auto-trigger", 2)
    assert triggers.act(workspace, measured) == []
    shown = prepared_links.reveal(workspace, done.subject)
    assert len(shown) == 2
    with workspace.ledger.read() as db:
        assert len(link_rows.listed(db, batches.get(db, done.subject).id)) == 2
        # what the choice of a pair rested on says nothing about people
        chosen = picks.of_batch(db, batches.get(db, done.subject).id)
    assert all("links" not in one.detail for one in chosen)
