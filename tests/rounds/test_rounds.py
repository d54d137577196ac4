"""Rounds: what belongs to one, where it stands, what comes next, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from rounds import audit, dataset, opening, standing, steps
from rounds.dataset import BuildSettings
from rounds.standing import Stage
from storage import audit_set, checkpoints, evaluations, jobs, round_log
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.round_log import RoundEventKind
from storage.rows import Batch, Job, JobState
from storage.workspace import Workspace
from training.settings.spec import DPOSpec


class Four(Protocol):
    batch: Batch
    ids: Sequence[str]


@pytest.fixture
def opened(workspace: Workspace, four: Four, tiny_model: str) -> Four:
    """Round 1 from the model `tiny`, with a batch of four pairs that want three votes each."""
    opening.open_next(workspace)
    opening.give_batch(workspace, "first", "lead")
    return four


@pytest.fixture
def voted(workspace: Workspace, opened: Four, label: Callable[..., None]) -> Four:
    """All four are settled: A is better."""
    with workspace.ledger.write() as tx:
        for who in ("ana", "ben", "cleo"):
            label(tx, opened.batch, who, dict.fromkeys(opened.ids, "a"))
    return opened


def stage(workspace: Workspace) -> Stage | None:
    return standing.of_round(workspace, 1).stage


def train_first(workspace: Workspace) -> steps.Taken:
    """Round 1 trains from `tiny`, of which nothing says that it can answer."""
    found = standing.of_round(workspace, 1)
    return steps.take(workspace, found, DPOSpec(), "lead", without_sft=True)


def finish(workspace: Workspace, job: Job) -> None:
    """The job ends well, as a worker would say."""
    with workspace.ledger.write() as tx:
        leased = jobs.claim(tx, worker="worker")
        assert leased is not None
        assert leased.id == job.id
        jobs.mark_running(tx, job.id, leased.fence, 1)
        jobs.finish(tx, job.id, leased.fence, JobState.SUCCEEDED, result={})


def train(workspace: Workspace, job: Job, version: str) -> str:
    """The checkpoint that the round's training made."""
    with workspace.ledger.write() as tx:
        made = checkpoints.add(
            tx,
            name="round-1",
            job_id=job.id,
            parent=None,
            model="tiny",
            kind="adapter",
            path="checkpoints/round-1",
            dataset_version=version,
            config={},
            metrics={},
        )
    return made.id


def test_the_first_round_is_planned_by_its_number_and_starts_from_the_only_model(
    workspace: Workspace, opened: Four
) -> None:
    found = standing.of_round(workspace, 1)
    assert (found.round.start, found.round.target_pairs) == ("tiny", 2400)
    assert (found.pairs, found.decided, found.waiting, found.closed) == (4, 0, 4, False)


def test_collecting_comes_first_and_says_what_is_missing(
    workspace: Workspace, opened: Four
) -> None:
    step = steps.following(standing.of_round(workspace, 1))
    assert (step.stage, step.told) == (Stage.COLLECT, "4 of 4 pairs lack votes.")
    with pytest.raises(ConflictError, match="4 of 4 pairs lack votes"):
        steps.take(workspace, standing.of_round(workspace, 1), DPOSpec(), "lead")


def test_contested_pairs_are_settled_by_a_lead_before_training(
    workspace: Workspace, opened: Four, label: Callable[..., None]
) -> None:
    verdicts = {"ana": "a", "ben": "b", "cleo": "tie", "dan": "b", "eve": "a"}
    with workspace.ledger.write() as tx:
        for who, verdict in verdicts.items():
            label(tx, opened.batch, who, dict.fromkeys(opened.ids, verdict))
    found = standing.of_round(workspace, 1)
    assert (found.stage, found.contested) == (Stage.SETTLE, 4)
    assert steps.following(found).told == "4 pairs wait for a lead."


