"""What came between two snapshots, added to the columns that the first one was coded as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars

from storage.analytics import coded
from storage.analytics.coded import NUMBER, Coded
from storage.analytics.facts import PAIRS, VOTES, Log
from storage.analytics.tails import LOOK_BACK, Snapshot, read_segment, sealed_until
from storage.votes import COUNTED

COUNTED_KINDS = [kind.value for kind in COUNTED]
_PAIR = tuple(coded.PAIRS)
EVENT = (
    *("event_id", "assignment_id", "sequence", "kind", "verdict", "received_at", "active_ms"),
    *("batch_id", "pair_id", "annotator", "assignment_kind", "left"),
)
_MOST_PIECES = 64


def grown(known: Coded, before: Snapshot, now: Snapshot) -> Coded | None:
    """The columns with the pairs and votes that `now` has and `before` had not.

    Args:
        known: the columns of `before`, with the names of all batches and annotators of `now`.

    Returns:
        None where it cannot be told what is new, or where it belongs; then all has to be read.

    Raises:
        DamagedError: a segment cannot be read.
    """
    pairs = _fresh(before, now, PAIRS, _PAIR)
    events = _fresh(before, now, VOTES, EVENT)
    if pairs is None or events is None:
        return None
    longer = _with_pairs(known, pairs.sort("created_at", "pair_id"))
    if longer is None:
        return None
    counted = events.filter(polars.col("assignment_kind").is_in(COUNTED_KINDS))
    if counted.is_empty():
        return longer
    changed = dict.fromkeys(counted["batch_id"].unique(), now.counts["votes"])
    return _with_events(replace(longer, changed={**longer.changed, **changed}), counted)


def _fresh(
    before: Snapshot, now: Snapshot, log: Log, columns: Sequence[str]
) -> polars.DataFrame | None:
    """The rows of a log that came since: as many as it grew by, or None."""
    assert log.kind is not None
    name = log.kind.value
    wanted = now.counts[name] - before.counts[name]
    known, tail = before.tails[name], now.tails[name].select(columns)
    if not wanted:
        return tail.clear()
    since = sealed_until(before.sealed[log.kind])
    if isinstance(latest := known[log.time].max(), int):
        since = max(since, latest - LOOK_BACK)
    is_young = polars.col(log.time) > since
    there = {segment.id for segment in before.sealed[log.kind]}
    sealed = zip(now.sealed[log.kind], now.paths[log.kind], strict=True)
    added = [read_segment(path, columns) for segment, path in sealed if segment.id not in there]
    young = polars.concat([tail, *added]).filter(is_young)
    found = young.join(known.filter(is_young).select(log.name), on=log.name, how="anti")
    return found if found.height == wanted else None


def _with_pairs(known: Coded, fresh: polars.DataFrame) -> Coded | None:
    """None when one comes before a known pair: numbers follow the order."""
    if not fresh.is_empty() and not known.pairs.is_empty():
        last, first = known.pairs.row(-1, named=True), fresh.row(0, named=True)
        order = ("created_at", "pair_id")
        if [first[name] for name in order] <= [last[name] for name in order]:
            return None
    return replace(known, pairs=_joined(known.pairs, fresh))


def _with_events(known: Coded, events: polars.DataFrame) -> Coded | None:
    """None where two votes of one person on one pair came at the same moment: which of them came
    first is told by what is not kept here."""
    # the last event of an assignment is its vote that counts, or an undo
    last = events.sort("sequence").unique("assignment_id", keep="last")
    rows = coded_events(known, last.sort("received_at", "assignment_id"))
    votes = known.votes
    again = rows.filter(polars.col("sequence") > 1)
    if not again.is_empty():
        votes = coded.without(votes, again)
    fresh = rows.filter(polars.col("event") == "vote").select(votes.columns)
    latest, earliest = votes["received_at"].max(), fresh["received_at"].min()
    if not isinstance(latest, int) or not isinstance(earliest, int) or latest < earliest:
        return replace(known, votes=_joined(votes, fresh))
    voice = ["pair", "annotator", "received_at"]
    young = votes.filter(polars.col("received_at") >= earliest)
    if not young.join(fresh, on=voice, how="semi").is_empty():
        return None
    together = polars.concat([votes, fresh])
    return replace(known, votes=together.sort("received_at", maintain_order=True))


def coded_events(known: Coded, events: polars.DataFrame) -> polars.DataFrame:
    """Events with the columns of votes, `sequence`, and `event` (vote or undo)."""
    batches = {name: number for number, name in enumerate(known.batches)}
    annotators = {name: number for number, name in enumerate(known.annotators)}
    return events.select(
        polars.Series("pair", known.numbers_of(events["pair_id"]), NUMBER),
        polars.col("batch_id").replace_strict(batches, return_dtype=NUMBER).alias("batch"),
        polars.col("annotator").replace_strict(annotators, return_dtype=NUMBER),
        polars.col("verdict").cast(coded.VERDICTS),
        polars.col("assignment_kind").cast(coded.KINDS).alias("kind"),
        "received_at",
        "active_ms",
        polars.col("left").cast(coded.VERDICTS),
        "sequence",
        polars.col("kind").alias("event"),
    )


def _joined(known: polars.DataFrame, fresh: polars.DataFrame) -> polars.DataFrame:
    if fresh.is_empty():
        return known
    # row after row for hours would make a frame of many small pieces
    return polars.concat([known, fresh], rechunk=known.n_chunks() > _MOST_PIECES)
