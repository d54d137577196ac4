"""Sealing: what has settled in the ledger becomes segments, so that pages read little of it live.

A worker does it every minute. Nothing depends on it: what is not sealed is read live.

Why nothing is lost or sealed twice, with several writers and clocks that jump: rows are sealed by
time, a whole microsecond at a time, and only once they are older than any transaction may last. So
the rows above the highest sealed time are in no segment, and those below are in exactly one unless
they came late. Those are found by counting: where the ledger has more rows below the highest sealed
time than the segments hold, the ones that no segment names are sealed too. A segment is listed only
if the list is still the one that its rows were chosen by, so two workers cannot seal the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import polars

from storage import clock, segments
from storage.analytics.facts import SEALED, Log
from storage.analytics.tails import names_in, read_segment, sealed_until
from storage.errors import ConflictError, PairwrightError
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

# longer than a statement and the idle time after it may take in one transaction, see ledger.py
SETTLING_SECONDS = 150
PAUSE_SECONDS = 60.0
LARGEST = 100_000
# this many segments that are smaller than half of the largest become one
MANY = 12
# rounds between reading all files once
_CARE_EVERY = 60


def keep(workspace: Workspace, stop: threading.Event) -> None:
    """Seal until `stop`. Trouble is printed and tried again: the rows are in the ledger."""
    rounds = 0
    while not stop.is_set():
        try:
            if rounds % _CARE_EVERY == 0:
                retire_damaged(workspace)
                segments.sweep(workspace)
            run(workspace)
        except (PairwrightError, OSError) as error:
            print(f"sealing failed and is tried again: {error}", flush=True)
        rounds += 1
        stop.wait(PAUSE_SECONDS)


def run(workspace: Workspace, settling_seconds: float = SETTLING_SECONDS) -> list[Segment]:
    """Seal what is older than `settling_seconds` and in no segment; return the new segments.

    Segments whose file is missing or cut are sealed again from the ledger. Many small segments
    become one. Where another process seals at the same time, the rest is left to it.
    """
    made: list[Segment] = []
    for log in SEALED:
        try:
            made.extend(_sealed(workspace, log, settling_seconds))
            made.extend(_compacted(workspace, log))
        except ConflictError:
            continue
    return made


def retire_damaged(workspace: Workspace) -> list[Segment]:
    """Take segments whose content is not what was sealed out of use, where the ledger has their
    rows: the next `run` seals those again. Returns what was found. Reads all files."""
    found = [s for s in segments.damaged(workspace) if s.kind in segments.FROM_LEDGER]
    segments.retire(workspace, [segment.id for segment in found])
    return found


def _sealed(workspace: Workspace, log: Log, settling_seconds: float) -> Iterator[Segment]:
    kind = log.kind
    _retire_cut(workspace, kind)
    if _is_done(workspace, log):
        return
    late, before = _late(workspace, log)
    if not late.is_empty():
        yield _replace(workspace, log, late, before)
    while True:
        with workspace.ledger.read() as db:
            before = segments.listed(db, kind)
            limit = clock.now(db) - int(settling_seconds * clock.SECOND)
            low = sealed_until(before)
            high = log.reach(db, low, limit, LARGEST)
            rows = log.after(db, low, high)
        if rows.is_empty():
            return
        yield _replace(workspace, log, rows, before)


def _is_done(workspace: Workspace, log: Log) -> bool:
    """Whether there is nothing to seal: told by counting, which costs less than looking."""
    with workspace.ledger.read() as db:
        return log.count(db) == sum(one.rows for one in segments.listed(db, log.kind))


def _retire_cut(workspace: Workspace, kind: SegmentKind) -> None:
    with workspace.ledger.read() as db:
        found = segments.listed(db, kind)
    segments.retire(workspace, [s.id for s in found if not segments.is_whole(workspace, s)])


def _late(workspace: Workspace, log: Log) -> tuple[polars.DataFrame, Sequence[Segment]]:
    """Rows below the highest sealed time that no segment holds, and the segments there are."""
    with workspace.ledger.read() as db:
        found = segments.listed(db, log.kind)
        bound = sealed_until(found)
        above = log.count_above(db, bound)
        if not found or log.count(db) - above == sum(segment.rows for segment in found):
            return log.empty(), found
        known = names_in(segments.paths(workspace, found), log)
        return log.missing(db, known, bound), found


def _replace(
    workspace: Workspace,
    log: Log,
    rows: polars.DataFrame,
    before: Sequence[Segment],
    retired: Sequence[Segment] = (),
) -> Segment:
    times = rows[log.time]
    return segments.replace(
        workspace,
        log.kind,
        rows,
        _written(times.min()),
        _written(times.max()),
        listed_before=[segment.id for segment in before],
        retired=[segment.id for segment in retired],
    )


def _compacted(workspace: Workspace, log: Log) -> list[Segment]:
    """Many small segments as one, which replaces them in one transaction."""
    with workspace.ledger.read() as db:
        before = segments.listed(db, log.kind)
    small = [segment for segment in before if segment.rows < LARGEST // 2]
    if len(small) < MANY:
        return []
    frames = [read_segment(path) for path in segments.paths(workspace, small)]
    rows = polars.concat(frames, how="diagonal").sort(log.time, log.name)
    return [_replace(workspace, log, rows, before, retired=small)]


def _written(moment: object) -> str:
    """A time as text that sorts as the number does."""
    assert isinstance(moment, int)
    return f"{moment:020d}"
