"""How far a batch is: what its votes have settled and what they have not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labeling import consensus
from labeling.consensus import ConsensusPolicy
from storage import batches, labels, votes
from storage.ledger import Connection
from storage.rows import Batch, EffectiveVote, Verdict


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


def of_batch(db: Connection, batch: Batch) -> Standing:
    """Count a batch by majority at its own overlap."""
    cast = votes.effective(db, batch.id)
    by_pair: dict[str, list[EffectiveVote]] = {}
    for vote in cast:
        by_pair.setdefault(vote.pair_id, []).append(vote)
    kinds = [_kind(found, batch.overlap) for found in by_pair.values()]
    counted = sum(min(_decided(found), batch.overlap) for found in by_pair.values())
    pairs = batches.pair_count(db, batch.id)
    settled, ties, disputes = (kinds.count(k) for k in ("settled", "tie", "dispute"))
    return Standing(
        batch=batch,
        pairs=pairs,
        votes=len(cast),
        wanted=pairs * batch.overlap,
        counted=counted,
        settled=settled,
        ties=ties,
        disputes=disputes,
        waiting=pairs - settled - ties - disputes,
        imported=len({label.pair_id for label in labels.of_pairs(db, batch.id)}),
    )


def _decided(found: Sequence[EffectiveVote]) -> int:
    return sum(vote.verdict is not Verdict.SKIP for vote in found)


def _kind(found: Sequence[EffectiveVote], overlap: int) -> str:
    if _decided(found) < overlap:
        return "waiting"
    settled = consensus.settle(found, ConsensusPolicy(min_votes=overlap))
    if settled.settled:
        return "settled"
    return "tie" if settled.outcome is Verdict.TIE else "dispute"
