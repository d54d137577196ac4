"""The next step of a round: what it is, what keeps it from being taken, and taking it.

Collecting and settling are people's work; a step that needs them says so. Building, training and
measuring are done here, with the same calls as their own commands.
"""

from __future__ import annotations

from dataclasses import dataclass

from rounds import dataset
from rounds.dataset import BuildSettings
from rounds.standing import RoundStanding, Stage
from storage import round_log
from storage.errors import ConflictError
from storage.round_log import RoundEventKind
from storage.rows import DatasetVersion, Job
from storage.workspace import Workspace
from training.jobs import starts, submission
from training.jobs.starts import Start
from training.modeling import tuned
from training.settings.spec import DPOSpec

NO_SFT_WORDS = "say that it is meant: pairwright round next --yes-no-sft"


@dataclass(frozen=True)
class NextStep:
    """What comes next in a round.

    Attributes:
        stage: the stage that it belongs to; None when the round is complete.
        told: what is to do, in a sentence.
        blocked: why it cannot be taken by a button, empty when it can.
        command: words of the command that does it.
    """

    stage: Stage | None
    told: str
    blocked: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """What taking a step made: a version, a job, or both."""

    version: DatasetVersion | None
    job: Job | None


def following(found: RoundStanding) -> NextStep:
    """The next step of a round that stands so."""
    if found.closed:
        opening = ("round", "open")
        told = f"Round {found.round.number} has ended."
        return NextStep(None, told, "Open the next one.", opening)
    if found.working:
        job = found.working[0]
        told = f"{job.kind.capitalize()} {job.id} is {job.state}."
        return NextStep(found.stage, told, "Work is under way.", ("job", "show", job.id))
    return _STEPS[found.stage](found) if found.stage else _complete(found)


def take(
    workspace: Workspace,
    found: RoundStanding,
    spec: DPOSpec,
    actor: str,
    early: bool = False,
    *,
    without_sft: bool = False,
) -> Taken:
    """Take the next step.

    Args:
        spec: settings of a training.
        actor: who takes it.
        early: train on what is decided although votes or decisions are missing.
        without_sft: start DPO although `doubt` speaks against it.

    Raises:
        ConflictError: the step is people's work, or another is under way.
        WrongInputError: nothing is decided yet, or nobody has taught the start to answer.
    """
    step = following(found)
    people = step.stage in (Stage.COLLECT, Stage.SETTLE) and not found.working
    if step.blocked and not (early and people):
        raise ConflictError(f"{step.told} {step.blocked}", f"pairwright {' '.join(step.command)}")
    if people or step.stage is Stage.TRAIN:
        if not without_sft:
            tuned.check(_start_of(workspace, found), spec.stage, NO_SFT_WORDS)
        return _train(workspace, found, spec, actor)
    if step.stage is Stage.EVALUATE:
        return _evaluate(workspace, found, actor)
    raise ConflictError(step.told, f"pairwright {' '.join(step.command)}")


def doubt(workspace: Workspace, found: RoundStanding) -> str:
    """Why the round's training should not be DPO, in a sentence; empty where nothing says so."""
    return tuned.doubt(_start_of(workspace, found))


def _start_of(workspace: Workspace, found: RoundStanding) -> Start:
    with workspace.ledger.read() as db:
        return starts.resolve(db, found.round.start)


def build_settings(found: RoundStanding, seed: int = 0) -> BuildSettings:
    """The dataset version of a round: what is decided in its batches."""
    return BuildSettings(round=found.round.number, seed=seed)


def _train(workspace: Workspace, found: RoundStanding, spec: DPOSpec, actor: str) -> Taken:
    version = dataset.build(workspace, build_settings(found, spec.seed))
    job = submission.submit_training(
        workspace, dataset=version.id, start_from=found.round.start, spec=spec
    )
    _note(workspace, found, job, actor)
    return Taken(version, job)


def _evaluate(workspace: Workspace, found: RoundStanding, actor: str) -> Taken:
    """Measure what is not measured yet: without the start there is no gain to judge by."""
    assert found.audit is not None, "a step without an audit set is blocked"
    asked = [] if found.start_measured else [found.round.start]
    asked += [] if found.evaluations else [found.checkpoints[-1].id]
    for name in asked:
        job = submission.submit_evaluation(
            workspace, checkpoint=name, dataset=found.audit.id, split="all"
        )
        _note(workspace, found, job, actor)
    return Taken(None, job)


def _note(workspace: Workspace, found: RoundStanding, job: Job, actor: str) -> None:
    with workspace.ledger.write() as tx:
        round_log.record(
            tx,
            found.round.number,
            RoundEventKind.QUEUED,
            subject=job.id,
            actor=actor,
            detail={"kind": job.kind},
        )


def _collect(found: RoundStanding) -> NextStep:
    if not found.pairs:
        return NextStep(
            Stage.COLLECT,
            "The round has no pairs yet.",
            "Sample or import a batch and give it to the round.",
            ("round", "batch", "NAME"),
        )
    names = [standing.batch.name for standing in found.batches if standing.waiting]
    return NextStep(
        Stage.COLLECT,
        f"{found.waiting:,} of {found.pairs:,} pairs lack votes.",
        "Annotators vote on them.",
        ("link", "create", "--batch", names[0], "--annotator", "WHO"),
    )


def _settle(found: RoundStanding) -> NextStep:
    return NextStep(
        Stage.SETTLE,
        f"{found.contested:,} pairs wait for a lead.",
        "A lead decides them.",
        ("pair", "queue"),
    )


def _to_train(found: RoundStanding) -> NextStep:
    told = f"Train on {found.decided:,} decided pairs, starting from {found.start}."
    return NextStep(Stage.TRAIN, told, "", ("round", "next"))


def _to_evaluate(found: RoundStanding) -> NextStep:
    name = found.checkpoints[-1].name
    if found.audit is None:
        return NextStep(
            Stage.EVALUATE,
            f"Measure {name} on the audit set.",
            "There is no audit set to measure on.",
            ("audit", "draw", "--size", "500"),
        )
    names = [] if found.start_measured else [found.start]
    names += [] if found.evaluations else [name]
    told = f"Measure {' and '.join(names)} on the audit set, version {found.audit.id}."
    return NextStep(Stage.EVALUATE, told, "", ("round", "next"))


def _to_mine(found: RoundStanding) -> NextStep:
    name = f"mined-{found.round.number + 1}"
    if found.unlabeled:
        return NextStep(
            Stage.MINE,
            f"Choose the pairs of the next round from {found.unlabeled:,} unlabeled ones.",
            "The worker does so by itself; or say how.",
            ("mine", "--batch", name),
        )
    return NextStep(
        Stage.MINE,
        "Choose the pairs of the next round: no pair is left unlabeled.",
        "New prompts get two answers first.",
        ("mine", "--batch", name, "--prompts", "FILE"),
    )


def _complete(found: RoundStanding) -> NextStep:
    told = f"Round {found.round.number} is complete: end it and open the next."
    return NextStep(None, told, "Ending is a decision.", ("round", "close"))


_STEPS = {
    Stage.COLLECT: _collect,
    Stage.SETTLE: _settle,
    Stage.TRAIN: _to_train,
    Stage.EVALUATE: _to_evaluate,
    Stage.MINE: _to_mine,
}
