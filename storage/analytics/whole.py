"""All pairs and votes as columns of small numbers, read segment by segment: a console that has just
started needs room for the columns and one segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars

from storage.analytics import coded
from storage.analytics.coded import Coded
from storage.analytics.facts import PAIRS, VOTES, Log
from storage.analytics.growth import COUNTED_KINDS, EVENT, coded_events
from storage.analytics.tails import Snapshot, read_segment

_NAMES = ("assignment_id", "sequence")


def pairs(snapshot: Snapshot) -> polars.DataFrame:
    """Columns `coded.PAIRS`, oldest first."""
    parts = list(_parts(snapshot, PAIRS, list(coded.PAIRS)))
    found = polars.concat(parts, rechunk=True)
    order = ["created_at", "pair_id"]
    return found if _is_sorted(found, order) else found.sort(order)


def votes(named: Coded, snapshot: Snapshot) -> polars.DataFrame:
    """Columns `coded.VOTES`: votes that were not undone, by the order in which they came.

    Args:
        named: with the pairs, batches and annotators of the snapshot.
    """
    gone = _undone(snapshot)
    read = [name for name in EVENT if name != "event_id"]
    parts = _parts(snapshot, VOTES, read, in_order=True)
    found = [_coded(named, part, gone) for part in parts]
    columns = {name: [part[name] for part in found] for name in coded.VOTES}
    del found
    # one column after the other, so that only one of them is there twice
    kinds = coded.VOTES.items()
    return polars.DataFrame(
        [polars.concat(columns.pop(name), rechunk=True).cast(kind) for name, kind in kinds]
    )


def _undone(snapshot: Snapshot) -> polars.DataFrame:
    """What is taken back: columns `_NAMES`."""
    rows: list[tuple[str, int]] = []
    for part in _parts(snapshot, VOTES, [*_NAMES, "kind"]):
        # a filtered frame would keep all the names of its segment in memory
        rows += part.filter(polars.col("kind") == "undo").select(_NAMES).rows()
    schema = {"assignment_id": polars.String, "sequence": polars.Int64}
    undone = polars.DataFrame(rows, schema=schema, orient="row")
    # votes and undos of an assignment take turns: an undo takes back the event before it
    return undone.with_columns(polars.col("sequence") - 1)


def _coded(named: Coded, part: polars.DataFrame, gone: polars.DataFrame) -> polars.DataFrame:
    is_counted = polars.col("assignment_kind").is_in(COUNTED_KINDS)
    cast = part.filter((polars.col("kind") == "vote") & is_counted)
    stays = cast.join(gone, on=_NAMES, how="anti").sort("received_at", "assignment_id")
    return coded_events(named, stays).drop("sequence", "event")


def _parts(
    snapshot: Snapshot, log: Log, columns: Sequence[str], *, in_order: bool = False
) -> Iterator[polars.DataFrame]:
    """The rows of each segment and of the tail; `in_order`, those whose times overlap together, the
    earlier ones first."""
    sealed = zip(snapshot.sealed[log.kind], snapshot.paths[log.kind], strict=True)
    spans = [(int(one.low), int(one.high), path) for one, path in sealed]
    tail = snapshot.tails[log.kind.value].select(columns)
    if not tail.is_empty():
        times = snapshot.tails[log.kind.value][log.time]
        spans.append((times.min(), times.max(), ""))  # type: ignore[arg-type]
    if not spans:
        yield tail
    for paths in _together(sorted(spans)) if in_order else [[path] for _, _, path in spans]:
        yield polars.concat([read_segment(path, columns) if path else tail for path in paths])


def _together(spans: Sequence[tuple[int, int, str]]) -> Iterator[list[str]]:
    """Paths of spans of time that overlap, one after the other."""
    group: list[str] = []
    end = -1
    for low, high, path in spans:
        if group and low > end:
            yield group
            group = []
        group.append(path)
        end = max(end, high)
    if group:
        yield group


def _is_sorted(frame: polars.DataFrame, by: Sequence[str]) -> bool:
    rows = frame.select(by)
    after = rows.slice(1)
    first, second = (rows.slice(0, max(0, rows.height - 1))[name] for name in by)
    later = (after[by[0]] > first) | ((after[by[0]] == first) & (after[by[1]] >= second))
    return bool(later.all())
