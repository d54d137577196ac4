"""Whether more labels still help: the course of the rounds on one audit set, and advice in words.

A gain is the preference accuracy of a round's checkpoint minus that of what the round started from,
on the same pairs of the audit set, so that its interval is the one for paired proportions. Divided
by the decided pairs of the round it is comparable between rounds of different size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars

from rounds import standing
from rounds.standing import RoundStanding
from storage import evaluations, scores
from storage.rows import DatasetVersion, Evaluation
from storage.workspace import Workspace
from training.measuring import paired
from training.measuring.paired import Paired


class Verdict(StrEnum):
    """What the course of the rounds says."""

    TOO_EARLY = "too early"
    IMPROVING = "improving"
    PLATEAU = "plateau"
    CONVERGED = "converged"
    WORSE = "worse"
    DRIFTING = "drifting"


@dataclass(frozen=True)
class Rules:
    """When to say what.

    Attributes:
        least_gain: preference accuracy per 1,000 decided pairs, 0 to 1, below which a round no
            longer pays.
        patience: rounds in a row whose gain is surely below it before that is a plateau.
        converged_at: preference accuracy at which the goal is reached, 0 to 1.
        kl_threshold: nats per token beyond which a model has drifted.
    """

    least_gain: float = 0.015
    patience: int = 2
    converged_at: float = 0.85
    kl_threshold: float = 0.5


@dataclass(frozen=True)
class Turn:
    """One round on the audit set.

    Attributes:
        number: of the round; 0 is what the first round starts from.
        checkpoint: name of what was measured.
        pairs: decided pairs that the round trained on.
        total: decided pairs of all rounds so far.
        metrics: as the evaluation has them: name -> {value, ci95, n, labels}.
        gain: against what the round started from; None where that was not measured.
    """

    number: int
    checkpoint: str
    pairs: int
    total: int
    metrics: Mapping[str, Any]
    gain: Paired | None

    def value(self, metric: str) -> float | None:
        """A metric's number; None where it was not measured or is undefined."""
        found: float | None = dict(self.metrics.get(metric) or {}).get("value")
        return found

    def interval(self, metric: str) -> tuple[float, float] | None:
        """A metric's 95% interval; None where there is none."""
        ends = dict(self.metrics.get(metric) or {}).get("ci95")
        return None if ends is None else (float(ends[0]), float(ends[1]))

    @property
    def gain_per_thousand(self) -> tuple[float, tuple[float, float]] | None:
        """Gain per 1,000 decided pairs, with its 95% interval; None without a gain."""
        if self.gain is None or self.gain.difference is None or not self.pairs:
            return None
        assert self.gain.ci95 is not None
        scale = 1000 / self.pairs
        low, high = self.gain.ci95
        return self.gain.difference * scale, (low * scale, high * scale)


@dataclass(frozen=True)
class Course:
    """All rounds on one audit set.

    Attributes:
        audit: the version that all were measured on; None without one.
        unmeasured: rounds whose checkpoint was not measured on it.
        advice: what it says and what to do, in sentences.
    """

    audit: DatasetVersion | None
    turns: Sequence[Turn]
    unmeasured: Sequence[int]
    verdict: Verdict
    advice: str


def of_workspace(workspace: Workspace, rules: Rules | None = None) -> Course:
    """The course of the rounds so far, on the newest version of the audit set.

    Raises:
        DamagedError: sealed scores cannot be read.
    """
    return of_rounds(workspace, standing.of_all(workspace), rules)


def of_rounds(
    workspace: Workspace, found: Sequence[RoundStanding], rules: Rules | None = None
) -> Course:
    """The same of rounds that were read already: all of them, the first one first.

    Raises:
        DamagedError: sealed scores cannot be read.
    """
    rules = rules or Rules()
    audit = found[-1].audit if found else None
    if audit is None:
        return Course(None, (), [one.round.number for one in found], *_without_audit(len(found)))
    turns, unmeasured = _turns(workspace, found, audit)
    return Course(audit, turns, unmeasured, *judge(turns, rules))


