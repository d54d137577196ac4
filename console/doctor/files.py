"""Checks of what a workspace keeps: ledger, media, dataset versions, checkpoints, segments."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from console.doctor import findings
from console.doctor.findings import Finding
from storage import checkpoints, clock, dataset_versions, health, models, schema, segments
from storage.errors import DamagedError
from storage.workspace import SECRET, Workspace
from training.runs import manifest

_MB = 1_000_000
_LARGE_WAL = 256 * _MB
# how many of a kind are read when not all are
_SAMPLE = 200
_SHOWN = 3
_FROM_BACKUP = "Restore from a backup."
_AHEAD = 60 * clock.SECOND


def secret(opened: Workspace) -> Iterator[Finding]:
    """The secret of this install is there, and nobody else may read it."""
    opened.secret()
    path = opened.home / SECRET
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        step = f"Run: chmod 600 {path}"
        yield findings.warning("secret", f"Other users may read {path} (mode {mode:o}).", step)
    else:
        yield findings.ok("secret", "The secret is there and private.")


def ledger(opened: Workspace) -> Iterator[Finding]:
    """SQLite's own checks, the write lock, and the size of the write-ahead log."""
    with opened.ledger.read() as db:
        faults = health.ledger_faults(db)
        revision = schema.revision(db)
    if faults:
        what = f"The ledger is damaged: {'; '.join(faults[:_SHOWN])}."
        yield findings.problem("ledger", what, _FROM_BACKUP)
    else:
        yield findings.ok("ledger", f"The ledger is sound; its schema is {revision}.")
    path = opened.ledger.path
    if path is None:
        return
    busy = health.wait_for_lock(path)
    if busy:
        yield findings.warning("lock", busy, "Nobody can vote meanwhile. Look at that process.")
    else:
        yield findings.ok("lock", "The write lock is free.")
    wal = _size(path.with_name(path.name + "-wal"))
    if wal > _LARGE_WAL:
        what = f"The write-ahead log has {wal / _MB:.0f} MB: something has read for a long time."
        yield findings.warning(
            "ledger", what, "Stop readers that hang, then restart pairwright up."
        )


def times(opened: Workspace) -> Iterator[Finding]:
    """Nothing recorded may lie in the future: then a clock was set back."""
    with opened.ledger.read() as db:
        ahead = health.newest_time(db) - clock.now(db)
    if ahead > _AHEAD:
        yield findings.warning(
            "clock",
            f"The newest record lies {ahead / 60 / clock.SECOND:.0f} minutes in the future.",
            "Correct this machine's clock. Votes keep their order; leases and links go by it.",
        )
    else:
        yield findings.ok("clock", "No record lies in the future.")


def media(opened: Workspace, full: bool) -> Iterator[Finding]:
    """Bytes against ids: all of them, or a sample."""
    with opened.ledger.read() as db:
        rows = health.media_rows(db)
    read = rows if full else rows[:: max(1, len(rows) // _SAMPLE)]
    damaged = health.damaged_media(opened, read)
    said = f"{len(read)} of {len(rows)} media read"
    if damaged:
        what = f"{said}, {len(damaged)} missing or damaged: {_some(damaged)}."
        step = "Import their files again, or restore them from a backup."
        yield findings.problem("media", what, step)
    else:
        yield findings.ok("media", f"{said}, all as recorded.{_more(read, rows)}")
    broken = health.damaged_browser_sizes(opened, read)
    if broken:
        what = f"{len(broken)} browser sizes of pictures are damaged: {', '.join(broken[:_SHOWN])}."
        step = "Delete these files: each is made anew when its picture is next shown."
        yield findings.warning("media", what, step)


def datasets(opened: Workspace, full: bool) -> Iterator[Finding]:
    """Digests of dataset versions: of all, or of the newest."""
    with opened.ledger.read() as db:
        versions = dataset_versions.listed(db)
    read = versions if full else versions[-_SHOWN:]
    damaged = []
    for version in read:
        try:
            dataset_versions.read_rows(opened, version)
        except DamagedError:
            damaged.append(version.id)
    said = f"{len(read)} of {len(versions)} dataset versions read"
    if damaged:
        step = "Build it again, or restore its file from a backup."
        what = f"{said}, {len(damaged)} missing or damaged: {_some(damaged)}."
        yield findings.problem("datasets", what, step)
    else:
        yield findings.ok("datasets", f"{said}, all with their digest.{_more(read, versions)}")


def trained(opened: Workspace, full: bool) -> Iterator[Finding]:
    """Manifests of checkpoints: every byte, or names and sizes."""
    with opened.ledger.read() as db:
        rows = checkpoints.listed(db)
    damaged = [row.name for row in rows if not _is_whole(opened.home / row.path, full)]
    if damaged:
        what = f"{len(damaged)} of {len(rows)} checkpoints are not whole: {_some(damaged)}."
        yield findings.problem("checkpoints", what, "Train again, or restore from a backup.")
    else:
        how = "every byte compared" if full else "names and sizes compared"
        yield findings.ok("checkpoints", f"{len(rows)} checkpoints are whole ({how}).")


def sealed(opened: Workspace, full: bool) -> Iterator[Finding]:
    """Segments for analytics: every byte, or sizes."""
    with opened.ledger.read() as db:
        known = [one for kind in segments.SegmentKind for one in segments.listed(db, kind)]
    broken = (
        segments.damaged(opened)
        if full
        else [one for one in known if not segments.is_whole(opened, one)]
    )
    if broken:
        error = segments.damage(opened.home / broken[0].path)
        what = f"{len(broken)} of {len(known)} segments are missing or damaged."
        yield findings.problem("segments", f"{what} {error.what}", error.next_step)
    else:
        yield findings.ok("segments", f"{len(known)} segments are whole.")


def starts(opened: Workspace) -> Iterator[Finding]:
    """Models that are folders of this machine are there."""
    with opened.ledger.read() as db:
        known = models.listed(db)
    gone = [one for one in known if Path(one.location).is_absolute()]
    gone = [one for one in gone if not Path(one.location).is_dir()]
    for one in gone:
        what = f"The folder of model {one.name}, {one.location}, is not there."
        yield findings.warning("models", what, "Put it back: checkpoints of it need its weights.")
    if not gone:
        yield findings.ok("models", f"{len(known)} models known.")


def _is_whole(folder: Path, full: bool) -> bool:
    try:
        if full:
            manifest.verify(folder)
            return True
        listed = manifest.read(folder).files
    except DamagedError:
        return False
    return all(_size(folder / name) == entry.size for name, entry in listed.items())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:16] for name in names[:_SHOWN]) + more


def _more(read: Sequence[object], everything: Sequence[object]) -> str:
    return "" if len(read) == len(everything) else " --full reads all."
