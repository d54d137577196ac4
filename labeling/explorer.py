"""Finding pairs: by what is recorded about them, and by what their votes settle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from labeling import consensus, tallied
from labeling.consensus import ConsensusPolicy
from storage import analytics
from storage.analytics import Analytics, View, noted
from storage.analytics import labeling as figures
from storage.analytics.coded import Coded, Mask, Numbers
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
class Found:
    """The pairs that match: by position in the batch when one is given, else oldest first."""

    numbers: Numbers
    _coded: Coded

    def ids(self, start: int, stop: int) -> list[str]:
        """The ids of those from `start` on, before `stop`."""
        return self._coded.names_of(self.numbers[start:stop])


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
        return Found(figures.matching(view, facts, words, among), view.coded)


def sources(workspace: Workspace) -> list[str]:
    """The names of files and checkpoints that answers come from, in alphabetical order."""
    store = analytics.open(workspace)
    with workspace.ledger.read() as db:
        mark = noted.mark_of_sources(db)
        return store.kept("sources", mark, lambda: noted.sources(db))


def _among(db: Connection, store: Analytics, view: View, wanted: Search) -> Mask | None:
    """The pairs that are left by all that is not a column in memory; None for all."""
    facts, coded = wanted.facts, view.coded
    masks: list[Mask] = []
    if facts.source:
        mark = (view.mark_of_pairs, noted.mark_of_sources(db))
        key = ("source", facts.source)
        masks.append(store.kept(key, mark, lambda: noted.from_source(db, coded, facts.source)))
    if facts.report:
        masks.append(noted.reported(db, coded, facts.report))
    if facts.failure:
        masks.append(noted.failing(db, coded, facts))
    if wanted.asks_for_consensus:
        groups = store.kept("tallied", view.mark, lambda: figures.tallied_pairs(view))
        masks.append(_in_state(coded, groups, wanted))
    return np.logical_and.reduce(masks) if masks else None


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
