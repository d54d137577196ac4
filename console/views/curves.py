"""The curves of a run, from its metric events. Whatever is missing is named, not hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.views import wording
from console.views.figures import BY_NAME, Reading, reading
from storage.rows import JobEvent, Json
from training.settings import SFT

# More points than pixels only slow the browser down.
MOST_POINTS = 400


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        role: decides colour and pattern: `policy`, `validation`, `reference`, `baseline`, `chosen`
            or `rejected`.
        steps: optimizer steps, ascending.
        values: one per step; None where the run reported no number.
        low, high: ends of the 95% interval, one per step, or empty.
    """

    name: str
    role: str
    steps: tuple[float, ...]
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()

    @property
    def points(self) -> int:
        return sum(value is not None for value in self.values)


@dataclass(frozen=True)
class Panel:
    """One chart: its curves over steps, a limit line, and what to know when reading it.

    Attributes:
        unit: `share` is drawn as percent from 0 to 100.
        limit: a horizontal threshold with its name, or None.
        note: what the chart says, its n and labels, and what is missing.
    """

    title: str
    unit: str
    curves: tuple[Curve, ...]
    limit: tuple[str, float] | None = None
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return all(curve.points == 0 for curve in self.curves)


@dataclass(frozen=True)
class _Point:
    """`ends` are the outermost quantiles of a distribution."""

    step: float
    reading: Reading
    ends: tuple[float, float] | None = None


_Points = Mapping[str, Sequence[_Point]]
_TRAINING = "training_"
# splits whose figures are not those of the held-out pairs
_PREFIXES = {"train": _TRAINING, "distribution": "distribution_", "changes": "changes_"}

# figure -> (title of the chart, name of the policy's curve, [(figure, role, name) of the rest])
_ACCURACIES = {
    "preference_accuracy": (
        ("reference_preference_accuracy", "reference", "reference itself"),
        ("longer_wins_accuracy", "baseline", "the longer one wins"),
    ),
    "reward_accuracy": (("longer_wins_accuracy", "baseline", "the longer one wins"),),
}


def panels(events: Iterable[JobEvent], settings: Json) -> list[Panel]:
    """The charts of a run in reading order. `settings` is the resolved DPOSpec of the job."""
    points = _points(events)
    if settings.get("stage") == SFT:
        return _of_sft(points)
    return [
        _loss(points),
        _accuracy(points, "preference_accuracy"),
        _accuracy(points, "reward_accuracy"),
        _gap(points),
        _rewards(points),
        _drift(points),
        _kl(points, settings),
        _training(points, "grad_norm", "Gradient norm"),
        _training(points, "learning_rate", "Learning rate"),
        *_machine(points),
    ]


def _of_sft(points: _Points) -> list[Panel]:
    """The stage before DPO has answers and no pairs: neither rewards nor a reference."""
    return [
        _loss(points),
        _tokens(points),
        _training(points, "grad_norm", "Gradient norm"),
        _training(points, "learning_rate", "Learning rate"),
        *_machine(points),
    ]


def latest(events: Iterable[JobEvent]) -> dict[str, Any]:
    """The last reported value of each held-out figure, as the run wrote it."""
    found: dict[str, Any] = {}
    for event in _in_order(events):
        if event.payload.get("split") == "holdout":
            found |= _values(event)
    return found


def _points(events: Iterable[JobEvent]) -> dict[str, list[_Point]]:
    """Points by figure and step. What a later attempt says about a step replaces the earlier.

    A figure of the training batches is named `training_...`: the same figure of the held-out pairs
    is another number, and the two never share a curve.
    """
    points: dict[str, dict[float, _Point]] = {}
    for event in _in_order(events):
        step = event.payload.get("step")
        if event.kind != "metric" or not wording.is_number(step):
            continue
        prefix = _PREFIXES.get(str(event.payload.get("split")), "")
        for name, raw in _values(event).items():
            point = _Point(float(step), reading(raw), _ends(raw))
            points.setdefault(prefix + name, {})[step] = point
    return {name: list(by_step.values()) for name, by_step in points.items()}


def _ends(raw: Any) -> tuple[float, float] | None:
    if not isinstance(raw, list) or len(raw) < 2 or not all(map(wording.is_number, raw)):
        return None
    return float(raw[0]), float(raw[-1])


