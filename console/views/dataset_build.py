"""What a build would put into a dataset version and what it leaves out, before it is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from console.views import dataset_filters, datasets, exclusions, wording
from console.views.datasets import CategoryLine
from rounds.dataset import BuildSettings, DatasetPreview
from rounds.row_filters import Taken
from storage import dataset_file
from storage.dataset_table import DatasetTable
from storage.rows import DatasetVersion
from storage.workspace import Workspace

NOTHING = "nothing"


@dataclass(frozen=True)
class PlanLine:
    """One category: what goes in, by side, and what stays out with the reasons."""

    category: str
    pairs: int
    rows: int
    train: int
    holdout: int
    left_out: int
    reasons: str


@dataclass(frozen=True)
class TakenLine:
    """What one filter does by itself: pairs outside of it, and rows that it takes away."""

    asked: str
    pairs: int
    rows: int


@dataclass(frozen=True)
class Plan:
    """A build that has not happened yet.

    Attributes:
        summary: what goes in.
        left_out: what stays out and why; empty for nothing.
        rows: how many go in; 0 means that nothing can be built.
        apart: what will not stand on both sides of the split, who was drawn, which votes of whom
            are excluded.
        command: the same build on the command line.
        taken: what each filter takes away.
    """

    summary: str
    left_out: str
    rows: int
    lines: Sequence[PlanLine]
    apart: str
    command: str
    taken: Sequence[TakenLine] = ()


@dataclass(frozen=True)
class Built:
    """A version that was just built, or that was there already."""

    id: str
    summary: str
    digest: str
    train: str


def plan(workspace: Workspace, settings: BuildSettings, found: DatasetPreview) -> Plan:
    """Count a preview by category and side, drawing the split as the build will.

    Raises:
        WrongInputError: the holdout cannot be drawn.
    """
    ordered = found.rows.by_pair()
    split = found.split(settings.holdout, settings.seed)
    train, holdout = (split.sides.count(side) for side in datasets.SPLITS)
    out = found.pairs - len(found.rows)
    kept = " and no ".join(split.kept_apart)
    apart = [
        f"No {kept} will stand on both sides of the split." if holdout and kept else "",
        datasets.held_out_by(split.annotators),
        _by_judge(found),
        exclusions.sentence(found.excluded_votes),
    ]
    return Plan(
        summary=(
            f"{wording.count(len(found.rows), 'row')} of {wording.count(found.pairs, 'pair')}: "
            f"{train:,} to train, {holdout:,} held out."
        ),
        left_out=f"Left out: {datasets.reasons(found.excluded)}." if out else "",
        rows=len(found.rows),
        lines=_lines(found, ordered.placed(split.sides)),
        apart=" ".join(one for one in apart if one),
        command=wording.command(
            workspace.home, "dataset", "build", *datasets.build_words(asdict(settings))
        ),
        taken=[_taken(one) for one in found.taken],
    )


def _taken(found: Taken) -> TakenLine:
    return TakenLine(dataset_filters.sentence({"filters": found.asked}), found.pairs, found.rows)


def _by_judge(found: DatasetPreview) -> str:
    """How many rows a model as judge decides; empty where none may."""
    if found.judge is None:
        return ""
    judge = f"{found.judge.judge}@{found.judge.version}"
    rows_by = dict(found.rows.frame["labels"].value_counts().iter_rows())
    return datasets.decided_by_judge({"judge": judge, "rows_by": rows_by})


def built(workspace: Workspace, version: DatasetVersion) -> Built:
    words = ("train", "--dataset", version.id, "--from", "MODEL")
    return Built(
        id=version.id,
        summary=datasets.summary(version),
        digest=version.digest,
        train=wording.command(workspace.home, *words),
    )


def _lines(found: DatasetPreview, rows: DatasetTable) -> list[PlanLine]:
    lines = datasets.categories(dataset_file.counted(rows.frame))
    inside = {line.category: line for line in lines}
    outside = {name or "none": counts for name, counts in found.excluded_by_category.items()}
    planned = []
    for name in inside.keys() | outside.keys():
        there = inside.get(name, CategoryLine(name, 0, 0, 0, ""))
        left_out = sum(outside.get(name, {}).values())
        planned.append(
            PlanLine(
                category=name,
                pairs=there.rows + left_out,
                rows=there.rows,
                train=there.train,
                holdout=there.holdout,
                left_out=left_out,
                reasons=datasets.reasons(outside.get(name, {})) or NOTHING,
            )
        )
    return sorted(planned, key=lambda line: (-line.pairs, line.category))
