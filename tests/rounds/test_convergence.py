"""Whether more labels help: gains per 1,000 pairs with their intervals, and what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds import audit, convergence, dataset, followups, opening
from rounds.convergence import Rules, Turn, Verdict
from rounds.dataset import BuildSettings
from storage import audit_set, checkpoints, evaluations, jobs, pairs, round_log, scores
from storage.pairs import PairFilter
from storage.round_log import RoundEventKind
from storage.rows import Batch, DatasetVersion, Job
from storage.scores import Measured
from storage.workspace import Workspace
from training.measuring import paired


def turn(
    number: int, before: int, after: int, n: int = 500, pairs: int = 1000, **more: Any
) -> Turn:
    """A round after which `after` of n audit pairs are right, of which `before` were so before."""
    first = np.arange(n) < before
    second = np.arange(n) < after
    share = after / n
    spread = 1.96 * (share * (1 - share) / n) ** 0.5
    metrics = {"preference_accuracy": {"value": share, "ci95": [share - spread, share + spread]}}
    return Turn(
        number=number,
        checkpoint=f"round-{number}",
        pairs=pairs,
        total=pairs * number,
        metrics=metrics | more,
        gain=paired.compare(first, second),
    )


def test_a_gain_is_told_per_thousand_pairs_with_its_interval() -> None:
    found = turn(1, 300, 360, pairs=2000).gain_per_thousand
    assert found is not None
    gain, (low, high) = found
    assert gain == pytest.approx(0.06)
    # 60 of 500 changed, all one way: 0.12 +- 1.96 sqrt(60 - 3600 / 500) / 500, halved
    half = 1.959963984540054 * (60 - 7.2) ** 0.5 / 500 / 2
    assert (low, high) == pytest.approx((0.06 - half, 0.06 + half))


def test_a_sure_gain_says_collect_more() -> None:
    verdict, advice = convergence.judge([turn(1, 300, 360)], Rules())
    assert verdict is Verdict.IMPROVING
    assert "12.0 points per 1,000 pairs (9.2 to 14.8)" in advice


def test_an_uncertain_gain_says_so() -> None:
    verdict, advice = convergence.judge([turn(1, 300, 301)], Rules(least_gain=0.0))
    assert verdict is Verdict.TOO_EARLY
    assert "too uncertain to say" in advice


def test_two_small_gains_in_a_row_are_a_plateau_and_one_is_none() -> None:
    small = [turn(1, 300, 380), turn(2, 380, 380), turn(3, 380, 382)]
    assert convergence.judge(small, Rules())[0] is Verdict.PLATEAU
    assert convergence.judge(small[:2], Rules())[0] is not Verdict.PLATEAU
    assert convergence.judge([*small[:2], turn(3, 340, 380)], Rules())[0] is Verdict.IMPROVING
    assert convergence.judge(small[:2], Rules(patience=1))[0] is Verdict.PLATEAU


def test_the_goal_is_reached_surely_or_only_by_the_estimate() -> None:
    surely = convergence.judge([turn(1, 400, 460)], Rules())
    assert surely[0] is Verdict.CONVERGED
    assert "reached 85% surely" in surely[1]
    assert "not surely" in convergence.judge([turn(1, 400, 430)], Rules())[1]


def test_drift_and_loss_come_before_everything_else() -> None:
    drifted = turn(1, 400, 460, kl_per_token={"value": 0.9, "ci95": [0.7, 1.1]})
    assert convergence.judge([drifted], Rules())[0] is Verdict.DRIFTING
    assert convergence.judge([drifted], Rules(kl_threshold=1.0))[0] is Verdict.CONVERGED
    assert convergence.judge([turn(1, 460, 400)], Rules())[0] is Verdict.WORSE


def test_without_the_start_there_is_no_gain_to_judge_by() -> None:
    verdict, advice = convergence.judge([replace(turn(1, 300, 360), gain=None)], Rules())
    assert verdict is Verdict.TOO_EARLY
    assert "Measure what round 1 started from" in advice


@pytest.fixture
def measured(
    workspace: Workspace,
    tmp_path: Path,
    tiny_model: str,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
) -> DatasetVersion:
    """Round 1 on four pairs; on eight audit pairs the model is right on 3, the checkpoint on 7."""
    with workspace.ledger.write() as tx:
        for name, count in (("audit", 8), ("first", 4)):
            batch = make_batch(tx, name=name, pair_count=count)
            ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch=name), 9)]
            label(tx, batch, "ana", dict.fromkeys(ids, "a"))
    audit.draw(workspace, size=8, batch="audit")
    opening.open_next(workspace)
    opening.give_batch(workspace, "first", "lead")
    version = dataset.build(workspace, BuildSettings(audit=True))
    trained = dataset.build(workspace, BuildSettings(round=1, holdout=0.0))
    job = queue(workspace, "train")
    with workspace.ledger.write() as tx:
        made = checkpoints.add(
            tx,
            name="round-1",
            job_id=job.id,
            parent=None,
            model="tiny",
            kind="adapter",
            path="x",
            dataset_version=trained.id,
            config={},
            metrics={},
        )
    evaluate(workspace, tmp_path, "tiny", version, right=range(3))
    evaluate(workspace, tmp_path, made.id, version, right=range(1, 8))
    return version


def queue(workspace: Workspace, kind: str) -> Job:
    with workspace.ledger.write() as tx:
        return jobs.submit(tx, kind=kind, spec={}, key=f"{kind}-{len(jobs.listed(tx))}")


def evaluate(
    workspace: Workspace, folder: Path, name: str, version: DatasetVersion, right: Sequence[int]
) -> None:
    """An evaluation with the scores that it leaves, right on some of the audit pairs."""
    job = queue(workspace, "evaluate")
    with workspace.ledger.read() as db:
        ids = sorted(audit_set.members(db))
    lines = [
        {
            "pair_id": pair_id,
            "split": "train",
            "category": "counting",
            "chosen_logp": -1.0 if number in right else -3.0,
            "rejected_logp": -2.0,
            "reference_chosen_logp": -2.0,
            "reference_rejected_logp": -2.0,
            "chosen_tokens": 3,
            "rejected_tokens": 3,
            "margin": 0.0,
        }
        for number, pair_id in enumerate(ids)
    ]
    path = folder / f"{job.id}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scores.seal(
        workspace, path, Measured(job.id, name, version.id, "all", "base", "consensus", 0.1)
    )
    metrics = {"preference_accuracy": {"value": len(right) / len(ids), "ci95": [0.0, 1.0]}}
    with workspace.ledger.write() as tx:
        evaluations.add(
            tx,
            job_id=job.id,
            checkpoint=name,
            dataset_version=version.id,
            split="all",
            metrics=metrics,
        )


def test_the_course_compares_a_round_with_what_it_started_from_pair_by_pair(
    workspace: Workspace, measured: DatasetVersion
) -> None:
    course = convergence.of_workspace(workspace)
    assert course.audit is not None
    assert course.audit.id == measured.id
    assert [(one.number, one.checkpoint, one.pairs) for one in course.turns] == [
        (0, "tiny", 0),
        (1, "round-1", 4),
    ]
    gain = course.turns[1].gain
    assert gain is not None
    assert (gain.both, gain.first, gain.second, gain.neither) == (2, 1, 5, 0)
    assert course.turns[1].gain_per_thousand is not None
    assert course.turns[1].gain_per_thousand[0] == pytest.approx(0.5 * 1000 / 4)


def test_what_a_lead_should_hear_is_told_once(
    workspace: Workspace, measured: DatasetVersion
) -> None:
    (sentence,) = followups.run(workspace)
    assert sentence.startswith("Round 1: Preference accuracy reached 85% with its estimate")
    assert followups.run(workspace) == []
    with workspace.ledger.read() as db:
        kinds = [event.kind for event in round_log.events(db, 1)]
    assert kinds == [RoundEventKind.BATCH, RoundEventKind.ALERT]


def test_without_an_audit_set_the_advice_is_to_draw_one(workspace: Workspace) -> None:
    assert convergence.of_workspace(workspace).advice == "There is no round yet."
    with workspace.ledger.write() as tx:
        round_log.open_next(tx, start="tiny", target_pairs=10, focus="all", actor="lead")
    course = convergence.of_workspace(workspace)
    assert (course.audit, course.unmeasured) == (None, [1])
    assert "pairwright audit draw" in course.advice
