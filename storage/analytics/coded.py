"""Votes that count, pairs and batches as columns of small numbers, in memory.

Pages count over everything with every look, and votes arrive between two looks. So what they count
is not read from files each time: DuckDB reads it once, and from then on only what is new is added.
A pair's number is its row in `pairs`, a batch's or annotator's its place in the list of names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars
import pyarrow
from numpy.typing import NDArray

from storage.analytics.places import Places
from storage.exclusions import Exclusion, Exclusions
from storage.rows import AssignmentKind, Verdict

Numbers = NDArray[np.uint32]
Mask = NDArray[np.bool_]

NUMBER = polars.UInt32
VERDICTS = polars.Enum([verdict.value for verdict in Verdict])
KINDS = polars.Enum([kind.value for kind in AssignmentKind])
Schema = Mapping[str, polars.DataType | type[polars.DataType]]
PAIRS: Schema = {"pair_id": polars.String, "category": polars.String, "created_at": polars.Int64}
VOTES: Schema = {
    **{"pair": NUMBER, "batch": NUMBER, "annotator": NUMBER},
    **{"verdict": VERDICTS, "kind": KINDS, "received_at": polars.Int64, "active_ms": polars.Int64},
    # the answer that was shown on the left
    "left": VERDICTS,
}
# what an assignment is known by: there is one of a kind for a pair, in a batch, for an annotator
ASSIGNMENT = ["pair", "batch", "annotator", "kind"]


@dataclass(frozen=True)
class Coded:
    """One state, as numbers.

    Attributes:
        pairs: columns `PAIRS`, oldest first.
        votes: columns `VOTES`: votes that were not undone, by the order in which they came. An
            annotator has one on a pair, batch and kind.
        batches, annotators: ids of batches and names of annotators, by number.
        members: batch id -> its pairs by their position.
        labeled: batch id -> its number of pairs with an imported label.
        changed: batch id -> vote events in the ledger when the last ones of the batch came.
        exclusions: those in force.
        places: finds pairs by their ids.
    """

    pairs: polars.DataFrame = field(default_factory=lambda: polars.DataFrame(schema=PAIRS))
    votes: polars.DataFrame = field(default_factory=lambda: polars.DataFrame(schema=VOTES))
    batches: Sequence[str] = ()
    annotators: Sequence[str] = ()
    members: Mapping[str, Numbers] = field(default_factory=dict)
    labeled: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    exclusions: Exclusions = field(default_factory=Exclusions)
    places: Places = field(default_factory=Places, compare=False, repr=False)

    @cached_property
    def numbered(self) -> pyarrow.Table:
        """Pair id and number, as DuckDB joins it."""
        pairs = self.pairs.select("pair_id").with_row_index("pair")
        return pairs.to_arrow(compat_level=polars.CompatLevel.newest())

    @cached_property
    def counted(self) -> polars.DataFrame:
        """The votes without those that are excluded."""
        return self.votes.filter(polars.Series(self.counts)) if self.exclusions else self.votes

    @cached_property
    def counts(self) -> Mask:
        """Whether each vote counts."""
        left_out = self.exclusions
        annotator, batch = (self.votes[name].to_numpy() for name in ("annotator", "batch"))
        people = [number_of(name, self.annotators) for name in left_out.everywhere]
        gone = np.isin(annotator, people) if people else np.zeros(len(annotator), np.bool_)
        for place, name in left_out.in_batches:
            there = batch == number_of(place, self.batches)
            gone |= there & (annotator == number_of(name, self.annotators))
        gone &= (self.votes["kind"] != AssignmentKind.ADJUDICATION.value).to_numpy()
        gone[self._rows_of(list(left_out.single.values()))] = True
        if left_out.pairs:
            pairs = self.mask(self.numbers_of(polars.Series(list(left_out.pairs))))
            gone |= pairs[self.votes["pair"].to_numpy()]
        return np.asarray(~gone)

    def _rows_of(self, single: Sequence[Exclusion]) -> Numbers:
        """The rows of votes that are excluded one by one."""
        if not single:
            return np.zeros(0, np.uint32)
        batches = [number_of(one.batch_id or "", self.batches) for one in single]
        annotators = [number_of(one.annotator, self.annotators) for one in single]
        columns = [
            polars.Series("pair", self.numbers_of(polars.Series([one.pair_id for one in single]))),
            polars.Series("batch", batches, NUMBER),
            polars.Series("annotator", annotators, NUMBER),
            polars.Series("kind", [one.assignment_kind for one in single], KINDS),
        ]
        return rows_of(self.votes, polars.DataFrame(columns))

    def numbers_of(self, pair_ids: polars.Series) -> Numbers:
        """The numbers of pairs, all of which are known."""
        found = self.places.find(self.pairs["pair_id"], pair_ids)
        assert found is not None, "a row names a pair that the same state does not have"
        return found

    def names_of(self, numbers: Numbers) -> list[str]:
        """The ids of pairs."""
        names: list[str] = self.pairs["pair_id"].gather(numbers).to_list()
        return names

    def mask(self, numbers: Numbers) -> Mask:
        """Which pairs are among these, for every pair."""
        found = np.zeros(self.pairs.height, np.bool_)
        found[numbers] = True
        return found

    def votes_of(self, batch_id: str) -> polars.DataFrame:
        """The votes of one batch that count."""
        return self.counted.filter(polars.col("batch") == number_of(batch_id, self.batches))

    def named(self, votes: polars.DataFrame, batch_id: str = "") -> polars.DataFrame:
        """These votes, of one batch or of all, with `batch` and `annotator` by name."""
        if batch_id:
            votes = votes.filter(polars.col("batch") == number_of(batch_id, self.batches))
        return votes.with_columns(
            _spelled(votes["batch"], self.batches), _spelled(votes["annotator"], self.annotators)
        )


def rows_of(votes: polars.DataFrame, assignments: polars.DataFrame) -> Numbers:
    """The rows of the votes of these assignments. Both have the columns `ASSIGNMENT`."""
    near = np.flatnonzero(np.isin(votes["pair"].to_numpy(), assignments["pair"].to_numpy()))
    few = votes[near].with_columns(row=polars.Series(near, dtype=NUMBER))
    found = few.join(assignments, on=ASSIGNMENT, how="semi")["row"]
    return found.to_numpy()


def without(votes: polars.DataFrame, assignments: polars.DataFrame) -> polars.DataFrame:
    """The votes of all other assignments. Both have the columns `ASSIGNMENT`."""
    stays = np.ones(votes.height, np.bool_)
    stays[rows_of(votes, assignments)] = False
    return votes.filter(polars.Series(stays))


def number_of(name: str, names: Sequence[str]) -> int:
    """The number of a batch or an annotator; -1, which nothing has, for an unknown one."""
    return names.index(name) if name in names else -1


def _spelled(numbers: polars.Series, names: Sequence[str]) -> polars.Series:
    spelled = polars.Series(numbers.name, names, polars.Enum(names))
    return spelled.gather(numbers)
