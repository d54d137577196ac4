"""The rows of a dataset version as a run sees them: read from Parquet, selected, and grouped.

Every row that is left out is counted under its reason; nothing is dropped silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storage import dataset_rows
from storage.errors import DamagedError
from storage.rows import DatasetRow, Turn
from training.jobs.folder import DatasetRef

OVER_MAX_PAIRS = "beyond max_pairs"
REPEATED = "the same answer to the same prompt as another one"


@dataclass(frozen=True)
class PairRow:
    """One chosen/rejected row.

    Attributes:
        turns: system, user and earlier assistant turns; picture and video parts hold a media id.
        images, videos: media ids in the order of their parts.
        chosen, rejected: texts of the two answers.
        group: equal for rows that share a picture, a video or a prompt, directly or through others.
    """

    pair_id: str
    category: str
    split: str
    turns: tuple[Turn, ...]
    images: tuple[str, ...]
    videos: tuple[str, ...]
    chosen: str
    rejected: str
    group: int


@dataclass(frozen=True)
class Selection:
    """Rows that are used, and reason -> number of rows that are not."""

    rows: tuple[PairRow, ...]
    excluded: Mapping[str, int]


def read(dataset: DatasetRef) -> list[PairRow]:
    """All rows of a dataset version, in the order of its file.

    Raises DamagedError when the file cannot be read or its rows do not have the version's digest.
    """
    found = dataset_rows.read_parquet(Path(dataset.path))
    digest = dataset_rows.digest(found)
    if digest != dataset.digest:
        raise DamagedError(
            f"The rows in {dataset.path} have the digest {digest[:12]}, but version "
            f"{dataset.version} has {dataset.digest[:12]}.",
            "Build the dataset version again, or restore the file from a backup.",
        )
    return [_row(row, group) for row, group in zip(found, _groups(found), strict=True)]


def of_split(rows: Iterable[PairRow], split: str) -> list[PairRow]:
    """The rows of `train` or `holdout`; `all` keeps every row."""
    return [row for row in rows if split in ("all", row.split)]


def select(rows: Sequence[PairRow], most: int | None = None, seed: int = 0) -> Selection:
    """Draw at most `most` rows; the order stays.

    The draw goes by a hash of seed and pair id, so the same pairs are drawn on every machine.
    """
    if most is None or len(rows) <= most:
        return Selection(tuple(rows), {})
    ranked = sorted(rows, key=lambda row: draw_key(seed, row.pair_id))
    kept = {row.pair_id for row in ranked[:most]}
    chosen = tuple(row for row in rows if row.pair_id in kept)
    return Selection(chosen, {OVER_MAX_PAIRS: len(rows) - most})


def demonstrations(rows: Sequence[PairRow]) -> Selection:
    """The chosen answers alone, each answer to a prompt once; their rejected answer is empty."""
    found: dict[tuple[object, ...], PairRow] = {}
    for row in rows:
        found.setdefault((row.turns, row.chosen, row.split), replace(row, rejected=""))
    repeated = len(rows) - len(found)
    return Selection(tuple(found.values()), {REPEATED: repeated} if repeated else {})


def draw_key(seed: int, pair_id: str) -> str:
    """Where a pair stands in the deterministic draw of this seed."""
    return hashlib.sha256(f"{seed}:{pair_id}".encode()).hexdigest()


def _row(row: DatasetRow, group: int) -> PairRow:
    parts = [part for turn in row.prompt.turns for part in turn.parts]
    return PairRow(
        pair_id=row.pair_id,
        category=row.prompt.category,
        split=row.split,
        turns=row.prompt.turns,
        images=tuple(part.media for part in parts if part.type == "image"),
        videos=tuple(part.media for part in parts if part.type == "video"),
        chosen=row.chosen,
        rejected=row.rejected,
        group=group,
    )


def _groups(found: Sequence[DatasetRow]) -> list[int]:
    """The connected component of every row over shared prompts and media (union-find)."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    for row in found:
        for media in row.prompt.media:
            parents[root(row.prompt.id)] = root(f"media {media}")
    numbers: dict[str, int] = {}
    return [numbers.setdefault(root(row.prompt.id), len(numbers)) for row in found]
