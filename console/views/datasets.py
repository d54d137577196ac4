"""What the Datasets page shows: the versions, one version with its lineage, and its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.views import dataset_filters, exclusions, pairs, wording
from storage import (
    batches,
    checkpoints,
    dataset_notes,
    dataset_split,
    dataset_versions,
    demonstrations,
    judgements,
    media,
)
from storage import pairs as stored_pairs
from storage.dataset_file import DatasetFile
from storage.dataset_notes import DatasetNote
from storage.ledger import Connection
from storage.pairs import PairFilter
from storage.rows import DatasetRow, DatasetVersion, Json, Media, Turn
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

PAGE_SIZE = 12
SPLITS = (dataset_split.TRAIN, dataset_split.HOLDOUT)
ALL_BATCHES = "all batches"
NO_CATEGORY = "none"
_BUILD_SETTINGS = ("batch", "labels", "policy", "min_votes", "min_agreement", "holdout", "seed")


@dataclass(frozen=True)
class VersionLine:
    """A row of the list."""

    id: str
    rows: int
    train: int
    holdout: int
    labels: str
    batch: str
    excluded: str
    created: str
    digest: str
    filters: str
    note: str


@dataclass(frozen=True)
class Versions:
    """The versions, the newest first.

    `pairs` says whether there is anything to build from, `judges` whose labels may stand in.
    """

    lines: Sequence[VersionLine]
    batches: Sequence[str]
    pairs: int
    judges: Sequence[str] = ()

    @property
    def ids(self) -> list[str]:
        return [line.id for line in self.lines]


@dataclass(frozen=True)
class CategoryLine:
    """Rows of one category; `labels` says who decided how many of them."""

    category: str
    rows: int
    train: int
    holdout: int
    labels: str


@dataclass(frozen=True)
class VersionDetail:
    """One version.

    Attributes:
        summary: rows, split and labels in a sentence.
        apart: what never stands on both sides of the split.
        settings: what it was built with.
        trained: what was trained on it, in a sentence; empty for nothing.
        train, again: commands that train on it, and that build it again.
        notes: on it, the newest first.
    """

    line: VersionLine
    version: DatasetVersion
    summary: str
    apart: str
    settings: Sequence[tuple[str, str]]
    trained: str
    train: str
    again: str
    notes: Sequence[DatasetNote]


@dataclass(frozen=True)
class RowLine:
    """A row of a version in the list."""

    id: str
    prompt: str
    category: str
    split: str
    labels: str
    votes: int
    confidence: float


@dataclass(frozen=True)
class RowsPage:
    """Some rows. `page` is from 1 and inside `pages`; `total` counts all that match."""

    lines: Sequence[RowLine]
    total: int
    page: int
    pages: int

    @property
    def position(self) -> str:
        """`Rows 13 to 24 of 702`."""
        if not self.lines:
            return "No row has this category and side."
        first = (self.page - 1) * PAGE_SIZE + 1
        return f"Rows {first:,} to {first + len(self.lines) - 1:,} of {self.total:,}"


@dataclass(frozen=True)
class RowDetail:
    """One row with its pictures, in the order of the prompt."""

    row: DatasetRow
    turns: Sequence[Turn]
    media: Mapping[str, Media]

    @property
    def names(self) -> dict[str, str]:
        """What each picture and video is called on the page: `picture 1`, `video 2`."""
        numbered = enumerate(self.media.values(), start=1)
        return {item.id: f"{item.kind} {number}" for number, item in numbered}


def listed(workspace: Workspace) -> Versions:
    """All versions, the newest first."""
    judges = [f"{one.judge}@{one.version}" for one in judgements.known(workspace)]
    with workspace.ledger.read() as db:
        notes = dataset_notes.standing(db)
        versions = reversed(dataset_versions.listed(db))
        return Versions(
            lines=[line(version, notes.get(version.id, "")) for version in versions],
            batches=[batch.name for batch in batches.listed(db)],
            pairs=stored_pairs.count(db, PairFilter()),
            judges=judges,
        )


def detail(workspace: Workspace, version_id: str) -> VersionDetail:
    """One version.

    Raises:
        NotFoundError: no such version.
    """
    with workspace.ledger.read() as db:
        version = dataset_versions.get(db, version_id)
        trained = _trained(db, version.id)
        notes = dataset_notes.history(db, version.id)
    home = workspace.home
    return VersionDetail(
        line=line(version, notes[0].text if notes else ""),
        version=version,
        summary=summary(version),
        apart=_apart(version.policy),
        settings=_settings(version),
        trained=trained,
        train=wording.command(home, "train", "--dataset", version.id, "--from", "MODEL"),
        again=wording.command(home, "dataset", "build", *build_words(version.policy)),
        notes=notes,
    )


def line(version: DatasetVersion, note: str = "") -> VersionLine:
    return VersionLine(
        id=version.id,
        rows=version.rows,
        train=version.train,
        holdout=version.holdout,
        labels=version.labels,
        batch=str(version.policy.get("batch") or ALL_BATCHES),
        excluded=reasons(version.excluded),
        created=wording.stamp(version.created_at),
        digest=version.digest[:12],
        filters=dataset_filters.sentence(version.policy),
        note=note,
    )


def summary(version: DatasetVersion) -> str:
    """`702 rows labeled by consensus: 632 to train, 70 held out.`"""
    if version.policy.get(demonstrations.KEY):
        return f"{wording.count(version.rows, 'answer')} without a rejected one: for stage sft."
    if version.policy.get("audit"):
        labels = f"labeled by {version.labels}"
        return f"{wording.count(version.rows, 'row')} of the audit set {labels}: never trains."
    return (
        f"{wording.count(version.rows, 'row')} labeled by {version.labels}: "
        f"{version.train:,} to train, {version.holdout:,} held out."
    )


def reasons(excluded: Mapping[str, int]) -> str:
    """`217 tie, 3 no votes`, the most frequent first; empty for none."""
    ordered = sorted(excluded.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in ordered if count)


def build_words(policy: Json) -> list[str]:
    """The options of `dataset build` for these settings; defaults are left out."""
    from rounds.dataset import BuildSettings

    words: list[str] = []
    for name, default in vars(BuildSettings()).items():
        if name == "filters":
            words += dataset_filters.options(policy)
            continue
        value = policy.get(name, default)
        if value is not None and value != default:
            words.append(f"--{name.replace('_', '-')}")
            words += [str(value)] if value is not True else []
    return words


def categories(counts: polars.DataFrame) -> list[CategoryLine]:
    """Rows by category, side and label source, as `storage.dataset_file.counted` counts them; the
    largest category first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for count in counts.iter_rows(named=True):
        found.setdefault(count["category"], []).append(count)
    lines = [
        CategoryLine(
            category=name or NO_CATEGORY,
            rows=sum(one["len"] for one in members),
            train=sum(one["len"] for one in members if one["split"] == dataset_split.TRAIN),
            holdout=sum(one["len"] for one in members if one["split"] == dataset_split.HOLDOUT),
            labels=reasons(_summed((one["labels"], one["len"]) for one in members)),
        )
        for name, members in found.items()
    ]
    return sorted(lines, key=lambda each: (-each.rows, each.category))


