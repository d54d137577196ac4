"""What the Import page shows: what a file would add, line by line, before anything is written."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from console.batch_asking import Asking
from console.views import import_reading, import_samples, wording
from console.views.import_reading import Reading
from console.views.import_samples import Sample
from storage import swift_import
from storage.errors import ConflictError, WrongInputError
from storage.imports import importing
from storage.imports.catalogue import SWIFT
from storage.rows import ImportReport
from storage.workspace import Workspace

EXAMPLE = (
    '{"messages": [{"role": "user", "content": "<image>How many coins are there?"}, '
    '{"role": "assistant", "content": "There are 24 coins."}], '
    '"rejected_response": "There are 20 coins.", "images": ["coins.jpg"], "category": "counting"}'
)
_BLOCK = 1024 * 1024

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """What the form says. Either an upload (`name` with `content`) or a `path` of this machine.

    Attributes:
        overlap: votes wanted per pair; None keeps the batch's own.
        media_root: folder of pictures and videos; empty for the folder of the file.
        labeled_by: names the imported labels in every figure.
        asking: what else is set on the batch.
        reading: how the file is read, as the form says it.
    """

    batch: str
    path: str = ""
    name: str = ""
    content: bytes = b""
    overlap: int | None = None
    media_root: str = ""
    labeled_by: str = swift_import.IMPORTED
    asking: Asking = field(default_factory=Asking)
    reading: Reading = field(default_factory=Reading)


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
    changes = _changes(workspace, asked)
    with _located(asked) as (path, root):
        report = importing.import_file(
            workspace,
            path,
            batch=asked.batch,
            how=asked.reading.how(),
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
            notes=_notes(report, changes, dry_run=True),
            rejected=_rejected(report),
            samples=import_samples.first(report, path, root or path.parent),
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
    changes = _changes(workspace, asked)
    with _located(asked) as (path, root):
        if _digest(path) != preview.digest:
            raise ConflictError(
                f"{path.name} has changed since it was checked.", "Check it again, then import."
            )
        report = importing.import_file(
            workspace,
            path,
            batch=asked.batch,
            how=asked.reading.how(),
            media_root=root,
            overlap=asked.overlap,
            labeled_by=asked.labeled_by,
            progress=progress,
        )
    asked.asking.keep(workspace, asked.batch)
    return Outcome(
        sentence=f"{wording.count(report.imported, 'record')} of {preview.file} imported into "
        f"batch {report.batch}, {report.present:,} already there, {len(report.rejected):,} "
        "rejected.",
        notes=_notes(report, changes),
        rejected=_rejected(report),
        batch=report.batch,
        command=wording.command(
            workspace.home, "link", "create", "--batch", report.batch, "--annotator", "WHO"
        ),
    )


def _changes(workspace: Workspace, asked: Asked) -> list[str]:
    with workspace.ledger.read() as db:
        return asked.asking.changes(db, asked.batch)


def rejects_file(rejected: Sequence[RejectedLine]) -> bytes:
    """The rejected lines as CSV: line, reason. A reason may quote the file, so none is a formula to
    a spreadsheet: one that begins like it gets an apostrophe in front."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("line", "reason"))
    writer.writerows((bad.line, _no_formula(bad.reason)) for bad in rejected)
    return text.getvalue().encode()


def _no_formula(text: str) -> str:
    begins = text.lstrip(" ")[:1]
    return f"'{text}" if begins and begins in "=+-@\t\r\n" else text


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
    named = sum(
        bool(record.images or record.videos) for _, record in import_samples.swift_records_of(path)
    )
    if named:
        about = wording.count(named, "record")
        raise WrongInputError(
            f"{path.name} names pictures or videos ({about}), and an uploaded file has no folder "
            "that they could be in.",
            "Fill in the media root: the folder on this machine that the named files are below.",
        )


def _notes(report: ImportReport, changes: Sequence[str], dry_run: bool = False) -> list[str]:
    """What else is known; of our own format nobody needs to hear how it is read."""
    read = [] if report.format == SWIFT else import_reading.sentences(report, dry_run)
    return [*read, *_conflicts(report), *report.notes, *changes]


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
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    try:
        for each in files:
            if each.is_dir():
                continue
            with each.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
    except OSError as error:
        raise WrongInputError(
            f"{path} cannot be read: {error.strerror}.", "Check it again."
        ) from error
    return digest.hexdigest()
