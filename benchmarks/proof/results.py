"""What the four proofs found, as JSON, and what it says about what was to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from proof.answers import compare_exact
from proof.drifted import Drifted
from proof.lazy import Lazy
from proof.loop import Course, Turn
from proof.mined import Mined
from proof.sizes import Sizes
from rounds.mining.strategies import RANDOM
from training.measuring.paired import Paired

FIGURES = ("preference_accuracy", "reward_accuracy", "reward_gap", "kl_per_token")
GOAL, START, MOST_KL = 0.85, 0.75, 0.5


@dataclass(frozen=True)
class Results:
    """Everything that was found; a group that was not run is None."""

    sizes: Sizes
    course: Course | None = None
    drifted: Drifted | None = None
    mined: Mined | None = None
    lazy: Lazy | None = None


@dataclass(frozen=True)
class Finding:
    """Something that was to be shown, whether it was, and the figures behind it."""

    wanted: str
    shown: bool
    figures: str


def as_json(found: Results) -> dict[str, Any]:
    """All figures and findings."""
    course, mined, drifted, lazy = found.course, found.mined, found.drifted, found.lazy
    return {
        "sizes": asdict(found.sizes),
        "rounds": course and [_turn(course, turn) for turn in course.turns],
        "convergence": course and {"verdict": course.verdict, "advice": course.advice},
        "mining": mined and asdict(mined),
        "drift": drifted
        and {
            **asdict(drifted),
            "before": _wanted(drifted.before),
            "after": _wanted(drifted.after),
        },
        "lazy": lazy
        and {
            **asdict(lazy),
            "labels": [{**asdict(one), "accuracy": one.accuracy} for one in lazy.labels],
            "mean_difference": lazy.mean_difference,
        },
        "findings": [asdict(one) for one in findings(found)],
    }


def findings(found: Results) -> list[Finding]:
    """What was to be shown, by the figures of this run alone."""
    return [
        *(_of_course(found.course, found.sizes) if found.course else ()),
        *([_of_mining(found.mined)] if found.mined else ()),
        *(_of_drift(found.drifted) if found.drifted else ()),
        *(_of_lazy(found.lazy) if found.lazy else ()),
    ]


def value(metrics: Mapping[str, Any], name: str) -> float:
    """The number of a figure; NaN where it is undefined, which meets no goal."""
    number = dict(metrics.get(name) or {}).get("value")
    return float("nan") if number is None else float(number)


def told(difference: Paired) -> str:
    """`+4.1 (+1.0 to +7.2)`, in points."""
    if difference.difference is None or difference.ci95 is None:
        return "n/a"
    low, high = difference.ci95
    return f"{100 * difference.difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def exact_changes(course: Course) -> Mapping[str, Paired]:
    """Category -> the last round's exact answers against those of the model before the first."""
    return compare_exact(course.turns[0].measured.exact, course.turns[-1].measured.exact)


def _of_course(course: Course, sizes: Sizes) -> Iterator[Finding]:
    name = "preference_accuracy"
    start, last = course.turns[0].measured.oracle, course.turns[-1]
    began, ended = value(start, name), value(last.measured.oracle, name)
    low, high = last.measured.oracle[name]["ci95"]
    yield Finding(
        f"from {START:.0%} or less against the oracle", began <= START, f"{100 * began:.1f}%"
    )
    yield Finding(
        f"to at least {GOAL:.0%} after the last round",
        ended >= GOAL,
        f"{100 * ended:.1f}% ({100 * low:.1f} to {100 * high:.1f})",
    )
    decided = [turn.decided for turn in course.turns[1:]]
    yield Finding(
        f"with no more than {' + '.join(f'{most:,}' for most in sizes.rounds)} decided pairs",
        all(one <= most for one, most in zip(decided, sizes.rounds, strict=True)),
        " + ".join(f"{one:,}" for one in decided),
    )
    changes = exact_changes(course)
    worse = [at for at, one in changes.items() if one.ci95 is not None and one.ci95[1] < 0]
    not_better = [at for at, one in changes.items() if (one.difference or 0.0) <= 0]
    yield Finding(
        "exact answers: every category better",
        not not_better,
        f"not better: {', '.join(not_better) or 'none'}",
    )
    yield Finding(
        "exact answers: no category surely worse", not worse, ", ".join(worse) or "none is"
    )
    divergence = [value(turn.measured.oracle, "kl_per_token") for turn in course.turns[1:]]
    yield Finding(
        f"KL of every round against its start at most {MOST_KL} nats per token",
        all(one <= MOST_KL for one in divergence),
        ", ".join(f"{one:.3f}" for one in divergence),
    )


def _of_mining(mined: Mined) -> Finding:
    sure = [
        f"{one.strategy} with {one.labels} labels"
        for one in mined.differences
        if one.strategy != RANDOM and one.ci95 is not None and one.ci95[0] > 0
    ]
    told_so = ", ".join(sure) or "nothing surely beats drawing by lot here"
    return Finding("some strategy surely beats drawing by lot", bool(sure), told_so)


def _of_drift(drifted: Drifted) -> Iterator[Finding]:
    yield Finding(
        "convergence tracking alerts", drifted.noticed, f"{drifted.verdict}: {drifted.advice}"
    )
    stopped = drifted.stopped
    step = f"{stopped['reason']} at step {stopped['step']} of {stopped['of']}" if stopped else "no"
    yield Finding("early stop acts", drifted.ended_early, step)
    yield Finding("rollback restores", drifted.restored, f"in use: {drifted.in_use}")


def _of_lazy(lazy: Lazy) -> Iterator[Finding]:
    majority, weighted = lazy.labels
    yield Finding(
        "consensus by estimated accuracy is right more often than majority",
        weighted.accuracy > majority.accuracy,
        f"{100 * weighted.accuracy:.1f}% of {weighted.decidable} against "
        f"{100 * majority.accuracy:.1f}% of {majority.decidable}",
    )
    yield Finding(
        "and the model that learns from it is surely better",
        all(one.ci95 is not None and one.ci95[0] > 0 for one in lazy.differences),
        "points by seed: " + "; ".join(told(one) for one in lazy.differences),
    )


def _turn(course: Course, turn: Turn) -> dict[str, Any]:
    start, exact = course.turns[0].measured.exact, turn.measured.exact
    return {
        **{name: told_by for name, told_by in vars(turn).items() if name != "measured"},
        "oracle": _wanted(turn.measured.oracle),
        "consensus": _wanted(turn.measured.consensus),
        "exact": {
            name: {
                "value": float(exact.of(name).mean()),
                "n": len(exact.of(name)),
                "against_the_start": asdict(change),
            }
            for name, change in compare_exact(start, exact).items()
        },
    }


def _wanted(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in FIGURES if name in metrics}
