"""What can be chosen: unlabeled pairs with what a model thinks of their two answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A pair that nobody has judged.

    Attributes:
        media: what the prompt shows.
        words: the question, as the experts read it.
        answers: the two texts in canonical orientation.
        delta: implicit reward of answer A minus that of B, divided by beta: nats, against the
            round's start or whatever the scoring named as its reference.
        beta: of the implicit reward.
        logps: log-probabilities of the two answers under the policy, nats, summed over tokens.
        tokens: tokens of the two answers.
    """

    pair_id: str
    prompt_id: str
    category: str
    media: tuple[str, ...]
    words: str
    answers: tuple[str, str]
    delta: float
    beta: float
    logps: tuple[float, float]
    tokens: tuple[int, int]

    @property
    def probability(self) -> float:
        """That the model prefers answer A, 0 to 1: sigmoid(beta * delta), the seed's formula."""
        margin = self.beta * self.delta
        # both forms, so that neither overflows
        if margin >= 0:
            return 1 / (1 + math.exp(-margin))
        return math.exp(margin) / (1 + math.exp(margin))

    @property
    def confidence(self) -> float:
        """Of the preferred answer, 0.5 to 1."""
        return max(self.probability, 1 - self.probability)

    @property
    def entropy(self) -> float:
        """Of the model's answers to this prompt, estimated from the two that it gave: nats per
        token, 0 and more (Muldrew et al., Active Preference Learning, 2024, eq. 4)."""
        spent = [-logp / max(1, count) for logp, count in zip(self.logps, self.tokens, strict=True)]
        return sum(spent) / len(spent)


@dataclass(frozen=True)
class Labeled:
    """A pair that was decided: what an ensemble of simple models learns from. `winner` is `a` or
    `b`."""

    answers: tuple[str, str]
    words: str
    winner: str


def texts(candidates: Sequence[Candidate | Labeled]) -> tuple[list[str], list[str]]:
    """Question and answer as one text, for the answers A and for the answers B."""
    first = [f"{one.words}\n{one.answers[0]}" for one in candidates]
    second = [f"{one.words}\n{one.answers[1]}" for one in candidates]
    return first, second
