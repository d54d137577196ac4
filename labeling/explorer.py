"""Finding pairs: by what is recorded about them, and by what their votes settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars
from numpy.typing import NDArray

from labeling import consensus, tallied
from labeling.consensus import ConsensusPolicy
from storage import analytics, excluded_pairs, identity, pair_filters, pair_tags
from storage.analytics import Analytics, View, noted, organized
from storage.analytics import labeling as figures
from storage.analytics.coded import Coded, Mask, Numbers
from storage.analytics.failures import Failures
from storage.analytics.labeling import Tally
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.pair_filters import PairFilter
from storage.workspace import Workspace

SETTLED, BY_LEAD = "settled", "decided by a lead"
STATES = (
    *(SETTLED, BY_LEAD, consensus.TIE, consensus.DISPUTED),
    *(consensus.LOW_AGREEMENT, consensus.NO_VOTES),
)


@dataclass(frozen=True)
class Search:
    """Which pairs are wanted.

    Attributes:
        facts: what is recorded about them.
        consensus: one of STATES by the default policy over all batches; empty for all.
        confidence_from, confidence_to: 0 to 1, both included: only pairs with a winner, and of
            these the ones whose confidence is within, compared as it is shown, to two decimals.
    """

    facts: PairFilter = field(default_factory=PairFilter)
    consensus: str = ""
    confidence_from: float | None = None
    confidence_to: float | None = None

    @property
    def asks_for_consensus(self) -> bool:
        """Whether only pairs in a certain state match."""
        return bool(self.consensus) or self.asks_for_confidence

    @property
    def asks_for_confidence(self) -> bool:
        """Whether only pairs with a certain confidence match."""
        return (self.confidence_from, self.confidence_to) != (None, None)

    @property
    def confidence(self) -> tuple[float, float]:
        """Both ends, 0 and 1 where they are open."""
        low, high = self.confidence_from, self.confidence_to
        return (0.0 if low is None else low, 1.0 if high is None else high)

    def check(self) -> None:
        """Refuse what cannot be searched for.

        Raises:
            WrongInputError: a field cannot be used; the message names its value.
        """
        self.facts.check()
        if self.consensus and self.consensus not in STATES:
            raise WrongInputError(
                f"{self.consensus[:40]!r} is no state of a consensus.", f"Use: {', '.join(STATES)}."
            )
        low, high = self.confidence
        if not 0 <= low <= high <= 1:
            raise WrongInputError(
                f"A confidence from {low:g} to {high:g} cannot be.",
                "Use two numbers from 0 to 1, the smaller one first.",
            )


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: behind a pair, or (`backwards`) where it ends: before it.

    Without a pair: the first page, or the last one. The order never changes for a pair, so a page
    stays where it is while votes arrive, also when its pair does not match any more.
    """

    pair_id: str = ""
    backwards: bool = False


@dataclass(frozen=True)
class Slice:
    """One page of what was found.

    Attributes:
        ids: pairs in order.
        first: the place of the first of them among all that match, from 1.
        total: how many match.
    """

    ids: Sequence[str]
    first: int
    total: int

    @property
    def has_before(self) -> bool:
        """Whether other pairs that match come before."""
        return bool(self.ids) and self.first > 1

    @property
    def has_after(self) -> bool:
        """Whether other pairs that match come after."""
        return self.first + len(self.ids) <= self.total


@dataclass(frozen=True)
class Found:
    """The pairs that match: by position in the batch when one is given, else oldest first.

    Attributes:
        numbers: of those that match.
        members: of all pairs of the batch, by position; None where no batch is given.
    """

    numbers: Numbers
    members: Numbers | None
    _coded: Coded

    def ids(self, start: int, stop: int) -> list[str]:
        """The ids of those from `start` on, before `stop`."""
        return self._coded.names_of(self.numbers[start:stop])

    def pair_ids(self) -> polars.Series:
        """The ids of all of them, in order."""
        return self._coded.pairs["pair_id"].gather(self.numbers)

    def at(self, cursor: Cursor, size: int) -> Slice:
        """The page of up to `size` pairs that a cursor points to.

        Raises:
            WrongInputError: the cursor names no pair, or one outside the batch.
        """
        total = len(self.numbers)
        if not cursor.pair_id:
            start = max(0, total - size) if cursor.backwards else 0
            stop = start + size
        elif cursor.backwards:
            stop = self._before(cursor.pair_id)
            start = max(0, stop - size)
        else:
            start = self._before(cursor.pair_id, include=True)
            stop = start + size
        return Slice(self.ids(start, stop), start + 1, total)

    def _before(self, pair_id: str, *, include: bool = False) -> int:
        """How many that match come before a pair, itself included if wanted."""
        place = self._coded.places.find(self._coded.pairs["pair_id"], polars.Series([pair_id]))
        number = -1 if place is None else int(place[0])
        keys: NDArray[np.integer[Any]] = self.numbers
        if self.members is not None and number >= 0:
            rank = np.full(self._coded.pairs.height, -1, np.int64)
            rank[self.members] = np.arange(len(self.members))
            number, keys = int(rank[number]), rank[self.numbers]
        if number < 0:
            raise WrongInputError(
                f"No page begins at pair {pair_id[:80]!r}.", "Start at the first page."
            )
        return int(np.searchsorted(keys, number, "right" if include else "left"))