def _in_order(events: Iterable[JobEvent]) -> list[JobEvent]:
    return sorted(events, key=lambda event: (event.attempt, event.sequence))


def _values(event: JobEvent) -> Mapping[str, Any]:
    values = event.payload.get("values")
    return values if isinstance(values, Mapping) else {}


def _curve(points: _Points, figure: str, role: str, name: str) -> Curve:
    found = sorted(points.get(figure, ()), key=lambda point: point.step)
    banded = any(p.reading.low is not None for p in found)
    return Curve(
        name=name,
        role=role,
        steps=tuple(p.step for p in found),
        values=tuple(p.reading.value for p in found),
        low=tuple(p.reading.low for p in found) if banded else (),
        high=tuple(p.reading.high for p in found) if banded else (),
    )


def _loss(points: _Points) -> Panel:
    training, per_point = _thinned(_curve(points, "training_loss", "policy", "training"))
    validation = _curve(points, "validation_loss", "validation", "validation")
    thinned = f"Each training point is the mean of {per_point} steps." if per_point > 1 else ""
    return Panel(
        title="Loss",
        unit="",
        curves=(training, validation),
        note=_sentences(thinned, _gaps(training), _gaps(validation)),
    )


def _accuracy(points: _Points, figure: str) -> Panel:
    measure = BY_NAME[figure]
    policy = _measured(points, figure, "policy")
    others = tuple(_curve(points, f, role, name) for f, role, name in _ACCURACIES[figure])
    return Panel(
        title=measure.title,
        unit="share",
        curves=(policy, *(c for c in others if c.points)),
        note=_sentences(_basis(points, figure), _gaps(policy)),
    )


def _tokens(points: _Points) -> Panel:
    training, per_point = _thinned(
        _curve(points, "training_token_accuracy", "policy", "training batches")
    )
    heldout = _curve(points, "token_accuracy", "validation", "held out")
    thinned = f"Each training point is the mean of {per_point} steps." if per_point > 1 else ""
    return Panel(
        title=BY_NAME["token_accuracy"].title,
        unit="share",
        curves=(training, *((heldout,) if heldout.points else ())),
        note=_sentences(thinned, _basis(points, "token_accuracy"), _gaps(heldout)),
    )


def _measured(points: _Points, figure: str, name: str, in_training: str = "") -> Curve:
    """The held-out figure, or that of the training batches where nothing is held out."""
    heldout = _curve(points, figure, "policy", name)
    training, _ = _thinned(
        _curve(points, _TRAINING + (in_training or figure), "policy", f"{name}, training batches")
    )
    return heldout if heldout.steps else training


def _gap(points: _Points) -> Panel:
    gap = _measured(points, "reward_gap", "reward gap", in_training="margin")
    return Panel(
        title="Reward gap",
        unit="implicit reward",
        curves=(gap, *_beside(points, "reward_gap")),
        note=_sentences(_basis(points, "reward_gap"), _gaps(gap)),
    )


def _beside(points: _Points, figure: str) -> tuple[Curve, ...]:
    """The same figure against base and round start, where the reference is another model."""
    found = (
        _curve(points, f"{figure}_{name}", role, f"against {name.replace('_', ' ')}")
        for name, role in (("base", "baseline"), ("round_start", "reference"))
    )
    return tuple(curve for curve in found if curve.points)


def _rewards(points: _Points) -> Panel:
    """Means, in the band that holds the middle nine tenths of the pairs."""
    curves = tuple(
        _with_spread(_curve(points, f"reward_{role}", role, role), points, role)
        for role in ("chosen", "rejected")
    )
    bands = "Band: 5% to 95% of the pairs, line: mean." if any(c.low for c in curves) else ""
    # the band is no interval here
    basis = _basis(points, "reward_chosen").replace("95% band, n", "N")
    return Panel(
        title="Rewards",
        unit="implicit reward",
        curves=curves,
        note=_sentences(bands, basis, *(_gaps(c) for c in curves)),
    )


