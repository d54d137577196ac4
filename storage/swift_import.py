"""Import of the `swift` format: good lines go in, bad lines come back with number and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from storage import batches, intake, json_lines, labels, prompts, swift_records
from storage.errors import WrongInputError
from storage.intake import Comparison
from storage.ledger import Connection
from storage.media_files import MediaFolder
from storage.rows import Batch, ImportedLabel, ImportReport, Rejected, Source
from storage.swift_records import SwiftRecord
from storage.workspace import Workspace

IMPORTED = "imported"
# lines checked before their comparisons are written
_CHUNK = 32


def import_file(
    workspace: Workspace,
    path: Path,
    *,
    batch: str,
    media_root: Path | None = None,
    overlap: int | None = None,
    labeled_by: str = IMPORTED,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import a file into a batch, which is made when missing.

    Args:
        path: UTF-8, one JSON object per line, lines of at most 4 MiB.
        media_root: folder below which pictures and videos are; default: the file's folder.
        overlap: votes wanted per pair; None keeps the batch's own, or 1 for a new batch.
        labeled_by: names the imported labels in every figure.
        dry_run: check and count everything, write nothing.
        progress: called with bytes read so far and bytes in all.

    Raises:
        WrongInputError: the file is missing or empty, or an argument cannot be used. What is wrong
            with single lines is reported, not raised.
    """
    _check_arguments(path, media_root, batch, overlap, labeled_by)
    root = path.parent if media_root is None else media_root
    folder = MediaFolder(root, None if dry_run else workspace.media)
    tally = _Tally(batch, overlap, path.name, labeled_by)
    size = path.stat().st_size
    lines = json_lines.read(path)
    while chunk := list(islice(lines, _CHUNK)):
        comparisons = list(_checked(chunk, folder, tally))
        if dry_run:
            with workspace.ledger.read() as db:
                for comparison in comparisons:
                    tally.expect(db, comparison)
        else:
            outcomes = intake.write_in_slices(workspace.ledger, comparisons, tally.write)
            for comparison, outcome in zip(comparisons, outcomes, strict=True):
                tally.count(comparison, outcome)
        if progress is not None:
            progress(chunk[-1].end, size)
    if tally.records == 0:
        raise WrongInputError(f"{path} holds no records.", "Give a file with one record per line.")
    return tally.report()


@dataclass(frozen=True)
class _Outcome:
    """What recording one comparison did, or would do."""

    is_new: bool
    is_conflict: bool
    other_category: bool
    old_overlap: int | None = None


