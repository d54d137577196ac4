"""Third proof: a round driven into drift on purpose, and what notices, stops and undoes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proof.loop import Course
from proof.stage import ACTOR, Stage, checkpoint_of, metrics_of, settings
from rounds import convergence, opening, standing
from rounds.convergence import Verdict
from storage import activations, checkpoints, round_log
from storage.round_log import RoundEventKind

# hardly any pull to the start, a very large rate, and too often over the same pairs
EAGER: Mapping[str, Any] = {"beta": 0.01, "learning_rate": 1e-2, "epochs": 6}


@dataclass(frozen=True)
class Drifted:
    """What happened.

    Attributes:
        before, after: figures on the audit set of what the round started from and ended with.
        verdict, advice: of convergence tracking.
        alerted: whether the worker wrote its alert into the round by itself.
        stopped: of the same training with early stop: reason, step and steps planned; None where
            it went to its end.
        stopped_kl: KL per token, nats, of the checkpoint that was published then, held out.
        in_use: name of the checkpoint in use after the rollback.
        expected: name of that which was in use before.
    """

    pairs: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    verdict: str
    advice: str
    alerted: bool
    stopped: Mapping[str, Any] | None
    stopped_kl: float | None
    in_use: str
    expected: str

    @property
    def noticed(self) -> bool:
        return self.verdict == Verdict.DRIFTING.value and self.alerted

    @property
    def ended_early(self) -> bool:
        return self.stopped is not None

    @property
    def restored(self) -> bool:
        return self.in_use == self.expected


def run(stage: Stage, course: Course) -> Drifted:
    """Drive the round after the last one into drift, and take it back."""
    last = course.turns[-1]
    with stage.phase("A round driven into drift"):
        _collect(stage, last.checkpoint)
        drifting = stage.take(settings(model_name="drifted", early_stop=False, **EAGER))
        _activate(stage, last.checkpoint)
        _activate(stage, checkpoint_of(drifting))
        after = metrics_of(stage.take(settings()))
        number = len(stage.sizes.rounds) + 1
        alerted = _wait_for_alert(stage, number)
        found = convergence.of_workspace(stage.workspace)
        version = standing.of_round(stage.workspace, number).versions[-1]
    with stage.phase("The same training with early stop, and the rollback"):
        eager = settings(model_name="stopped", early_stop=True, **EAGER)
        stopped = stage.finish(stage.train(version, last.checkpoint, eager))
        with stage.workspace.ledger.write() as tx:
            published = checkpoints.get(tx, checkpoint_of(stopped)).metrics
            reason = found.advice[: activations.LONGEST_REASON]
            activations.rollback(tx, actor=ACTOR, reason=reason)
    with stage.workspace.ledger.read() as db:
        active = activations.active(db)
        expected = checkpoints.get(db, last.checkpoint).name
    return Drifted(
        pairs=version.train,
        before=last.measured.oracle,
        after=after,
        verdict=found.verdict.value,
        advice=found.advice,
        alerted=alerted,
        stopped=published.get("stopped_early"),
        stopped_kl=dict(published.get("kl_per_token") or {}).get("value"),
        in_use=active.name if active else "",
        expected=expected,
    )


def _collect(stage: Stage, start: str) -> None:
    name = "to-drift"
    opening.open_next(stage.workspace, actor=ACTOR, focus="driven into drift on purpose")
    asked = stage.ask(name, stage.sizes.drift_prompts, seed=9)
    stage.sample(start, asked, name, seed=9)
    opening.give_batch(stage.workspace, name, ACTOR)
    stage.vote(name, asked, seed=9)


def _activate(stage: Stage, checkpoint: str) -> None:
    with stage.workspace.ledger.write() as tx:
        activations.activate(tx, checkpoint, actor=ACTOR)


def _wait_for_alert(stage: Stage, number: int) -> bool:
    """Whether the worker wrote into the round that it drifted, after the measurement."""

    def is_told() -> bool:
        with stage.workspace.ledger.read() as db:
            events = round_log.events(db, number)
        return any(
            one.kind is RoundEventKind.ALERT and one.detail["verdict"] == Verdict.DRIFTING.value
            for one in events
        )

    return stage.comes_true(is_told)
