"""Import of a file in any format: found out, read under limits, taken in as labels or votes.

The `swift` format is ours and read line by line in this process; every other file is a stranger's
and read by `storage.imports.reader`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from storage import json_lines, prompts, swift_import
from storage.errors import WrongInputError
from storage.imports import catalogue, confined, rows
from storage.imports.confined import Said
from storage.imports.reader import Request
from storage.imports.records import Piece, Record
from storage.imports.tally import LABELS, VOTES, Entry, Tally
from storage.intake import Comparison
from storage.media_files import MediaFolder
from storage.rows import ImportReport, Media, Part, Rejected, Source, Turn
from storage.workspace import Workspace

# records that are in memory at a time, and letters of their pictures: one record may have more
_CHUNK = 32
_CHUNK_DATA = 64 * 1024 * 1024
_LOOKED_AT = 100
_POOLED = "file:"


@dataclass(frozen=True)
class How:
    """How a file is to be read.

    Attributes:
        format: a name of `catalogue.NAMES`.
        columns: field -> column, what `--map` says.
        winner_values: none, or what the winner's column says for the first and the second answer.
        taken_as: whether decisions become imported `labels` or foreign `votes`.
    """

    format: str = catalogue.AUTO
    columns: Mapping[str, str] = field(default_factory=dict)
    winner_values: Sequence[str] = ()
    taken_as: str = LABELS


def import_file(
    workspace: Workspace,
    path: Path,
    *,
    batch: str,
    how: How | None = None,
    media_root: Path | None = None,
    overlap: int | None = None,
    labeled_by: str = swift_import.IMPORTED,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import a file, or a folder of files, into a batch, which is made when missing.

    Args: as those of `swift_import.import_file`; `path` may be a folder, then it is the media root.

    Raises:
        WrongInputError: no format fits or several do, the file cannot be read or holds nothing, or
            an argument cannot be used. What is wrong with single rows is reported, not raised.
    """
    how = how or How()
    _check(how)
    if _is_swift(path, how):
        if how.taken_as == VOTES:
            raise _no_judges(catalogue.SWIFT)
        report = swift_import.import_file(
            workspace,
            path,
            batch=batch,
            media_root=media_root,
            overlap=overlap,
            labeled_by=labeled_by,
            dry_run=dry_run,
            progress=progress,
        )
        return replace(report, why=_why_swift(how))
    swift_import.check_arguments(path, media_root, batch, overlap, labeled_by, folder=True)
    root = media_root or (path if path.is_dir() else path.parent)
    folder = MediaFolder(root, None if dry_run else workspace.media)
    tally = Tally(batch, overlap, path.name, labeled_by, how.taken_as)
    asked = Request(str(path.absolute()), how.format, dict(how.columns), tuple(how.winner_values))
    with confined.reading(asked) as found:
        if how.taken_as == VOTES and not catalogue.FORMATS[found.format].judges:
            raise _no_judges(found.format)
        for chunk in _chunks(found.rows):
            tally.take(workspace.ledger, list(_checked(chunk, folder, tally)), dry_run)
            if progress is not None:
                progress(chunk[-1].end, found.size)
    report = tally.report([*found.notes, *_contradictions(tally)])
    return replace(report, format=found.format, why=found.why, columns=dict(found.columns))


def _check(how: How) -> None:
    if how.format not in catalogue.NAMES:
        raise WrongInputError(
            f"There is no format {how.format[:40]!r}.", f"Formats: {', '.join(catalogue.NAMES)}."
        )
    if how.taken_as not in (LABELS, VOTES):
        raise WrongInputError(
            f"Decisions cannot be taken as {how.taken_as[:40]!r}.", f"Use {LABELS} or {VOTES}."
        )
    if len(how.winner_values) not in (0, 2) or len(set(how.winner_values)) == 1:
        raise WrongInputError(
            f"{','.join(how.winner_values)[:80]!r} are not two winner values.",
            "Give two different ones: that of the first answer, that of the second.",
        )


def _is_swift(path: Path, how: How) -> bool:
    """Whether a file is read as `swift`: asked for, or its first record says so, or no line says
    anything, and then each line is told what is wrong with it."""
    if how.format != catalogue.AUTO or not path.exists():
        return how.format in (catalogue.SWIFT, catalogue.AUTO)
    if path.is_dir() or how.columns:
        return False
    try:
        if rows.kind_of(path) != "jsonl":
            return False
    except WrongInputError:
        # the reader explains it
        return False
    for line in islice(json_lines.read(path), _LOOKED_AT):
        try:
            value = json_lines.parse_object(line) if line.text else {}
        except WrongInputError:
            continue
        if value:
            return "messages" in value and "rejected_response" in value
    return True


def _why_swift(how: How) -> str:
    if how.format == catalogue.SWIFT:
        return "asked for"
    return "records have 'messages' and 'rejected_response'"


def _chunks(said: Iterable[Said]) -> Iterator[list[Said]]:
    chunk: list[Said] = []
    size = 0
    for each in said:
        chunk.append(each)
        size += each.size
        if len(chunk) == _CHUNK or size > _CHUNK_DATA:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _checked(said: Iterable[Said], folder: MediaFolder, tally: Tally) -> Iterator[Entry]:
    """The comparisons of good rows; the others are counted with their reasons."""
    for row in said:
        tally.records += 1
        if row.record is None:
            tally.rejected.append(Rejected(row.line, row.problem))
            continue
        try:
            yield _entry(row.line, row.record, folder, tally)
        except WrongInputError as problem:
            tally.rejected.append(Rejected(row.line, str(problem)))


def _entry(line: int, record: Record, folder: MediaFolder, tally: Tally) -> Entry:
    shown: list[Media] = []

    def part(piece: Piece) -> Part:
        if piece.type == "text":
            return Part("text", text=piece.text)
        shown.append(_media(piece, folder))
        return Part(piece.type, media=shown[-1].id)

    turns = [
        Turn(message.role, tuple(part(piece) for piece in message.pieces))
        for message in record.messages
    ]
    opinions = record.opinions
    if tally.taken_as == VOTES:
        # a file that names nobody speaks with one voice
        pooled = f"{_POOLED}{tally.source}"[:100]
        opinions = tuple(replace(each, who=each.who or pooled) for each in opinions)
    comparison = Comparison(
        line=line,
        record_id=record.record_id,
        prompt=prompts.build(turns, record.category),
        media=tuple(shown),
        answers=record.answers,
        source=Source("file", tally.source),
        models=record.models,
    )
    return Entry(comparison, opinions)


def _media(piece: Piece, folder: MediaFolder) -> Media:
    kind = "video" if piece.type == "video" else "picture"
    if not piece.data:
        return folder.normalized(piece.file, kind)
    try:
        data = base64.b64decode(piece.data, validate=True)
    except (binascii.Error, ValueError):
        raise WrongInputError(f"A {kind} within the record is not valid base64.") from None
    return folder.embedded(data, kind)


def _contradictions(tally: Tally) -> Iterator[str]:
    both = sum(len(winners) > 1 for winners in tally.seen.values())
    if both and tally.taken_as == LABELS:
        yield (
            f"Judges contradict each other on {both} pairs, which no imported label settles:"
            " take them as votes, and a consensus policy decides."
        )


def _no_judges(name: str) -> WrongInputError:
    return WrongInputError(
        f"The format {name} names nobody who judged, so there are no votes in it.",
        "Take its decisions as labels: --as labels.",
    )