def page(rows: DatasetFile, category: str, split: str, number: int) -> RowsPage:
    """Page `number` (from 1, brought into range) of the rows of a category and side.

    Raises:
        DamagedError: the file cannot be read any more.
    """
    # an empty one is shown by this name, and another may have it
    nameless = [""] if category == NO_CATEGORY else []
    matching = rows.places([category, *nameless] if category else [], split)
    last = max(1, -(-len(matching) // PAGE_SIZE))
    inside = min(max(1, number), last)
    shown = rows.rows(matching.slice((inside - 1) * PAGE_SIZE, PAGE_SIZE).to_list())
    return RowsPage([_row(row) for row in shown], len(matching), inside, last)


def row_detail(workspace: Workspace, row: DatasetRow) -> RowDetail:
    """A row with what is known of its media.

    Raises:
        NotFoundError: a medium that the row names was never imported here.
    """
    with workspace.ledger.read() as db:
        shown = {item: media.get(db, item) for item in row.prompt.media}
    return RowDetail(row=row, turns=row.prompt.turns, media=shown)


def question(row: DatasetRow, length: int = 120) -> str:
    """The words of the last user turn on one line."""
    return wording.excerpt(pairs.question(row.prompt.turns), length)


def file_of(workspace: Workspace, version: DatasetVersion) -> Path:
    return workspace.home / version.path


def _row(row: DatasetRow) -> RowLine:
    return RowLine(
        id=row.pair_id,
        prompt=question(row),
        category=row.prompt.category or NO_CATEGORY,
        split=row.split,
        labels=row.labels,
        votes=row.votes,
        confidence=row.confidence,
    )


def _summed(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, count in counts:
        total[name] = total.get(name, 0) + count
    return total


def _trained(db: Connection, version_id: str) -> str:
    names = [row.name for row in checkpoints.listed(db) if row.dataset_version == version_id]
    return f"Trained on it: {', '.join(names)}." if names else ""


def circumstances(policy: Json) -> list[str]:
    """Who was drawn for the holdout, what a model decided, and whose votes were excluded."""
    drawn = _of_split(policy, "annotators")
    said = policy.get("exclusions")
    left_out = said.get("votes", {}) if isinstance(said, Mapping) else {}
    found = (
        answers_alone(policy),
        held_out_by(drawn),
        decided_by_judge(policy),
        exclusions.sentence(left_out),
    )
    return [sentence for sentence in found if sentence]


def answers_alone(policy: Json) -> str:
    """What a version without rejected answers is for; empty for any other."""
    source = policy.get(demonstrations.KEY)
    return f"Answers alone, from {source}: for the stage sft." if source else ""


def held_out_by(annotators: Sequence[str]) -> str:
    """What is held out where the holdout is drawn by annotator; empty without anybody."""
    if not annotators:
        return ""
    return f"Held out is what {', '.join(annotators)} judged; nothing of it is for training."


def decided_by_judge(policy: Json) -> str:
    """How many rows rest on a model as judge; empty where none may."""
    rows, judge = policy.get("rows_by"), policy.get("judge")
    if not judge or not isinstance(rows, Mapping):
        return ""
    number = rows.get(judgements.SOURCE, 0)
    rows_of = wording.count(number, "row")
    return f"{rows_of} labeled by the judge {judge}, a model; no person decided them."


def _apart(policy: Json) -> str:
    kept = _of_split(policy, "kept_apart")
    found = circumstances(policy)
    if kept:
        names = " and no ".join(kept)
        found = [f"No {names} stand on both sides of the split.", *found]
    return " ".join(found)


def _of_split(policy: Json, name: str) -> list[str]:
    split = policy.get("split")
    found = split.get(name, ()) if isinstance(split, Mapping) else ()
    return [str(one) for one in found]


def _settings(version: DatasetVersion) -> list[tuple[str, str]]:
    found = [(name, version.policy.get(name)) for name in _BUILD_SETTINGS]
    return [(name, ALL_BATCHES if value is None else str(value)) for name, value in found]
