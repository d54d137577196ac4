"""The proof as a page: every number comes from the run."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from console import measured
from console.demo.experts import Expert
from proof.drifted import EAGER, Drifted
from proof.lazy import Lazy
from proof.loop import Course, Turn
from proof.mined import Difference, Mined
from proof.results import FIGURES, Results, exact_changes, findings, told
from proof.sizes import FULL, OVERLAP, PANEL, THREE_LAZY
from rounds.mining.requests import MiningRequest


@dataclass(frozen=True)
class Circumstances:
    """When and where it ran. `cpu_seconds` of all processes, `seconds` of the wall."""

    date: str
    command: str
    cores: int
    seconds: float
    cpu_seconds: float


def write(found: Results, about: Circumstances) -> str:
    """The page as Markdown."""
    return "\n".join([*_head(found, about), *_parts(found)]) + "\n"


def _head(found: Results, about: Circumstances) -> Iterator[str]:
    sizes = found.sizes
    yield "# Proof"
    yield ""
    yield (
        f"Made on {about.date} by `{about.command}` in {about.seconds / 60:.0f} minutes "
        f"({about.cpu_seconds / 60:.0f} of a core) on {platform.machine()}, {about.cores} cores, "
        f"Python {platform.python_version()}. Seeds: rounds by their number, mining "
        f"{_list(sizes.seeds)} (screening {_list(sizes.screening)}), lazy experts "
        f"{_list(sizes.lazy_seeds)}; all else 0 to 9. The order in which experts take pairs is "
        "not fixed, so that another run differs a little."
    )
    yield ""
    yield (
        "The tiny world of shapes, its model with bad habits, and simulated experts who vote over "
        f"HTTP by their links, {OVERLAP} on a pair. Everything runs through the parts that people "
        "use. The oracle knows the truth; where an expert errs, nobody tells."
    )
    yield ""
    if found.sizes != FULL:
        yield "This was a quick run on a fraction of everything: it shows that it works, no more."
        yield ""
    yield f"Experts: {_panel(PANEL)}"
    yield ""
    rows = [(one.wanted, "yes" if one.shown else "no", one.figures) for one in findings(found)]
    yield from _table(("to be shown", "shown", "figures"), rows)


def _parts(found: Results) -> Iterator[str]:
    if found.course:
        yield from _rounds(found.course)
    if found.mined:
        yield from _mining(found.mined)
    if found.drifted:
        yield from _drift(found.drifted)
    if found.lazy:
        yield from _lazy(found.lazy)


def _rounds(course: Course) -> Iterator[str]:
    yield from ("", "## 1. Rounds", "")
    heads = ("round", "pairs chosen", "voted on", "votes", "decided", "trained on")
    rows = [
        (turn.number, turn.chosen, turn.pairs, turn.votes, turn.decided, turn.trained)
        for turn in course.turns[1:]
    ]
    yield from _table(heads, rows)
    yield ""
    yield (
        "On the audit set, which no round trains on. Figures against the oracle; the last column "
        "is preference accuracy against the experts' consensus. Reward figures and KL are against "
        "the start of each round."
    )
    yield ""
    named = ("round", *(name.replace("_", " ") for name in FIGURES), "accuracy by consensus")
    yield from _table(named, [_figures(turn) for turn in course.turns])
    yield ""
    yield f"Convergence tracking says {course.verdict}: {course.advice}"
    yield ""
    yield (
        "Exact answers, greedy, in percent; the last column is the last round minus round 0 in "
        "points, with the 95% interval for paired proportions."
    )
    yield ""
    names = [f"round {turn.number}" for turn in course.turns]
    yield from _table(("category", "n", *names, "difference"), _exact(course))


def _figures(turn: Turn) -> Sequence[str]:
    own = turn.measured
    cells = [measured.value_of(own.oracle[name]) for name in FIGURES]
    return (str(turn.number), *cells, measured.value_of(own.consensus["preference_accuracy"]))


def _exact(course: Course) -> Iterator[Sequence[object]]:
    for name, change in exact_changes(course).items():
        shares = [100 * float(turn.measured.exact.of(name).mean()) for turn in course.turns]
        yield (name, change.n, *(f"{share:.1f}" for share in shares), told(change))


def _mining(mined: Mined) -> Iterator[str]:
    yield from ("", "## 2. Mining against drawing by lot", "")
    yield (
        f"One pool of {mined.pool:,} pairs, labeled once, scored by a model that learned from "
        f"{mined.warm_pairs} decided pairs ({100 * mined.warm_accuracy:.1f}% on the audit set); "
        "every choice trains that model. A label is a pair that experts were asked about, whether "
        "it has a winner or not. Of every batch "
        f"{MiningRequest.random_share:.0%} are drawn by lot, as the product always does. "
        f"The best of the other strategies is {mined.other}{_screened(mined)}. Differences "
        "are paired by seed, with Student's 95% interval over the seeds: they speak of this pool "
        "and this model."
    )
    yield ""
    heads = ("labels", "strategy", "decided", "accuracy", "minus random, points", "seeds")
    yield from _table(heads, [_difference(mined, one) for one in mined.differences])


def _screened(mined: Mined) -> str:
    if not mined.screening:
        return ", the only one that was tried"
    names = sorted({one.strategy for one in mined.screening})
    means = {
        name: [one.accuracy for one in mined.screening if one.strategy == name] for name in names
    }
    shown = (f"{name} {100 * sum(own) / len(own):.1f}%" for name, own in means.items())
    return f" by a screening with other seeds ({', '.join(shown)})"


def _difference(mined: Mined, one: Difference) -> Sequence[object]:
    arms = [a for a in mined.arms if (a.strategy, a.labels) == (one.strategy, one.labels)]
    decided = sum(arm.decided for arm in arms) / len(arms)
    ends = one.ci95 and f" ({100 * one.ci95[0]:+.1f} to {100 * one.ci95[1]:+.1f})"
    apart = "" if one.strategy == "random" else f"{100 * one.difference:+.1f}{ends or ''}"
    accuracy = f"{100 * one.accuracy:.1f}%"
    return (one.labels, one.strategy, f"{decided:.0f}", accuracy, apart, one.seeds)


def _drift(drifted: Drifted) -> Iterator[str]:
    yield from ("", "## 3. A round driven into drift", "")
    eager = ", ".join(f"{name} {value:g}" for name, value in EAGER.items())
    yield (
        f"A round more, on {drifted.pairs} pairs, far too eager ({eager}) and without early stop."
    )
    yield ""
    rows = [(name.replace("_", " "), *_pair(drifted, name)) for name in FIGURES]
    yield from _table(("on the audit set", "before", "after"), rows)
    yield ""
    alert = "wrote an alert into the round" if drifted.alerted else "wrote no alert"
    yield f"The worker {alert}. Convergence tracking: {drifted.advice}"
    yield ""
    if drifted.stopped:
        stop = drifted.stopped
        kl = "n/a" if drifted.stopped_kl is None else f"{drifted.stopped_kl:.3f}"
        yield (
            f"The same training with early stop ended at step {stop['step']} of {stop['of']} "
            f"({stop['reason']}); what it published has a KL of {kl} nats per token on the "
            "held-out pairs."
        )
    else:
        yield "The same training with early stop went to its end."
    yield ""
    yield f"After the rollback {drifted.in_use} is in use, as before the round."


def _pair(drifted: Drifted, name: str) -> Sequence[str]:
    return tuple(measured.value_of(one[name]) for one in (drifted.before, drifted.after))


def _lazy(lazy: Lazy) -> Iterator[str]:
    yield from ("", "## 4. Three lazy experts of eight", "")
    yield f"Experts: {_panel(THREE_LAZY)}"
    yield ""
    yield (
        f"{lazy.votes:,} votes on {lazy.pairs:,} pairs, settled by majority and by consensus that "
        "weighs votes by each expert's estimated accuracy. Right means as the oracle says, of the "
        "pairs on which it knows a better answer."
    )
    yield ""
    rows = [
        (
            *(one.policy, one.rows, one.decidable, f"{100 * one.accuracy:.1f}%"),
            ", ".join(f"{100 * value:.1f}%" for value in lazy.accuracies[one.policy]),
        )
        for one in lazy.labels
    ]
    heads = ("policy", "decided", "of these decidable", "right", "model on the audit set, by seed")
    yield from _table(heads, rows)
    yield ""
    apart = "; ".join(told(one) for one in lazy.differences)
    yield (
        f"Weighted minus majority on the same audit pairs, in points by seed: {apart}. On average "
        f"{100 * lazy.mean_difference:+.1f}."
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def _panel(panel: Sequence[Expert]) -> str:
    told_of = [
        f"{one.name} (right on {one.accuracy:.0%}"
        + (f", leans {_side(one.side_bias)} {abs(one.side_bias):.0%}" if one.side_bias else "")
        + (f", flips a coin {one.laziness:.0%}" if one.laziness else "")
        + ")"
        for one in panel
    ]
    return ", ".join(told_of) + "."


def _side(bias: float) -> str:
    return "left" if bias > 0 else "right"


def _list(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds)) or "none"
