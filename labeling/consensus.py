"""What the votes on one pair settle: a winner, a tie, or a named reason why nothing is settled.

A lead's decision comes before all votes and all policies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from storage.errors import WrongInputError
from storage.rows import AssignmentKind, EffectiveVote, Verdict

NO_VOTES = "no votes"
TOO_FEW_VOTES = "too few votes"
TIE = "tie"
DISPUTED = "disputed"
LOW_AGREEMENT = "low agreement"
LOW_CONFIDENCE = "low confidence"
NOT_UNANIMOUS = "not unanimous"
NOT_ADJUDICATED = "not adjudicated"
REASONS = (
    *(NO_VOTES, TOO_FEW_VOTES, TIE, DISPUTED, LOW_AGREEMENT),
    *(LOW_CONFIDENCE, NOT_UNANIMOUS, NOT_ADJUDICATED),
)
MAJORITY, WEIGHTED, UNANIMOUS, ADJUDICATED = "majority", "weighted", "unanimous", "adjudicated"
# what settles a pair that no lead has decided
POLICIES = {
    MAJORITY: "the outcome with the most votes",
    WEIGHTED: "the outcome with the most weight: a vote counts by its annotator's accuracy",
    UNANIMOUS: "the outcome that every vote is for",
    ADJUDICATED: "nothing: only what a lead decided is settled",
}
# nobody is taken to be surer than this, nor worse than a coin
_SUREST = 0.99


@dataclass(frozen=True)
class ConsensusPolicy:
    """How votes become an outcome.

    Attributes:
        name: one of POLICIES.
        min_votes: 1 or more; skips are no votes.
        min_agreement: 0 to 1, the winner's share of the votes (of their weight, if weighted) when
            there are two or more. Compared after rounding to two decimals, so that two of three
            meet 0.67.
        min_confidence: 0 to 1, the smallest posterior probability of the winner.
        accuracy: 0.5 to 1 (both excluded), the assumed accuracy of one annotator. 0.75 until
            estimated.
        accuracies: annotator -> estimated accuracy, 0 to 1; used by `weighted`.
    """

    name: str = MAJORITY
    min_votes: int = 1
    min_agreement: float = 0.67
    min_confidence: float = 0.0
    accuracy: float = 0.75
    accuracies: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in POLICIES:
            raise WrongInputError(
                f"There is no consensus policy {self.name!r}.",
                f"Use one of: {', '.join(POLICIES)}.",
            )
        if self.min_votes < 1:
            raise WrongInputError(f"min_votes is {self.min_votes}.", "Use 1 or more.")
        if not 0 <= self.min_agreement <= 1:
            raise WrongInputError(f"min_agreement is {self.min_agreement}.", "Use 0 to 1.")
        if not 0 <= self.min_confidence < 1:
            raise WrongInputError(
                f"min_confidence is {self.min_confidence}.", "Use 0 to below 1, such as 0.9."
            )
        if not 0.5 < self.accuracy < 1:
            raise WrongInputError(
                f"accuracy is {self.accuracy}.", "Use a number between 0.5 and 1."
            )

    def weight(self, annotator: str) -> float:
        """What a vote weighs: the log-odds that it is right; 0 for who is right as a coin is."""
        known = self.accuracies if self.name == WEIGHTED else {}
        accuracy = min(max(known.get(annotator, self.accuracy), 0.5), _SUREST)
        return math.log(accuracy / (1.0 - accuracy))


@dataclass(frozen=True)
class Consensus:
    """The outcome of one pair.

    Attributes:
        outcome: `a` or `b` when settled, `tie` when most called it a tie, else None.
        confidence: posterior probability of the winner given the votes for `a` and `b`, with
            annotators independent, and equally accurate unless their accuracies were estimated;
            1 when a lead decided; 0 when there is no winner.
        votes: counted votes, skips and decisions of leads left out.
        agreement: share of the votes for the most frequent outcome (of their weight, if weighted),
            0 without votes.
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
    heard = voices(votes)
    weights = _weights(heard, policy)
    total, whole = len(heard), sum(weights.values())
    agreement = max(weights.values()) / whole if whole else 0.0
    decision = _decision(votes)
    if decision is not None:
        return _as_decided(decision, total, agreement)
    reason = _objection(weights, total, agreement, policy)
    if reason and reason != TIE:
        return Consensus(None, 0.0, total, agreement, reason)
    if reason:
        return Consensus(Verdict.TIE, 0.0, total, agreement, TIE)
    winner = max(weights, key=lambda outcome: weights[outcome])
    confidence = _confidence(winner, heard, policy)
    if confidence < policy.min_confidence:
        return Consensus(None, 0.0, total, agreement, LOW_CONFIDENCE)
    return Consensus(winner, confidence, total, agreement, "")


