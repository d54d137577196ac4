"""What the Rounds page shows: where the open round stands, and the course of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import wording
from console.views.curves import Curve, Panel
from rounds import convergence, plan, standing, steps
from rounds.convergence import Course, Rules, Turn
from rounds.standing import RoundStanding, Stage
from rounds.steps import NextStep
from storage.workspace import Workspace

ACROSS = "decided pairs in all"


@dataclass(frozen=True)
class StageLine:
    """One stage of the open round: `done`, `now` or `later`, and its figure."""

    name: str
    state: str
    figure: str


@dataclass(frozen=True)
class RoundLine:
    """One round in the table."""

    round: int
    focus: str
    start: str
    pairs: int
    decided: int
    planned: int
    checkpoint: str
    accuracy: str
    gain: str
    gap: str
    kl: str
    state: str


@dataclass(frozen=True)
class RoundsPage:
    """Everything on the page.

    Attributes:
        newest: the newest round.
        step, command: what comes next there.
        can_take: a button can take the step.
        doubt: why training should not be DPO yet; empty where nothing speaks against it.
        panels: charts over the decided pairs of all rounds.
    """

    newest: RoundStanding
    title: str
    stages: Sequence[StageLine]
    step: NextStep
    command: str
    can_take: bool
    doubt: str
    lines: Sequence[RoundLine]
    course: Course
    panels: Sequence[Panel]


def read(workspace: Workspace, rules: Rules | None = None) -> RoundsPage | None:
    """The page; None while there is no round."""
    rules = rules or Rules()
    found = standing.of_all(workspace)
    if not found:
        return None
    course = convergence.of_rounds(workspace, found, rules)
    newest = found[-1]
    step = steps.following(newest)
    doubt = steps.doubt(workspace, newest) if step.stage is Stage.TRAIN else ""
    sure = ("--yes-no-sft",) if doubt else ()
    return RoundsPage(
        newest=newest,
        title=f"Round {newest.round.number}: {newest.round.focus}",
        stages=_stages(newest),
        step=step,
        command=wording.command(workspace.home, *step.command, *sure),
        can_take=not step.blocked and step.stage in (Stage.TRAIN, Stage.EVALUATE),
        doubt=doubt,
        lines=[_line(one, course) for one in reversed(found)],
        course=course,
        panels=_panels(course, rules),
    )


def _stages(found: RoundStanding) -> list[StageLine]:
    figures = {
        Stage.COLLECT: f"{found.pairs - found.waiting:,} of {found.pairs:,} voted",
        Stage.SETTLE: f"{found.contested:,} wait for a lead",
        Stage.TRAIN: found.checkpoints[-1].name if found.checkpoints else "no checkpoint",
        Stage.EVALUATE: wording.count(len(found.evaluations), "measurement"),
        Stage.MINE: "pairs chosen" if found.mined else "nothing chosen",
    }
    current = found.stage
    order = list(Stage)
    lines = []
    for stage in order:
        state = "now" if stage is current else "later"
        if current is None or order.index(stage) < order.index(current):
            state = "done"
        lines.append(StageLine(stage.value.capitalize(), state, figures[stage]))
    return lines


def _line(found: RoundStanding, course: Course) -> RoundLine:
    turn = next((one for one in course.turns if one.number == found.round.number), None)
    return RoundLine(
        round=found.round.number,
        focus=found.round.focus,
        start=found.start,
        pairs=found.pairs,
        decided=found.decided,
        planned=found.round.target_pairs,
        checkpoint=found.checkpoints[-1].name if found.checkpoints else "none yet",
        accuracy=_figure(turn, "preference_accuracy", "{:.1%}"),
        gain=_gain(turn),
        gap=_figure(turn, "reward_gap", "{:.3f}"),
        kl=_figure(turn, "kl_per_token", "{:.3f}"),
        state="ended" if found.closed else (found.stage or "complete"),
    )


def _figure(turn: Turn | None, metric: str, form: str) -> str:
    value = turn.value(metric) if turn else None
    ends = turn.interval(metric) if turn else None
    if value is None:
        return "not measured"
    return form.format(value) + (
        f" [{form.format(ends[0])}, {form.format(ends[1])}]" if ends else ""
    )


def _gain(turn: Turn | None) -> str:
    found = turn.gain_per_thousand if turn else None
    if found is None:
        return "n/a"
    gain, (low, high) = found
    return f"{100 * gain:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def _panels(course: Course, rules: Rules) -> list[Panel]:
    if not course.turns:
        return []
    expected = plan.expected_course()
    audit = course.audit.id if course.audit else ""
    accuracy = Panel(
        title="Preference accuracy on the audit set",
        unit="share",
        curves=(
            _curve(course, "preference_accuracy", "measured", "policy"),
            Curve(
                "reported by such programmes",
                "reference",
                tuple(float(pairs) for pairs, _ in expected),
                tuple(share for _, share in expected),
            ),
        ),
        limit=("goal", rules.converged_at),
        note=_note(course, "preference_accuracy", audit),
    )
    gap = Panel(
        title="Reward gap",
        unit="",
        curves=(_curve(course, "reward_gap", "reward gap", "chosen"),),
        note=_note(course, "reward_gap", audit),
    )
    drift = Panel(
        title="KL from the reference",
        unit="nats per token",
        curves=(_curve(course, "kl_per_token", "KL per token", "validation"),),
        limit=("threshold", rules.kl_threshold),
        note=_note(course, "kl_per_token", audit),
    )
    return [panel for panel in (accuracy, gap, drift) if not panel.is_empty]


def _curve(course: Course, metric: str, name: str, role: str) -> Curve:
    turns = course.turns
    ends = [turn.interval(metric) or (None, None) for turn in turns]
    return Curve(
        name,
        role,
        tuple(float(turn.total) for turn in turns),
        tuple(turn.value(metric) for turn in turns),
        tuple(low for low, _ in ends),
        tuple(high for _, high in ends),
    )


def _note(course: Course, metric: str, audit: str) -> str:
    told = dict(course.turns[-1].metrics.get(metric) or {})
    labels = f", labels {told['labels']}" if told.get("labels") else ""
    against = f", against {told['reference']}" if told.get("reference") else ""
    return f"n {told.get('n', 0):,} of version {audit}{labels}{against}; bands are 95% intervals"
