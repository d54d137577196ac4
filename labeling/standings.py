"""How far a batch is: what its votes have settled and what they have not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from labeling import tallied
from labeling.consensus import ConsensusPolicy
from storage import analytics
from storage.analytics import labeling as figures
from storage.analytics.labeling import Tally
from storage.rows import Batch, Verdict
from storage.workspace import Workspace


@dataclass(frozen=True)
class Standing:
    """Counts of a batch. Every pair is in one of settled, ties, disputes, waiting.

    Attributes:
        votes: effective votes, skips included.
        wanted: votes that the overlap asks for: pairs times overlap.
        counted: effective votes without skips, at most `overlap` per pair: progress to `wanted`.
        settled: pairs with a winner.
        ties: pairs that the experts found too close to call.
        disputes: pairs with enough votes that contradict each other too much.
        waiting: pairs that still lack votes.
        imported: pairs with an imported label.
    """

    batch: Batch
    pairs: int
    votes: int
    wanted: int
    counted: int
    settled: int
    ties: int
    disputes: int
    waiting: int
    imported: int

    @property
    def unsettled(self) -> int:
        return self.pairs - self.settled

    @property
    def progress(self) -> float:
        """Votes cast of votes wanted, 0 to 1."""
        return self.counted / self.wanted if self.wanted else 0.0


def of_batches(workspace: Workspace, listed: Sequence[Batch]) -> list[Standing]:
    """Count batches by majority, each at its own overlap."""
    store = analytics.open(workspace)
    with store.reading() as view:
        tallies = [
            store.kept(
                ("tallies", batch.id),
                view.mark_of_batch(batch.id),
                partial(figures.tallies, view, batch.id),
            )
            for batch in listed
        ]
        sizes, labeled = figures.sizes(view), view.coded.labeled
    return [
        _standing(batch, sizes.get(batch.id, 0), found, labeled.get(batch.id, 0))
        for batch, found in zip(listed, tallies, strict=True)
    ]


def _standing(batch: Batch, pairs: int, tallies: Sequence[Tally], imported: int) -> Standing:
    kinds = Counter[str]()
    for tally in tallies:
        kinds[_kind(tally, batch.overlap)] += tally.pairs
    return Standing(
        batch=batch,
        pairs=pairs,
        votes=sum(tally.cast * tally.pairs for tally in tallies),
        wanted=pairs * batch.overlap,
        counted=sum(min(tally.decided, batch.overlap) * tally.pairs for tally in tallies),
        settled=kinds["settled"],
        ties=kinds["tie"],
        disputes=kinds["dispute"],
        waiting=pairs - kinds["settled"] - kinds["tie"] - kinds["dispute"],
        imported=imported,
    )


def _kind(tally: Tally, overlap: int) -> str:
    if tally.decided < overlap and not tally.lead:
        return "waiting"
    settled = tallied.settle(tally, ConsensusPolicy(min_votes=overlap))
    if settled.settled:
        return "settled"
    return "tie" if settled.outcome is Verdict.TIE else "dispute"