def _weights(heard: Mapping[str, Verdict], policy: ConsensusPolicy) -> dict[Verdict, float]:
    """Outcome -> its votes, or what they weigh."""
    found: dict[Verdict, float] = {}
    for annotator, outcome in heard.items():
        worth = policy.weight(annotator) if policy.name == WEIGHTED else 1.0
        found[outcome] = found.get(outcome, 0.0) + worth
    return found


def _objection(
    weights: Mapping[Verdict, float], total: int, agreement: float, policy: ConsensusPolicy
) -> str:
    """Why the votes settle no winner, or empty."""
    if total == 0:
        return NO_VOTES
    if policy.name == ADJUDICATED:
        return NOT_ADJUDICATED
    if total < policy.min_votes:
        return TOO_FEW_VOTES
    if policy.name == UNANIMOUS and len(weights) > 1:
        return NOT_UNANIMOUS
    (leader, most), *others = sorted(weights.items(), key=lambda each: -each[1])
    if most == 0 or (others and math.isclose(others[0][1], most)):
        return DISPUTED
    if total > 1 and round(agreement, 2) < policy.min_agreement:
        return LOW_AGREEMENT
    return TIE if leader is Verdict.TIE else ""


def _confidence(winner: Verdict, heard: Mapping[str, Verdict], policy: ConsensusPolicy) -> float:
    """Bayes' rule for two answers, equally likely before; a tie speaks for neither."""
    # rounded once, so that the order of the votes changes no digit
    odds = math.fsum(
        policy.weight(annotator) * (1 if outcome is winner else -1)
        for annotator, outcome in heard.items()
        if outcome is not Verdict.TIE
    )
    return 1.0 / (1.0 + math.exp(-odds))


def voices(votes: Sequence[EffectiveVote]) -> dict[str, Verdict]:
    """Annotator -> `a`, `b` or `tie`, by the latest vote on one pair that is no skip.

    A lead decides knowing the votes, so a decision is no voice.
    """
    cast = (vote for vote in votes if vote.kind is not AssignmentKind.ADJUDICATION)
    counted = ((vote, _counted_as(vote.verdict)) for vote in cast)
    heard = [(vote, outcome) for vote, outcome in counted if outcome]
    heard.sort(key=lambda each: each[0].received_at)
    return {vote.annotator: outcome for vote, outcome in heard}


def decided(votes: Sequence[EffectiveVote]) -> Verdict | None:
    """What a lead decided on a pair, or None."""
    decision = _decision(votes)
    return None if decision is None else _counted_as(decision.verdict)


def _decision(votes: Sequence[EffectiveVote]) -> EffectiveVote | None:
    """The latest decision of a lead, or None."""
    by_leads = [
        vote
        for vote in votes
        if vote.kind is AssignmentKind.ADJUDICATION and vote.verdict is not Verdict.SKIP
    ]
    return max(by_leads, key=lambda vote: (vote.received_at, vote.assignment_id), default=None)


def _as_decided(decision: EffectiveVote, total: int, agreement: float) -> Consensus:
    outcome = _counted_as(decision.verdict)
    confidence, reason = (0.0, TIE) if outcome is Verdict.TIE else (1.0, "")
    return Consensus(outcome, confidence, total, agreement, reason, decision.annotator)


def _counted_as(verdict: Verdict) -> Verdict | None:
    """The outcome that a verdict speaks for: `a`, `b`, `tie`; None for a skip."""
    if verdict is Verdict.SKIP:
        return None
    return Verdict.TIE if verdict is Verdict.BOTH_BAD else verdict
