"""Import of the `swift` format: good lines go in, bad lines come back with number and reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from storage import batches, json_lines, prompts, swift_records
from storage.errors import WrongInputError
from storage.imports.records import FIRST, Opinion
from storage.imports.tally import Entry, Tally
from storage.intake import Comparison
from storage.media_files import MediaFolder
from storage.rows import ImportReport, Rejected, Source
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
    check_arguments(path, media_root, batch, overlap, labeled_by)
    root = path.parent if media_root is None else media_root
    folder = MediaFolder(root, None if dry_run else workspace.media)
    tally = Tally(batch, overlap, path.name, labeled_by)
    size = path.stat().st_size
    lines = json_lines.read(path)
    while chunk := list(islice(lines, _CHUNK)):
        tally.take(workspace.ledger, list(_checked(chunk, folder, tally)), dry_run)
        if progress is not None:
            progress(chunk[-1].end, size)
    if tally.records == 0:
        raise WrongInputError(f"{path} holds no records.", "Give a file with one record per line.")
    return tally.report()


def _checked(lines: list[json_lines.Line], folder: MediaFolder, tally: Tally) -> Iterator[Entry]:
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
            # the better answer comes first, and the file does not say who says so
            yield Entry(comparison, (Opinion("", FIRST),))


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


def check_arguments(
    path: Path,
    media_root: Path | None,
    batch: str,
    overlap: int | None,
    labeled_by: str,
    folder: bool = False,
) -> None:
    """Refuse what no import can use; with `folder`, the path may be one.

    Raises:
        WrongInputError: saying which argument, with its value.
    """
    batches.check_name(batch)
    if overlap is not None:
        batches.check_overlap(overlap)
    if not labeled_by.strip() or len(labeled_by) > 100 or not labeled_by.isprintable():
        raise WrongInputError(
            f"{labeled_by[:100]!r} cannot name labels.", "Use one line of 1 to 100 characters."
        )
    if not path.is_file() and not (folder and path.is_dir()):
        raise WrongInputError(f"{path} is no file.", "Give a file with one record per line.")
    if media_root is not None and not media_root.is_dir():
        raise WrongInputError(
            f"The media root {media_root} is no folder.",
            "Give the folder that pictures and videos are below.",
        )
