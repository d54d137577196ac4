"""What the Import page shows: what a file would add, line by line, before anything is written."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath

from console.views import wording
from storage import json_lines, swift_import, swift_records
from storage.errors import ConflictError, PairwrightError, WrongInputError
from storage.media_files import MediaFolder
from storage.rows import ImportReport
from storage.swift_records import SwiftRecord
from storage.workspace import Workspace

EXAMPLE = (
    '{"messages": [{"role": "user", "content": "<image>How many coins are there?"}, '
    '{"role": "assistant", "content": "There are 24 coins."}], '
    '"rejected_response": "There are 20 coins.", "images": ["coins.jpg"], "category": "counting"}'
)
MOST_SAMPLES = 3
_BLOCK = 1024 * 1024

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """What the form says. Either an upload (`name` with `content`) or a `path` of this machine.

    Attributes:
        overlap: votes wanted per pair; None keeps the batch's own.
        media_root: folder of pictures and videos; empty for the folder of the file.
        labeled_by: names the imported labels in every figure.
    """

    batch: str
    path: str = ""
    name: str = ""
    content: bytes = b""
    overlap: int | None = None
    media_root: str = ""
    labeled_by: str = swift_import.IMPORTED


@dataclass(frozen=True)
class Sample:
    """One record of the file as it would become a pair. `note` says what cannot be shown."""

    line: int
    category: str
    question: str
    chosen: str
    rejected: str
    pictures: Sequence[bytes]
    note: str


@dataclass(frozen=True)
class RejectedLine:
    line: int
    reason: str


@dataclass(frozen=True)
class Count:
    """A number with its name."""

    name: str
    value: str


@dataclass(frozen=True)
class Preview:
    """What an import would do. `digest` is that of the bytes that were checked."""

    digest: str
    file: str
    batch: str
    counts: Sequence[Count]
    notes: Sequence[str]
    rejected: Sequence[RejectedLine]
    samples: Sequence[Sample]
    imports: int


@dataclass(frozen=True)
class Outcome:
    """What an import did, and what comes next."""

    sentence: str
    notes: Sequence[str]
    rejected: Sequence[RejectedLine]
    batch: str
    command: str


def check(workspace: Workspace, asked: Asked, progress: Progress | None = None) -> Preview:
    """Try the import and write nothing.

    Raises:
        WrongInputError: the file or an argument cannot be used, or an upload names pictures and no
            folder was given for them.
    """
    with _located(asked) as (path, root):
        report = swift_import.import_file(
            workspace,
            path,
            batch=asked.batch,
            media_root=root,
            overlap=asked.overlap,
            labeled_by=asked.labeled_by,
            dry_run=True,
            progress=progress,
        )
        return Preview(
            digest=_digest(path),
            file=path.name,
            batch=report.batch,
            counts=_counts(report),
            notes=[*_conflicts(report), *report.notes],
            rejected=_rejected(report),
            samples=list(islice(_samples(path, root or path.parent), MOST_SAMPLES)),
            imports=report.imported,
        )


def run(
    workspace: Workspace, asked: Asked, preview: Preview, progress: Progress | None = None
) -> Outcome:
    """Import what was checked.

    Raises:
        ConflictError: the file has changed since it was checked.
        WrongInputError: as in `check`.
    """
    with _located(asked) as (path, root):
        if _digest(path) != preview.digest:
            raise ConflictError(
                f"{path.name} has changed since it was checked.", "Check it again, then import."
            )
        report = swift_import.import_file(
            workspace,
            path,
            batch=asked.batch,
            media_root=root,
            overlap=asked.overlap,
            labeled_by=asked.labeled_by,
            progress=progress,
        )
    return Outcome(
        sentence=f"{wording.count(report.imported, 'record')} of {preview.file} imported into "
        f"batch {report.batch}, {report.present:,} already there, {len(report.rejected):,} "
        "rejected.",
        notes=[*_conflicts(report), *report.notes],
        rejected=_rejected(report),
        batch=report.batch,
        command=wording.command(
            workspace.home, "link", "create", "--batch", report.batch, "--annotator", "WHO"
        ),
    )


def rejects_file(rejected: Sequence[RejectedLine]) -> bytes:
    """The rejected lines as CSV: line, reason."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("line", "reason"))
    writer.writerows((bad.line, bad.reason) for bad in rejected)
    return text.getvalue().encode()


