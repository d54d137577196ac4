"""What pairs settle to that have the same votes: settled once for all of them."""

from __future__ import annotations

from labeling import consensus
from labeling.consensus import Consensus, ConsensusPolicy
from storage.analytics.labeling import Tally
from storage.rows import AssignmentKind, EffectiveVote, Verdict


def settle(tally: Tally, policy: ConsensusPolicy) -> Consensus:
    """The consensus of each pair of a tally, by a policy that takes all annotators as equal."""
    return consensus.settle(_voices(tally), policy)


def _voices(tally: Tally) -> list[EffectiveVote]:
    """Votes that settle as those of each pair of the tally do: one per voice, the lead last."""
    counts = ((Verdict.A, tally.a), (Verdict.B, tally.b), (Verdict.TIE, tally.tie))
    said = [(verdict, AssignmentKind.NORMAL) for verdict, n in counts for _ in range(n)]
    if tally.lead:
        said.append((Verdict(tally.lead), AssignmentKind.ADJUDICATION))
    return [
        EffectiveVote(str(at), "", "", str(at), verdict, "a", at, kind)
        for at, (verdict, kind) in enumerate(said)
    ]
