"""Which pairs have what leads and rounds put on them, and which came in on certain days."""

from __future__ import annotations

import numpy as np
import polars

from storage import excluded_pairs, pair_tags, round_log
from storage.analytics.coded import Coded, Mask
from storage.ledger import Connection


def tagged(db: Connection, coded: Coded, tag: str) -> Mask:
    """Which pairs have a tag. Depends on the pairs and `pair_tags.mark` only."""
    return _named(coded, list(db.scalars(pair_tags.with_tag(tag))))


def left_out(db: Connection, coded: Coded) -> Mask:
    """Which pairs a lead left out. Depends on the pairs and `excluded_pairs.mark` only."""
    return _named(coded, list(db.scalars(excluded_pairs.left_out())))


def in_round(db: Connection, coded: Coded, number: int) -> Mask:
    """Which pairs are in a batch of a round."""
    found = np.zeros(coded.pairs.height, np.bool_)
    for batch in round_log.batches_of(db, number):
        found[coded.members.get(batch.id, ())] = True
    return found


def added(coded: Coded, low: int, high: int) -> Mask:
    """Which pairs came in from one microsecond on, before another."""
    # pairs are kept in the order in which they came in
    first, last = np.searchsorted(coded.pairs["created_at"].to_numpy(), [low, high])
    found = np.zeros(coded.pairs.height, np.bool_)
    found[first:last] = True
    return found


def _named(coded: Coded, pair_ids: list[str]) -> Mask:
    """A pair that came after the columns were read is not in them."""
    wanted = polars.Series("pair_id", pair_ids, polars.String)
    if wanted.is_empty():
        return np.zeros(coded.pairs.height, np.bool_)
    return coded.pairs["pair_id"].is_in(wanted.implode()).to_numpy()
