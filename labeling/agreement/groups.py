"""Agreement on parts of the votes: by batch, category, round, or the checkpoints compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import polars

from labeling.agreement import report
from labeling.agreement.report import AgreementReport
from storage import analytics, batches, round_log
from storage.analytics import Analytics, View, noted, origins
from storage.ledger import Connection
from storage.round_log import RoundEventKind
from storage.workspace import Workspace

BATCH, CATEGORY, ROUND, CHECKPOINTS = "batch", "category", "round", "checkpoints"
WAYS = (BATCH, CATEGORY, ROUND, CHECKPOINTS)
# votes in batches that belong to no round, while others do
NO_ROUND = "no round"

# votes (columns as `View.effective`) -> the name of the part of each
PartOf = Callable[[polars.DataFrame], polars.Series]


def measure(workspace: Workspace, way: str, batch: str | None = None) -> dict[str, AgreementReport]:
    """The agreement on every part of the votes of one batch, or of all, by the part's name.

    Kept until a vote comes in. Parts without votes are not in, but for batches.

    Args:
        way: one of `WAYS`. Rounds are those that the batches belong to; where no round was ever
            opened, what the answers say (see `storage.analytics.origins`, as for `checkpoints`).

    Raises:
        NotFoundError: there is no such batch.
        DamagedError: sealed votes cannot be read.
    """
    with workspace.ledger.read() as db:
        wanted = "" if batch is None else batches.get(db, batch).id
        names = [one.name for one in batches.listed(db)] if batch is None else [batch]
    if way == BATCH:
        return dict(zip(names, report.of_batches(workspace, names), strict=True))
    store = analytics.open(workspace)
    with store.reading() as view:
        mark: tuple[object, ...] = view.mark_of_batch(wanted) if wanted else view.mark
        part_of, of_parts = _parts(workspace, store, view, way)
        return store.kept(
            ("agreement by", way, wanted),
            (mark, of_parts),
            lambda: _measured(view.effective(wanted), part_of),
        )


def _parts(workspace: Workspace, store: Analytics, view: View, way: str) -> tuple[PartOf, object]:
    """What says the part of every vote, and a mark of all that it depends on but votes."""
    if way == CATEGORY:
        return _by_pair(view.coded.pairs["category"]), view.mark_of_pairs
    with workspace.ledger.read() as db:
        rounds = _recorded_rounds(db) if way == ROUND else {}
        if rounds:
            return partial(_by_batch, rounds), tuple(rounds.items())
        mark = (view.mark_of_pairs, noted.mark_of_sources(db))
        found = store.kept("origins", mark, partial(origins.read, db, view.coded))
    return _by_pair(found.rounds if way == ROUND else found.checkpoints), mark


def _recorded_rounds(db: Connection) -> dict[str, str]:
    """Batch -> the round that it belongs to."""
    return {
        event.subject: f"round {event.round}"
        for event in round_log.events(db)
        if event.kind is RoundEventKind.BATCH
    }


def _by_pair(parts: polars.Series) -> PartOf:
    return lambda cast: parts.gather(cast["pair"])


def _by_batch(rounds: Mapping[str, str], cast: polars.DataFrame) -> polars.Series:
    return cast["batch"].cast(polars.String).replace_strict(rounds, default=NO_ROUND)


def _measured(cast: polars.DataFrame, part_of: PartOf) -> dict[str, AgreementReport]:
    apart = cast.with_columns(part=part_of(cast)).partition_by("part", as_dict=True)
    return {
        str(name): report.of_table(report.table_of_votes(part), report.ORIENTATION)
        for (name,), part in sorted(apart.items())
    }
