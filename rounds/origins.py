"""What the ledger knows of the rows of dataset versions: who gave the answers, and who judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import polars

from rounds.drift import Key
from storage import analytics
from storage.analytics import noted, origins
from storage.analytics.view import View
from storage.rows import AssignmentKind, DatasetRow
from storage.workspace import Workspace

SOURCE, ANNOTATOR = "source of the answers", "annotator"
NOBODY = "nobody"


def features(workspace: Workspace, rows: Iterable[DatasetRow], until: int) -> Mapping[str, Key]:
    """Features of the rows of one version for `rounds.drift`, by name.

    A row is in the class of every annotator whose vote on its pair had come by then and counts
    today. A row whose pair this workspace does not have, because the version was pulled, has an
    unknown source.

    Args:
        until: when the version was built, microseconds UTC.

    Raises:
        DamagedError: sealed votes cannot be read.
    """
    wanted = polars.DataFrame({"pair_id": sorted({row.pair_id for row in rows})})
    store = analytics.open(workspace)
    with store.reading() as view, workspace.ledger.read() as db:
        mark = (view.mark_of_pairs, noted.mark_of_sources(db))
        known = store.kept("origins", mark, partial(origins.read, db, view.coded))
        numbered = view.coded.pairs.select("pair_id").with_row_index("pair")
        found = wanted.join(numbered, on="pair_id")
        sources = dict(zip(found["pair_id"], known.checkpoints.gather(found["pair"]), strict=True))
        judges = _judges(view, found, until)
    return {
        SOURCE: lambda row: sources.get(row.pair_id, origins.UNKNOWN),
        ANNOTATOR: lambda row: judges.get(row.pair_id, (NOBODY,)),
    }


def _judges(view: View, found: polars.DataFrame, until: int) -> dict[str, list[str]]:
    """Pair id -> whose votes are on it; a lead's decision is no judgement of an annotator."""
    is_normal = polars.col("kind") == AssignmentKind.NORMAL.value
    cast = view.effective().filter(is_normal, polars.col("received_at") <= until)
    names = cast.join(found, on="pair").group_by("pair_id").agg(polars.col("annotator").unique())
    by_pair = zip(names["pair_id"], names["annotator"], strict=True)
    return {pair: sorted(str(name) for name in who) for pair, who in by_pair}