@dataclass
class _Tally:
    """Counts of one import. Recording is kept apart from counting: a transaction may be undone."""

    batch: str
    overlap: int | None
    source: str
    labeled_by: str
    records: int = 0
    blank: int = 0
    imported: int = 0
    present: int = 0
    conflicts: int = 0
    other_categories: int = 0
    old_overlap: int | None = None
    rejected: list[Rejected] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    # pair id -> winners named by this file
    seen: dict[str, set[str]] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)

    def write(self, tx: Connection, comparison: Comparison) -> _Outcome:
        """Record a comparison and its label."""
        before = batches.find(tx, self.batch)
        batch = intake.find_or_create_batch(tx, self.batch, self.overlap)
        category = intake.category_of(tx, comparison.prompt.id)
        is_new = intake.add(tx, batch.id, comparison)
        label = self._label(batch, comparison)
        is_new = labels.add(tx, label) or is_new
        winners = labels.winners(tx, label.pair_id, batch.id, self.labeled_by)
        return _Outcome(
            is_new=is_new,
            is_conflict=len(winners) > 1,
            other_category=category not in (None, comparison.prompt.category),
            old_overlap=before.overlap if before and before.overlap != batch.overlap else None,
        )

    def expect(self, db: Connection, comparison: Comparison) -> None:
        """Count what recording would do, from the ledger and the lines before."""
        batch = batches.find(db, self.batch)
        pair, prompt = comparison.pair, comparison.prompt
        recorded: set[str] = set()
        old_overlap = None
        if batch is not None:
            if batches.has_pair(db, batch.id, pair.id):
                recorded = labels.winners(db, pair.id, batch.id, self.labeled_by)
            if self.overlap not in (None, batch.overlap):
                old_overlap = batch.overlap
        there = recorded | self.seen.get(pair.id, set())
        category = self.categories.setdefault(
            prompt.id, intake.category_of(db, prompt.id) or prompt.category
        )
        outcome = _Outcome(
            is_new=comparison.winner not in there,
            is_conflict=bool(there - {comparison.winner}),
            other_category=category != prompt.category,
            old_overlap=old_overlap,
        )
        self.count(comparison, outcome)

    def count(self, comparison: Comparison, outcome: _Outcome) -> None:
        """Count one comparison that was recorded."""
        self.imported += outcome.is_new
        self.present += not outcome.is_new
        self.conflicts += outcome.is_conflict
        self.other_categories += outcome.other_category
        self.old_overlap = self.old_overlap or outcome.old_overlap
        self.seen.setdefault(comparison.pair.id, set()).add(comparison.winner)

    def report(self) -> ImportReport:
        return ImportReport(
            batch=self.batch,
            records=self.records,
            imported=self.imported,
            present=self.present,
            pairs=len(self.seen),
            conflicts=self.conflicts,
            rejected=tuple(self.rejected),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        if self.blank:
            yield f"Blank lines skipped: {self.blank}."
        for key, count in sorted(self.unknown.items()):
            yield f"Key {key!r} is unknown and was not kept: {count} records."
        if self.other_categories:
            yield (
                "Prompts that are already there under another category, which they keep:"
                f" {self.other_categories} records."
            )
        if self.old_overlap is not None:
            yield f"Overlap of the batch: {self.overlap} instead of {self.old_overlap}."

    def _label(self, batch: Batch, comparison: Comparison) -> ImportedLabel:
        return ImportedLabel(
            pair_id=comparison.pair.id,
            winner=comparison.winner,
            labeled_by=self.labeled_by,
            batch_id=batch.id,
            source=self.source,
            line=comparison.line,
            record_id=comparison.record_id,
        )


def _checked(
    lines: list[json_lines.Line], folder: MediaFolder, tally: _Tally
) -> Iterator[Comparison]:
    """The comparisons of the good lines; the others are counted with their reasons."""
    for line in lines:
        if not line.text and not line.problem:
            tally.blank += 1
            continue
        tally.records += 1
        try:
            record = swift_records.parse(json_lines.parse_object(line))
            comparison = _comparison(line.number, record, folder, tally.source)
        except WrongInputError as problem:
            tally.rejected.append(Rejected(line.number, str(problem)))
        else:
            tally.unknown.update(record.unknown)
            yield comparison


def _comparison(line: int, record: SwiftRecord, folder: MediaFolder, source: str) -> Comparison:
    images = [folder.normalized(name, "picture") for name in record.images]
    videos = [folder.normalized(name, "video") for name in record.videos]
    turns = swift_records.turns(
        record.messages, [media.id for media in images], [media.id for media in videos]
    )
    return Comparison(
        line=line,
        record_id=record.record_id,
        prompt=prompts.build(turns, record.category),
        media=(*images, *videos),
        answers=(record.chosen, record.rejected),
        source=Source("file", source),
    )


def _check_arguments(
    path: Path, media_root: Path | None, batch: str, overlap: int | None, labeled_by: str
) -> None:
    batches.check_name(batch)
    if overlap is not None:
        batches.check_overlap(overlap)
    if not labeled_by.strip() or len(labeled_by) > 100 or not labeled_by.isprintable():
        raise WrongInputError(
            f"{labeled_by[:100]!r} cannot name labels.", "Use one line of 1 to 100 characters."
        )
    if not path.is_file():
        raise WrongInputError(f"{path} is no file.", "Give a file with one record per line.")
    if media_root is not None and not media_root.is_dir():
        raise WrongInputError(
            f"The media root {media_root} is no folder.",
            "Give the folder that pictures and videos are below.",
        )
