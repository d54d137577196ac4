"""What changed between two dataset versions, as the Datasets page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.views import dataset_filters, datasets, wording
from rounds import drift, origins
from rounds.drift import Drift
from storage import dataset_diff, dataset_notes, dataset_versions
from storage.dataset_diff import CategoryDiff, Change, Changes, DatasetDiff
from storage.dataset_table import DatasetTable
from storage.rows import DatasetRow
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

# examples of one kind of change; all are counted
MOST_EXAMPLES = 200
# classes of a feature that are named with their shares
MOST_MOVED = 3
KINDS = ("added", "removed", "flipped", "moved")


@dataclass(frozen=True)
class ChangeLine:
    """One changed pair: `change` says what is different in a few words."""

    id: str
    prompt: str
    category: str
    change: str


@dataclass(frozen=True)
class DriftLine:
    """How far one feature of the rows has moved, and the classes that moved most."""

    feature: str
    verdict: str
    divergence: str
    stability: str
    most: str


@dataclass(frozen=True)
class Comparison:
    """Two versions compared. `sentences` count everything, `categories` by category; `made` says by
    which filters each was built, and its note."""

    sentences: Sequence[str]
    made: Sequence[str]
    categories: Sequence[CategoryDiff]
    drifts: Sequence[DriftLine]
    diff: DatasetDiff
    command: str

    def counts(self) -> dict[str, int]:
        return {kind: len(getattr(self.diff, kind)) for kind in KINDS}


def compare(
    workspace: Workspace,
    before: tuple[str, Sequence[DatasetRow]],
    after: tuple[str, Sequence[DatasetRow]],
) -> Comparison:
    """Compare two versions, each as its name and its rows."""
    diff = dataset_diff.compare(before[1], after[1])
    return Comparison(
        sentences=sentences(before[0], after[0], diff),
        made=made(workspace, before[0], after[0]),
        categories=diff.categories,
        drifts=[drift_line(one) for one in measured(workspace, before, after)],
        diff=diff,
        command=wording.command(workspace.home, "dataset", "diff", before[0], after[0]),
    )


def measured(
    workspace: Workspace,
    before: tuple[str, Sequence[DatasetRow]],
    after: tuple[str, Sequence[DatasetRow]],
) -> list[Drift]:
    """The drift of every feature between two versions, each as its name and its rows: of the rows,
    and of what the ledger knew of them when the version was built."""
    with workspace.ledger.read() as db:
        moments = [dataset_versions.get(db, name).created_at for name, _ in (before, after)]
    old, new = (
        origins.features(workspace, rows, until)
        for (_, rows), until in zip((before, after), moments, strict=True)
    )
    more = {name: (key, new[name]) for name, key in old.items()}
    return drift.measure(before[1], after[1], more)


def sentences(before: str, after: str, diff: DatasetDiff) -> list[str]:
    """The counts in words; the last sentence is for what stayed."""
    same = wording.count(len(diff.unchanged), "row")
    if diff.is_empty:
        return [f"{before} and {after} hold the same {same} on the same sides."]
    return [
        f"From {before} to {after}: {len(diff.added):,} added, {len(diff.removed):,} removed, "
        f"{len(diff.flipped):,} with chosen and rejected exchanged, "
        f"{len(diff.moved):,} on another side of the split.",
        f"{same} unchanged.",
    ]


def made(workspace: Workspace, *names: str) -> list[str]:
    """By which filters versions were built, and their notes; nothing where there are none."""
    with workspace.ledger.read() as db:
        notes = dataset_notes.standing(db)
        filters = {
            name: dataset_filters.sentence(dataset_versions.get(db, name).policy) for name in names
        }
    found = []
    for name in names:
        said = [f"filters {filters[name] or 'none'}"] if any(filters.values()) else []
        said += [f"note: {notes[name]}"] if name in notes else []
        found += [f"{name}: {'; '.join(said)}"] if said else []
    return found


def examples(comparison: Comparison, kind: str) -> list[ChangeLine]:
    """Up to MOST_EXAMPLES pairs that changed in this way."""
    found: Sequence[DatasetRow | Change] = getattr(comparison.diff, kind)
    return [_line(kind, item) for item in found[:MOST_EXAMPLES]]


def both(comparison: Comparison, kind: str, pair_id: str) -> Change | DatasetRow | None:
    """The changed pair with this id, None when the list has no such pair."""
    found: Changes | DatasetTable = getattr(comparison.diff, kind)
    places = (_ids(found) == pair_id).arg_true()
    return found[int(places[0])] if len(places) else None


def drift_line(found: Drift) -> DriftLine:
    moved = [share for share in found.shares if share.after != share.before]
    return DriftLine(
        feature=found.feature,
        verdict=found.verdict,
        divergence=f"{found.divergence:.3f}",
        stability=f"{found.stability:.3f}",
        most=", ".join(
            f"{share.name} {share.before:.0%} to {share.after:.0%}" for share in moved[:MOST_MOVED]
        ),
    )


def as_result(
    before: str, after: str, diff: DatasetDiff, drifts: Sequence[Drift]
) -> dict[str, Any]:
    """What `dataset diff --json` prints: counts, counts by category, drift, and ids of changed
    pairs."""
    changed: dict[str, Changes | DatasetTable] = {kind: getattr(diff, kind) for kind in KINDS}
    return {
        "before": before,
        "after": after,
        **{kind: len(items) for kind, items in changed.items()},
        "unchanged": len(diff.unchanged),
        "categories": diff.categories,
        "drift": [vars(one) | {"verdict": one.verdict} for one in drifts],
        "pairs": {kind: _ids(items).to_list() for kind, items in changed.items()},
    }


def _ids(items: Changes | DatasetTable) -> polars.Series:
    return (items.after if isinstance(items, Changes) else items).pair_ids


def _line(kind: str, item: DatasetRow | Change) -> ChangeLine:
    row = _after(item)
    return ChangeLine(
        id=row.pair_id,
        prompt=datasets.question(row),
        category=row.prompt.category or "none",
        change=_words(kind, item),
    )


def _words(kind: str, item: DatasetRow | Change) -> str:
    if not isinstance(item, Change):
        return f"{kind}, {item.split}"
    if kind == "moved":
        return f"{item.before.split} to {item.after.split}"
    return (
        f"confidence {item.before.confidence:.2f} ({item.before.labels}) to "
        f"{item.after.confidence:.2f} ({item.after.labels})"
    )


def _after(item: DatasetRow | Change) -> DatasetRow:
    return item.after if isinstance(item, Change) else item
