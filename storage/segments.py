"""Segments: immutable sealed Parquet files for analytics, listed in the ledger.

A segment is written in steps, each durable before the next: a temporary file, read back and
compared; its name, which is the digest of its content; one ledger row. A process that dies between
two steps leaves a file that nobody lists, or nothing; `sweep` removes such files after a day.
Readers take the list from the ledger and never from the folder.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from storage import clock, inserts, tables
from storage.errors import ConflictError, DamagedError, WorkspaceError, WrongInputError
from storage.ledger import Connection
from storage.media import sync_folder
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

FOLDER = "segments"
# a reader in another process may still use a list that it took before a segment was retired
KEPT_SECONDS = 86_400
_TEMPORARY = ".tmp-"


class SegmentKind(StrEnum):
    VOTES = "votes"
    PAIRS = "pairs"
    SCORES = "scores"
    GENERATIONS = "generations"
    METRICS = "metrics"
    JUDGEMENTS = "judgements"


# what can be made again from the ledger, as against what only the segment holds
FROM_LEDGER = frozenset({SegmentKind.VOTES, SegmentKind.PAIRS})


@dataclass(frozen=True)
class Segment:
    """A sealed file.

    Attributes:
        id: SHA-256 of kind, columns and rows; also the name of the file.
        path: relative to the workspace.
        low, high: the ends of what it holds, in the order in which its kind is sealed.
        rows: number of rows.
        size: bytes of the file.
        sealed_at: microseconds UTC.
    """

    id: str
    kind: SegmentKind
    path: str
    low: str
    high: str
    rows: int
    size: int
    sealed_at: int


def folder(workspace: Workspace) -> Path:
    """Where the segments of a workspace are; the folder is made when it is first written to."""
    return workspace.home / FOLDER


def seal(
    workspace: Workspace, kind: SegmentKind, frame: polars.DataFrame, low: str, high: str
) -> Segment:
    """Write the rows as a segment and list it; the same rows again are the same segment.

    Args:
        frame: one row or more. A later segment of the kind may have more or fewer columns.
        low, high: the ends of what it holds; readers can leave segments out by them.

    Raises:
        WrongInputError: there are no rows.
        DamagedError: the file reads back differently from what was written.
        WorkspaceError: the file cannot be written.
    """
    return _list(workspace, _write(workspace, kind, frame, low, high))


def replace(
    workspace: Workspace,
    kind: SegmentKind,
    frame: polars.DataFrame,
    low: str,
    high: str,
    *,
    listed_before: Collection[str],
    retired: Collection[str] = (),
) -> Segment:
    """As `seal`, and in the same transaction retire other segments of the kind.

    Args:
        listed_before: ids of all segments of the kind that `frame` was made with knowledge of.
        retired: ids of those whose rows `frame` holds.

    Raises:
        ConflictError: another process has changed the list since; nothing was listed.
    """
    made = _write(workspace, kind, frame, low, high)
    return _list(workspace, made, frozenset(listed_before), retired)


def listed(db: Connection, kind: SegmentKind) -> list[Segment]:
    """The segments of a kind that are in use, lowest first."""
    table = tables.segments
    query = (
        select(table)
        .where(table.c.kind == kind.value, table.c.retired_at.is_(None))
        .order_by(table.c.low, table.c.high, table.c.id)
    )
    return [_segment(row) for row in db.execute(query)]


def retire(workspace: Workspace, ids: Iterable[str]) -> None:
    """Take segments out of use; their files stay for a day."""
    with workspace.ledger.write() as tx:
        _retire(tx, ids)


def paths(workspace: Workspace, found: Iterable[Segment]) -> list[str]:
    """The absolute paths of segments.

    Raises:
        DamagedError: a file is missing or does not have its recorded size.
    """
    return [_checked(workspace, segment) for segment in found]


def is_whole(workspace: Workspace, segment: Segment) -> bool:
    """Whether the file has its recorded size; its content is not read."""
    return _size(workspace.home / segment.path) == segment.size


def damaged(workspace: Workspace) -> list[Segment]:
    """The segments in use whose file is missing or does not hold what was sealed. Reads all."""
    with workspace.ledger.read() as db:
        found = [segment for kind in SegmentKind for segment in listed(db, kind)]
    return [
        segment
        for segment in found
        if _digest_of_file(workspace.home / segment.path, segment.kind) != segment.id
    ]


def damage(path: Path | str) -> DamagedError:
    """The error for a segment that cannot be read, with what to do next."""
    kind = Path(path).parent.name
    again = "Restore it from a backup, or run again the job that made it."
    if kind in {known.value for known in FROM_LEDGER}:
        again = "Start `pairwright up` again: its worker makes the segment anew from the ledger."
    return DamagedError(f"The segment {path} of {kind} is missing or damaged.", again)


def sweep(workspace: Workspace, kept_seconds: float = KEPT_SECONDS) -> int:
    """Remove files that no segment in use names and that are older than this; return how many."""
    place = folder(workspace)
    if not place.is_dir():
        return 0
    with workspace.ledger.read() as db:
        table = tables.segments
        oldest = clock.now(db) - int(kept_seconds * clock.SECOND)
        query = select(table.c.path).where(
            table.c.retired_at.is_(None) | (table.c.retired_at > oldest)
        )
        wanted = {workspace.home / path for path in db.execute(query).scalars()}
    # a file that is being sealed just now is not listed yet, but it is young
    limit = time.time() - kept_seconds
    stale = [
        path
        for path in place.glob("*/*")
        if path.is_file() and path not in wanted and path.stat().st_mtime < limit
    ]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _write(
    workspace: Workspace, kind: SegmentKind, frame: polars.DataFrame, low: str, high: str
) -> Segment:
    """Everything but the ledger row."""
    if frame.is_empty():
        raise WrongInputError(f"A segment of {kind.value} without rows cannot be sealed.")
    made = digest(kind, frame)
    relative = f"{FOLDER}/{kind.value}/{made}.parquet"
    path = workspace.home / relative
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_temporary(frame, temporary)
            _verify(temporary, frame)
            size = temporary.stat().st_size
            _name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
        sync_folder(path.parent.parent)
    return Segment(made, kind, relative, low, high, frame.height, size, 0)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Inside the block, trouble with the disk becomes an error of ours."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"The segment {path} cannot be written: {error.strerror or error}.",
            "Free some space or check the permissions; nothing was lost, so try it again.",
        ) from error


def digest(kind: SegmentKind, frame: polars.DataFrame) -> str:
    """SHA-256 of kind, column names and types, and the rows in their order.

    Over the content and not over the file, which another version of Polars writes differently.
    """
    found = hashlib.sha256(f"{kind.value}\n".encode())
    for name, kind_of_values in frame.schema.items():
        found.update(f"{name}:{kind_of_values}\n".encode())
    for part in frame.iter_slices(10_000):
        found.update(part.write_ndjson().encode())
    return found.hexdigest()


def _write_temporary(frame: polars.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=1, row_group_size=50_000)
    path.chmod(0o444)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _verify(path: Path, frame: polars.DataFrame) -> None:
    there = _read(path)
    if there is None or not (there.schema == frame.schema and there.equals(frame)):
        raise DamagedError(
            f"The segment {path} was written, but reads back differently.",
            "Check the disk; nothing was listed, and the rows are still in the ledger.",
        )


def _name(temporary: Path, path: Path) -> None:
    temporary.replace(path)


def _digest_of_file(path: Path, kind: SegmentKind) -> str:
    """Empty when the file cannot be read."""
    frame = _read(path)
    return "" if frame is None else digest(kind, frame)


def _read(path: Path) -> polars.DataFrame | None:
    """The rows of a file, None when it cannot be read."""
    import polars

    try:
        return polars.read_parquet(path, memory_map=False)
    except (OSError, polars.exceptions.PolarsError):
        return None


def _list(
    workspace: Workspace,
    made: Segment,
    listed_before: frozenset[str] | None = None,
    retired: Collection[str] = (),
) -> Segment:
    table = tables.segments
    with workspace.ledger.write() as tx:
        inserts.wait_for_turn(tx, inserts.SEALING)
        if listed_before is not None:
            there = {segment.id for segment in listed(tx, made.kind)}
            if there != listed_before:
                raise ConflictError(
                    f"Another process has sealed {made.kind.value} meanwhile.", "Nothing was lost."
                )
        _retire(tx, retired)
        row = {**vars(made), "kind": made.kind.value, "sealed_at": clock.now(tx)}
        if not inserts.add_if_absent(tx, table, row):
            # the same rows were sealed before; the file may have been written anew
            again = {"retired_at": None, "size": made.size}
            tx.execute(table.update().where(table.c.id == made.id).values(**again))
        found = tx.execute(select(table).where(table.c.id == made.id)).one()
    return _segment(found)


def _retire(tx: Connection, ids: Iterable[str]) -> None:
    table = tables.segments
    for name in ids:
        tx.execute(
            table.update()
            .where(table.c.id == name, table.c.retired_at.is_(None))
            .values(retired_at=clock.now(tx))
        )


def _checked(workspace: Workspace, segment: Segment) -> str:
    path = workspace.home / segment.path
    if not is_whole(workspace, segment):
        raise damage(path)
    return str(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _segment(row: Any) -> Segment:
    values = dict(row._mapping)
    values.pop("retired_at")
    return Segment(**{**values, "kind": SegmentKind(values["kind"])})