def _with_spread(curve: Curve, points: _Points, role: str) -> Curve:
    """The outermost quantiles of a distribution as the band of a curve; no interval without."""
    ends = {point.step: point.ends for point in points.get(f"distribution_{role}", ())}
    if not any(ends.get(step) for step in curve.steps):
        return replace(curve, low=(), high=())
    at = [ends.get(step) or (None, None) for step in curve.steps]
    return replace(curve, low=tuple(low for low, _ in at), high=tuple(high for _, high in at))


def _drift(points: _Points) -> Panel:
    drift = _curve(points, "chosen_drift", "policy", "chosen answers")
    told = "Below 0 the chosen answers have become less likely than under the reference."
    return Panel(
        title="Drift of the chosen answers",
        unit="nats",
        curves=(drift,),
        note=_sentences(told if drift.points else "", _basis(points, "chosen_drift")),
    )


def _kl(points: _Points, settings: Json) -> Panel:
    kl = _curve(points, "kl_per_token", "policy", "on the pairs")
    own = _curve(points, "kl_per_token_on_policy", "validation", "on its own answers")
    threshold = settings.get("kl_threshold")
    limit = ("kl_threshold", float(threshold)) if wording.is_number(threshold) else None
    return Panel(
        title="KL per token",
        unit="nats per token",
        curves=(kl, *((own,) if own.points else ()), *_beside(points, "kl_per_token")),
        limit=limit,
        note=_sentences(
            _basis(points, "kl_per_token"), _basis(points, "kl_per_token_on_policy"), _gaps(kl)
        ),
    )


def _training(points: _Points, figure: str, title: str) -> Panel:
    curve, per_point = _thinned(
        _curve(points, _TRAINING + figure, "baseline", title[:1].lower() + title[1:])
    )
    thinned = f"Each point is the mean of {per_point} steps." if per_point > 1 else ""
    return Panel(title=title, unit="", curves=(curve,), note=_sentences(thinned, _gaps(curve)))


# figure of the machine -> title of its chart, its unit, what to know
_MACHINE = {
    "pairs_per_second": ("Pairs per second", "", "Training steps alone, evaluations left out."),
    "tokens_per_second": (
        "Tokens per second",
        "",
        "Tokens that the model ran over, pictures included; a shared prompt counts once.",
    ),
    "memory_gib": ("Peak memory", "GiB", "Of the GPU, or of the process where there is none."),
    "mfu": (
        "Use of the GPU (MFU)",
        "share",
        "Of its peak speed in this number format; decoder only.",
    ),
}


def _machine(points: _Points) -> list[Panel]:
    """What was reported: there is no MFU without a GPU, and older runs report none of it."""
    found = []
    for name, (title, unit, told) in _MACHINE.items():
        if name not in points:
            continue
        curve, _ = _thinned(_curve(points, name, "baseline", title.lower()))
        found.append(Panel(title=title, unit=unit, curves=(curve,), note=told))
    return found


def _basis(points: _Points, figure: str) -> str:
    """`95% band, n 240, labels: oracle.` of the last reading."""
    found = points.get(figure)
    if not found:
        return ""
    read = found[-1].reading
    words = [
        "95% band" if read.low is not None else "",
        f"n {read.n:,}" if read.n is not None else "",
        f"labels: {read.labels}" if read.labels else "",
        f"reference: {read.reference}" if read.reference else "",
        f"on {read.on}" if read.on else "",
    ]
    text = ", ".join(word for word in words if word)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _gaps(curve: Curve) -> str:
    missing = len(curve.values) - curve.points
    if not missing:
        return ""
    verb = "is" if missing == 1 else "are"
    return f"{wording.count(missing, 'point')} of {curve.name} {verb} not a number."


def _thinned(curve: Curve) -> tuple[Curve, int]:
    """At most MOST_POINTS points, each the mean of so many steps. Steps without a number stay."""
    size = -(-len(curve.steps) // MOST_POINTS)
    if size <= 1:
        return curve, 1
    starts = range(0, len(curve.steps), size)
    thinned = replace(
        curve,
        steps=tuple(curve.steps[min(i + size, len(curve.steps)) - 1] for i in starts),
        values=tuple(_mean(curve.values[i : i + size]) for i in starts),
    )
    return thinned, size


def _mean(values: Sequence[float | None]) -> float | None:
    # one value that is no number makes the mean none: a gap must stay visible
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if len(numbers) == len(values) else None


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