def find(workspace: Workspace, wanted: Search) -> Found:
    """All pairs that match.

    Raises:
        WrongInputError: something cannot be searched for.
        DamagedError: a segment is missing or was cut.
    """
    wanted.check()
    store = analytics.open(workspace)
    with store.reading() as view, workspace.ledger.read() as db:
        words, facts = None, wanted.facts
        if facts.text:
            words = store.kept(
                ("words", facts.text),
                view.mark_of_pairs,
                lambda: figures.with_words(view, facts.text),
            )
        among = _among(db, store, view, wanted)
        members = None
        if facts.batch:
            none = np.zeros(0, np.uint32)
            members = view.coded.members.get(identity.batch_id(facts.batch), none)
        return Found(figures.matching(view, facts, words, among), members, view.coded)


def sources(workspace: Workspace) -> list[str]:
    """The names of files and checkpoints that answers come from, in alphabetical order."""
    store = analytics.open(workspace)
    with workspace.ledger.read() as db:
        mark = noted.mark_of_sources(db)
        return store.kept("sources", mark, lambda: noted.sources(db))


def _among(db: Connection, store: Analytics, view: View, wanted: Search) -> Mask | None:
    """The pairs that are left by all that is not a column in memory; None for all."""
    facts, coded = wanted.facts, view.coded
    masks = _organized(db, store, view, facts)
    if facts.source:
        mark = (view.mark_of_pairs, noted.mark_of_sources(db))
        key = ("source", facts.source)
        masks.append(store.kept(key, mark, lambda: noted.from_source(db, coded, facts.source)))
    if facts.report:
        masks.append(noted.reported(db, coded, facts.report))
    if facts.failure:
        masks.append(store.kept("failures", 0, Failures).mask(db, coded, facts))
    if wanted.asks_for_consensus:
        groups = store.kept("tallied", view.mark, lambda: figures.tallied_pairs(view))
        masks.append(_in_state(coded, groups, wanted))
    return np.logical_and.reduce(masks) if masks else None


def _organized(db: Connection, store: Analytics, view: View, facts: PairFilter) -> list[Mask]:
    """What is asked of tag, exclusion, round and days, one mask for each."""
    masks: list[Mask] = []
    coded, tag = view.coded, facts.tag
    if tag:
        mark = (view.mark_of_pairs, pair_tags.mark(db))
        masks.append(store.kept(("tag", tag), mark, lambda: organized.tagged(db, coded, tag)))
    if facts.left_out:
        mark = (view.mark_of_pairs, excluded_pairs.mark(db))
        is_out = store.kept("left out", mark, lambda: organized.left_out(db, coded))
        masks.append(is_out if facts.left_out == pair_filters.YES else ~is_out)
    if facts.round:
        masks.append(organized.in_round(db, coded, int(facts.round)))
    if facts.asks_for_days:
        masks.append(organized.added(coded, *facts.added_between))
    return masks


def _in_state(coded: Coded, groups: list[tuple[Tally, Numbers]], wanted: Search) -> Mask:
    found = coded.mask(np.zeros(0, np.uint32))
    if wanted.consensus == consensus.NO_VOTES and not wanted.asks_for_confidence:
        found = ~found
        for tally, pairs in groups:
            found[pairs] = _matches(tally, wanted)
        return found
    for tally, pairs in groups:
        if _matches(tally, wanted):
            found[pairs] = True
    return found


def _matches(tally: Tally, wanted: Search) -> bool:
    settled = tallied.settle(tally, ConsensusPolicy())
    low, high = wanted.confidence
    if wanted.asks_for_confidence and not (
        settled.settled and low <= round(settled.confidence, 2) <= high
    ):
        return False
    if wanted.consensus == SETTLED:
        return settled.settled
    if wanted.consensus == BY_LEAD:
        return bool(settled.decided_by)
    return wanted.consensus in ("", settled.reason)
