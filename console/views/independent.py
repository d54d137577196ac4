"""What others' questions and labels say of a checkpoint, beside its own figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console import measured
from console.views import wording
from rounds.independent import comparison
from rounds.independent.comparison import Compared
from storage import independent_results
from storage.independent_results import IndependentResult
from storage.rows import Checkpoint
from storage.workspace import Workspace

NONE = (
    "Nothing independent measured this checkpoint: its figures rest on the labels of this "
    "workspace alone, and what annotators have in common flatters it."
)
NEXT = "Run a benchmark (pairwright benchmark run) or import its results (benchmark import)."


@dataclass(frozen=True)
class ResultLine:
    """One figure of one result."""

    benchmark: str
    figure: str
    value: str
    interval: str
    n: str
    kind: str
    made: str
    source: str


@dataclass(frozen=True)
class ComparedLine:
    """One benchmark that two were asked."""

    benchmark: str
    items: int
    fixed: int
    broken: int
    difference: str
    p: str
    unshared: int


@dataclass(frozen=True)
class Shown:
    """What is known of one checkpoint.

    Attributes:
        warnings: that there is no result, or what it lost against the start of its round.
    """

    results: Sequence[IndependentResult]
    lines: Sequence[ResultLine]
    warnings: Sequence[str]


def of_checkpoint(workspace: Workspace, checkpoint: Checkpoint) -> Shown:
    """The newest result of every benchmark, with what there is to be warned of."""
    with workspace.ledger.read() as db:
        found = independent_results.newest(db, checkpoint.id)
    return Shown(found, lines(found), list(_warnings(workspace, checkpoint, found)))


def lines(found: Sequence[IndependentResult], *, parts: bool = False) -> list[ResultLine]:
    """A line for each figure; those of a benchmark's parts too when asked."""
    return [
        ResultLine(
            benchmark=one.benchmark,
            figure=name.replace("_", " "),
            value=measured.value_alone(figure),
            interval=measured.interval_of(figure),
            n="" if figure.get("n") is None else f"{figure['n']:,}",
            kind=one.kind.value,
            made=wording.stamp(one.created_at),
            source=one.source,
        )
        for one in found
        for name, figure in figures(one).items()
        if parts or "/" not in name
    ]


def figures(result: IndependentResult) -> Mapping[str, Mapping[str, Any]]:
    """Name -> figure, without counts."""
    told = dict(result.metrics)
    return {name: one for name, one in told.items() if isinstance(one, Mapping) and "value" in one}


def compared_lines(found: Sequence[Compared]) -> list[ComparedLine]:
    return [
        ComparedLine(
            benchmark=one.benchmark,
            items=one.paired.n,
            fixed=len(one.fixed),
            broken=len(one.broken),
            difference=_points(one),
            p=f"{one.paired.p:.2g}",
            unshared=one.unshared,
        )
        for one in found
    ]


def left_out(result: IndependentResult) -> str:
    """`Left out: 3 picture not found.`; empty when nothing was."""
    counts = dict(result.metrics).get("left_out") or {}
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
    return f"{result.benchmark}, left out: {told}." if told else ""


def _warnings(
    workspace: Workspace, checkpoint: Checkpoint, found: Sequence[IndependentResult]
) -> Iterator[str]:
    if not found:
        yield NONE
        return
    guarded = comparison.guard(workspace, checkpoint)
    with workspace.ledger.read() as db:
        start = comparison.called(db, guarded.start)
    for one in guarded.drops:
        yield (
            f"{one.benchmark} is significantly worse than {start}, the start of its round: "
            f"{_points(one)}, p {one.paired.p:.2g}, {len(one.broken):,} items broken and "
            f"{len(one.fixed):,} fixed of {one.paired.n:,}."
        )


def _points(one: Compared) -> str:
    found = one.paired
    if found.difference is None or found.ci95 is None:
        return wording.NOT_AVAILABLE
    low, high = (100 * end for end in found.ci95)
    return f"{100 * found.difference:+.1f} ({low:+.1f} to {high:+.1f}) points"
