"""What the votes on one pair settle: a winner, a tie, or a named reason why nothing is settled.

A lead's decision comes before all votes and all policies.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import WrongInputError
from storage.rows import AssignmentKind, EffectiveVote, Verdict

NO_VOTES = "no votes"
TOO_FEW_VOTES = "too few votes"
TIE = "tie"
DISPUTED = "disputed"
LOW_AGREEMENT = "low agreement"
REASONS = (NO_VOTES, TOO_FEW_VOTES, TIE, DISPUTED, LOW_AGREEMENT)


@dataclass(frozen=True)
class ConsensusPolicy:
    """How votes become an outcome.

    Attributes:
        name: `majority`, the only policy.
        min_votes: 1 or more; skips are no votes.
        min_agreement: 0 to 1, the winner's share of the votes when there are two or more. Compared
            after rounding to two decimals, so that two of three meet 0.67.
        accuracy: 0.5 to 1 (both excluded), the assumed accuracy of one annotator. 0.75 until
            estimated.
    """

    name: str = "majority"
    min_votes: int = 1
    min_agreement: float = 0.67
    accuracy: float = 0.75

    def __post_init__(self) -> None:
        if self.name != "majority":
            raise WrongInputError(f"There is no consensus policy {self.name!r}.", "Use `majority`.")
        if self.min_votes < 1:
            raise WrongInputError(f"min_votes is {self.min_votes}.", "Use 1 or more.")
        if not 0 <= self.min_agreement <= 1:
            raise WrongInputError(f"min_agreement is {self.min_agreement}.", "Use 0 to 1.")
        if not 0.5 < self.accuracy < 1:
            raise WrongInputError(
                f"accuracy is {self.accuracy}.", "Use a number between 0.5 and 1."
            )


@dataclass(frozen=True)
class Consensus:
    """The outcome of one pair.

    Attributes:
        outcome: `a` or `b` when settled, `tie` when most called it a tie, else None.
        confidence: posterior probability of the winner given the votes for `a` and `b`, with
            annotators independent and equally accurate; 1 when a lead decided; 0 when there is no
            winner.
        votes: counted votes, skips and decisions of leads left out.
        agreement: share of the votes for the most frequent outcome, 0 without votes.
        reason: empty when `outcome` is `a` or `b`, else one of `REASONS`.
        decided_by: the lead who decided, empty when votes did.
    """

    outcome: Verdict | None
    confidence: float
    votes: int
    agreement: float
    reason: str
    decided_by: str = ""

    @property
    def settled(self) -> bool:
        """Whether there is a winner."""
        return self.reason == ""


def settle(votes: Sequence[EffectiveVote], policy: ConsensusPolicy | None = None) -> Consensus:
    """Settle the effective votes on one pair. `both_bad` counts as a tie.

    An annotator has one voice: with votes in several batches, the latest counts. Of several leads'
    decisions the latest counts, whatever the policy asks of votes.
    """
    policy = policy or ConsensusPolicy()
    counts = Counter(voices(votes).values())
    total = counts.total()
    decision = _decision(votes)
    if decision is not None:
        return _as_decided(decision, counts)
    if total == 0:
        return Consensus(None, 0.0, 0, 0.0, NO_VOTES)
    (leader, most), *others = counts.most_common()
    agreement = most / total
    if total < policy.min_votes:
        return Consensus(None, 0.0, total, agreement, TOO_FEW_VOTES)
    if others and others[0][1] == most:
        return Consensus(None, 0.0, total, agreement, DISPUTED)
    if total > 1 and round(agreement, 2) < policy.min_agreement:
        return Consensus(None, 0.0, total, agreement, LOW_AGREEMENT)
    if leader is Verdict.TIE:
        return Consensus(Verdict.TIE, 0.0, total, agreement, TIE)
    loser = Verdict.B if leader is Verdict.A else Verdict.A
    confidence = winner_probability(most - counts[loser], policy.accuracy)
    return Consensus(leader, confidence, total, agreement, "")


def voices(votes: Sequence[EffectiveVote]) -> dict[str, Verdict]:
    """Annotator -> `a`, `b` or `tie`, by the latest vote on one pair that is no skip.

    A lead decides knowing the votes, so a decision is no voice.
    """
    cast = (vote for vote in votes if vote.kind is not AssignmentKind.ADJUDICATION)
    counted = ((vote, _counted_as(vote.verdict)) for vote in cast)
    heard = [(vote, outcome) for vote, outcome in counted if outcome]
    heard.sort(key=lambda each: each[0].received_at)
    return {vote.annotator: outcome for vote, outcome in heard}


def winner_probability(lead: int, accuracy: float) -> float:
    """Posterior probability of the winner that is `lead` votes ahead, both equally likely before.

    Bayes' rule with independent annotators: the odds are `(accuracy / (1 - accuracy)) ** lead`.
    1:0 and 2:1 give 0.75, 3:0 gives 27/28.
    """
    return 1.0 / (1.0 + math.exp(-lead * math.log(accuracy / (1.0 - accuracy))))


def _decision(votes: Sequence[EffectiveVote]) -> EffectiveVote | None:
    """The latest decision of a lead, or None."""
    by_leads = [
        vote
        for vote in votes
        if vote.kind is AssignmentKind.ADJUDICATION and vote.verdict is not Verdict.SKIP
    ]
    return max(by_leads, key=lambda vote: (vote.received_at, vote.assignment_id), default=None)


def _as_decided(decision: EffectiveVote, counts: Counter[Verdict]) -> Consensus:
    total = counts.total()
    agreement = max(counts.values()) / total if total else 0.0
    outcome = _counted_as(decision.verdict)
    confidence, reason = (0.0, TIE) if outcome is Verdict.TIE else (1.0, "")
    return Consensus(outcome, confidence, total, agreement, reason, decision.annotator)


def _counted_as(verdict: Verdict) -> Verdict | None:
    """The outcome that a verdict speaks for: `a`, `b`, `tie`; None for a skip."""
    if verdict is Verdict.SKIP:
        return None
    return Verdict.TIE if verdict is Verdict.BOTH_BAD else verdict