def judge(turns: Sequence[Turn], rules: Rules) -> tuple[Verdict, str]:
    """What the turns say, and what to do; the last turn is looked at first."""
    measured = [turn for turn in turns if turn.number]
    if not measured:
        return Verdict.TOO_EARLY, "No round was measured on the audit set yet."
    last = measured[-1]
    drift = last.interval("kl_per_token")
    if drift is not None and drift[0] > rules.kl_threshold:
        return Verdict.DRIFTING, (
            f"Round {last.number} drifted: its KL is above {rules.kl_threshold:g} nats per token "
            f"with its whole interval ({drift[0]:.2f} to {drift[1]:.2f}). Roll back, and train "
            "with a larger beta, a smaller learning rate or fewer epochs."
        )
    if last.gain is not None and last.gain.ci95 is not None and last.gain.ci95[1] < 0:
        return Verdict.WORSE, (
            f"Round {last.number} made it worse: {_points(last.gain.difference)} points, surely "
            "below 0. Roll back, look at the Diff page, and check the round's labels."
        )
    sure = last.interval("preference_accuracy")
    if sure is not None and (last.value("preference_accuracy") or 0.0) >= rules.converged_at:
        certain = "surely" if sure[0] >= rules.converged_at else "with its estimate, not surely,"
        return Verdict.CONVERGED, (
            f"Preference accuracy reached {rules.converged_at:.0%} {certain} in round "
            f"{last.number}. Stop, or move to edge cases of the domain or new categories."
        )
    return _of_gains(measured, rules)


def _of_gains(measured: Sequence[Turn], rules: Rules) -> tuple[Verdict, str]:
    gains = [turn.gain_per_thousand for turn in measured]
    recent = gains[-rules.patience :]
    least = _points(rules.least_gain)
    if len(recent) == rules.patience and all(
        gain is not None and gain[1][1] < rules.least_gain for gain in recent
    ):
        rounds = f"{rules.patience} rounds" if rules.patience > 1 else "the round"
        return Verdict.PLATEAU, (
            f"Plateau: the gain stayed surely under {least} points per 1,000 pairs for {rounds} "
            "running. More of the same pairs will hardly help: change the focus, or stop."
        )
    last = gains[-1]
    if last is None:
        return Verdict.TOO_EARLY, (
            f"Measure what round {measured[-1].number} started from on the audit set too: without "
            "it there is no gain to judge by."
        )
    gain, (low, high) = last
    told = f"{_points(gain)} points per 1,000 pairs ({_points(low)} to {_points(high)})"
    if low > 0:
        return Verdict.IMPROVING, f"The last round gained {told}. Collect more."
    return Verdict.TOO_EARLY, (
        f"The last round gained {told}: too uncertain to say. Collect more, or draw a larger audit "
        "set before the next training."
    )


def _turns(
    workspace: Workspace, found: Sequence[RoundStanding], audit: DatasetVersion
) -> tuple[list[Turn], list[int]]:
    turns: list[Turn] = []
    unmeasured: list[int] = []
    total = 0
    for one in found:
        start = _newest(workspace, one.round.start, audit)
        if start is not None and not turns:
            turns.append(Turn(0, one.start, 0, 0, start.metrics, None))
        looked_at = [(made, _newest(workspace, made.id, audit)) for made in one.checkpoints]
        if not looked_at or looked_at[-1][1] is None:
            unmeasured.append(one.round.number)
        # a newer one that was not measured yet takes nothing from the one that was
        for made, measured in reversed(looked_at):
            if measured is not None:
                pairs = next(v.train for v in one.versions if v.id == made.dataset_version)
                total += pairs
                gain = _gain(workspace, start, measured) if start else None
                number, metrics = one.round.number, measured.metrics
                turns.append(Turn(number, made.name, pairs, total, metrics, gain))
                break
    return turns, unmeasured


def _newest(workspace: Workspace, checkpoint: str, audit: DatasetVersion) -> Evaluation | None:
    """The newest evaluation of a checkpoint or model on a version."""
    with workspace.ledger.read() as db:
        listed = evaluations.listed(db, checkpoint=checkpoint)
    return next((one for one in listed if one.dataset_version == audit.id), None)


def _gain(workspace: Workspace, before: Evaluation, after: Evaluation) -> Paired | None:
    """The paired difference; None where scores of either are missing."""
    frames = [scores.of_job(workspace, one.job_id) for one in (before, after)]
    if frames[0] is None or frames[1] is None:
        return None
    right = polars.col("chosen_logp") > polars.col("rejected_logp")
    first, second = (
        frame.select("pair_id", right.alias("right")) for frame in frames if frame is not None
    )
    both = first.join(second, on="pair_id", suffix="_after", maintain_order="left")
    return paired.compare(both["right"].to_numpy(), both["right_after"].to_numpy())


def _without_audit(rounds: int) -> tuple[Verdict, str]:
    if not rounds:
        return Verdict.TOO_EARLY, "There is no round yet."
    return Verdict.TOO_EARLY, (
        "There is no version of the audit set: rounds cannot be compared. Draw it with "
        "`pairwright audit draw`, have it labeled, and build it with `dataset build --audit`."
    )


def _points(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f}"