def test_a_settled_round_trains_from_its_start_and_then_waits_for_the_job(
    workspace: Workspace, voted: Four
) -> None:
    assert stage(workspace) is Stage.TRAIN
    with pytest.raises(WrongInputError, match="has no SFT in its lineage") as asked:
        steps.take(workspace, standing.of_round(workspace, 1), DPOSpec(), "lead")
    assert "pairwright round next --yes-no-sft" in asked.value.next_step
    taken = train_first(workspace)
    assert taken.job is not None
    assert taken.version is not None
    assert (taken.version.policy["round"], taken.version.rows) == (1, 4)
    assert (taken.job.spec["dataset"], taken.job.spec["start"]["name"]) == ("v1", "tiny")
    found = standing.of_round(workspace, 1)
    assert [job.id for job in found.working] == [taken.job.id]
    with pytest.raises(ConflictError, match="Work is under way"):
        steps.take(workspace, found, DPOSpec(), "lead")
    with pytest.raises(ConflictError, match="of round 1 is queued"):
        opening.close(workspace, "lead")


def test_a_lead_may_train_early_on_what_is_decided(
    workspace: Workspace, opened: Four, label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        label(tx, opened.batch, "ana", {opened.ids[0]: "a", opened.ids[1]: "b"})
    found = standing.of_round(workspace, 1)
    taken = steps.take(workspace, found, DPOSpec(), "lead", early=True, without_sft=True)
    assert taken.version is not None
    assert taken.version.rows == 2


def test_a_trained_round_is_measured_on_the_audit_set_and_the_next_starts_from_its_checkpoint(
    workspace: Workspace,
    voted: Four,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
) -> None:
    taken = train_first(workspace)
    assert taken.job is not None
    assert taken.version is not None
    finish(workspace, taken.job)
    made = train(workspace, taken.job, taken.version.id)
    step = steps.following(standing.of_round(workspace, 1))
    assert (step.stage, step.blocked) == (Stage.EVALUATE, "There is no audit set to measure on.")
    with workspace.ledger.write() as tx:
        other = make_batch(tx, name="audit", pair_count=2)
    audit.draw(workspace, size=2, batch="audit")
    with workspace.ledger.write() as tx:
        label(tx, other, "ana", dict.fromkeys(audit_set.members(tx), "a"))
    version = dataset.build(workspace, BuildSettings(audit=True))
    step = steps.following(standing.of_round(workspace, 1))
    assert step.told == f"Measure tiny and round-1 on the audit set, version {version.id}."
    steps.take(workspace, standing.of_round(workspace, 1), DPOSpec(), "lead")
    found = standing.of_round(workspace, 1).working
    assert [job.spec["dataset"] for job in reversed(found)] == [version.id, version.id]
    for name, job in zip(("tiny", made), reversed(found), strict=True):
        finish(workspace, job)
        with workspace.ledger.write() as tx:
            evaluations.add(
                tx,
                job_id=job.id,
                checkpoint=name,
                dataset_version=version.id,
                split="all",
                metrics={},
            )
    assert stage(workspace) is Stage.MINE
    assert opening.close(workspace, "lead") == (1, "round-1")
    second = opening.open_next(workspace)
    assert (second.number, second.start, second.target_pairs) == (2, made, 1800)


def test_a_batch_has_one_round_and_an_open_round_is_ended_first(
    workspace: Workspace, opened: Four
) -> None:
    with pytest.raises(ConflictError, match="Round 1 is open"):
        opening.open_next(workspace)
    opening.give_batch(workspace, "first", "lead")
    opening.close(workspace, "lead")
    opening.open_next(workspace)
    with pytest.raises(ConflictError, match="belongs to round 1 already"):
        opening.give_batch(workspace, "first", "lead")


def test_the_end_of_a_round_can_be_taken_back(workspace: Workspace, opened: Four) -> None:
    opening.close(workspace, "lead")
    assert opening.reopen(workspace, "lead") == 1
    with workspace.ledger.read() as db:
        kinds = [event.kind for event in round_log.events(db, 1)]
    assert kinds == [RoundEventKind.BATCH, RoundEventKind.CLOSED, RoundEventKind.REOPENED]
    with pytest.raises(ConflictError, match="Round 1 is open"):
        opening.reopen(workspace, "lead")


def test_without_a_round_or_a_model_the_next_step_is_said(workspace: Workspace, four: Four) -> None:
    with pytest.raises(NotFoundError, match="no round yet"):
        opening.number_of(workspace, None)
    with pytest.raises(NotFoundError, match="No round is open"):
        opening.give_batch(workspace, "first", "lead")
    with pytest.raises(WrongInputError, match="needs something to start from"):
        opening.open_next(workspace)
    with pytest.raises(WrongInputError, match="batch and a round are both named"):
        dataset.preview(workspace, BuildSettings(batch="first", round=1))