@contextmanager
def _located(asked: Asked) -> Iterator[tuple[Path, Path | None]]:
    """The file and the media root, an upload in a folder of its own for as long as it is needed."""
    root = Path(asked.media_root).expanduser() if asked.media_root else None
    if not asked.name:
        yield Path(asked.path).expanduser(), root
        return
    with tempfile.TemporaryDirectory(prefix="pairwright-upload-") as folder:
        path = Path(folder) / _plain_name(asked.name)
        path.write_bytes(asked.content)
        if root is None:
            _check_needs_no_media(path)
        yield path, root


def _plain_name(name: str) -> str:
    """The last part of the name that a browser sends, as it will name the source of answers."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    plain = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    return plain[:100] or "upload.jsonl"


def _check_needs_no_media(path: Path) -> None:
    named = sum(bool(record.images or record.videos) for _, record in _records(path))
    if named:
        about = wording.count(named, "record")
        raise WrongInputError(
            f"{path.name} names pictures or videos ({about}), and an uploaded file has no folder "
            "that they could be in.",
            "Fill in the media root: the folder on this machine that the named files are below.",
        )


def _records(path: Path) -> Iterator[tuple[int, SwiftRecord]]:
    """The good records of a file with their lines, pictures not looked at."""
    for line in json_lines.read(path):
        if line.text and not line.problem:
            try:
                yield line.number, swift_records.parse(json_lines.parse_object(line))
            except WrongInputError:
                continue


def _samples(path: Path, root: Path) -> Iterator[Sample]:
    folder = MediaFolder(root, None)
    for line, record in _records(path):
        pictures: list[bytes] = []
        try:
            for name in record.images:
                pictures.append(folder.shown(name)[1])
        except PairwrightError:
            # a record that would be rejected is among the rejected lines already
            continue
        yield Sample(
            line=line,
            category=record.category,
            question=_question(record.messages[-1][1]),
            chosen=record.chosen,
            rejected=record.rejected,
            pictures=pictures,
            note=_not_shown(record),
        )


def _question(text: str) -> str:
    """The last message with its pictures and videos numbered."""
    for kind in ("image", "video"):
        name = "picture" if kind == "image" else kind
        pieces = text.split(f"<{kind}>")
        numbered = (f"[{name} {number}] {piece}" for number, piece in enumerate(pieces[1:], 1))
        text = "".join((pieces[0], *numbered))
    return text


def _not_shown(record: SwiftRecord) -> str:
    left = []
    if record.videos:
        left.append(wording.count(len(record.videos), "video"))
    if len(record.messages) > 1:
        left.append(wording.count(len(record.messages) - 1, "earlier message"))
    return f"Not shown here: {' and '.join(left)}." if left else ""


def _counts(report: ImportReport) -> list[Count]:
    counted = {
        "records": report.records,
        "new": report.imported,
        "already there": report.present,
        "rejected lines": len(report.rejected),
        "pairs": report.pairs,
    }
    return [Count(name, f"{value:,}") for name, value in counted.items()]


def _conflicts(report: ImportReport) -> list[str]:
    if not report.conflicts:
        return []
    records = wording.count(report.conflicts, "record")
    verb = "prefers" if report.conflicts == 1 else "prefer"
    return [f"{records} {verb} the other answer than an earlier record."]


def _rejected(report: ImportReport) -> list[RejectedLine]:
    return [RejectedLine(bad.line, bad.reason) for bad in report.rejected]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise WrongInputError(
            f"{path} cannot be read: {error.strerror}.", "Check it again."
        ) from error
    return digest.hexdigest()
