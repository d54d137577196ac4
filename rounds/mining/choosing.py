"""Choosing a batch: a random part first, then by strategy, balanced over categories.

The random part is drawn uniformly within each category from all candidates, sure or not: figures
that are to hold for everything rest on it alone, weighted by the recorded propensity. What the
strategy takes it takes for certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import fuzz

from rounds.mining import balancing, strategies
from rounds.mining.balancing import Quota
from rounds.mining.candidates import Candidate, Labeled
from rounds.mining.strategies import MARGIN, RANDOM
from storage.errors import WrongInputError

# questions and answers this much alike about the same picture are the same lesson twice, 0 to 100
NEAR = 92.0
_NEIGHBOURS = 50
_OF_ANY_CONFIDENCE = (strategies.LARGE_GAP, strategies.DISAGREEMENT, strategies.FAILURES)


@dataclass(frozen=True)
class MiningSettings:
    """What to choose.

    Attributes:
        size: pairs of the batch.
        strategy: see `strategies`.
        confidence_threshold: the strategy takes only pairs whose preferred answer has a smaller
            probability, 0.5 to 1; those that look for something else ignore it.
        random_share: part of the batch that is drawn by lot, 0.05 to 1.
        floor: fewest pairs of every category.
        weights: category -> weight; all the same where empty.
    """

    size: int
    strategy: str = MARGIN
    confidence_threshold: float = 0.6
    random_share: float = 0.2
    floor: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def check(self) -> None:
        """Raise WrongInputError for what cannot be used."""
        if self.size < 1:
            raise WrongInputError(f"A batch of {self.size} pairs is none.", "Use 1 or more.")
        if not 0.5 <= self.confidence_threshold <= 1:
            raise WrongInputError(
                f"confidence_threshold is {self.confidence_threshold}.", "Use 0.5 to 1."
            )
        if not 0.05 <= self.random_share <= 1:
            raise WrongInputError(
                f"random_share is {self.random_share}.",
                "Use 0.05 to 1: without a random part nothing unbiased can be measured.",
            )


@dataclass(frozen=True)
class Choice:
    """A pair that was chosen.

    Attributes:
        strategy: what chose it; `random` for the random part.
        score: by that strategy; None for the random part.
        propensity: probability with which it was drawn, above 0 to 1.
    """

    candidate: Candidate
    strategy: str
    score: float | None
    propensity: float


@dataclass(frozen=True)
class Chosen:
    """A batch before it is made. Every candidate is chosen, or counted in `left_out`.

    Attributes:
        size: pairs that were asked for.
        quotas: by category, with what is missing.
        left_out: reason -> candidates.
    """

    size: int
    choices: Sequence[Choice]
    quotas: Sequence[Quota]
    left_out: Mapping[str, int]

    @property
    def shortage(self) -> int:
        """Pairs that some category lacks for its quota."""
        return sum(quota.shortage for quota in self.quotas)

    @property
    def missing(self) -> int:
        """Pairs fewer than were asked for."""
        return self.size - len(self.choices)


def choose(
    candidates: Sequence[Candidate],
    settings: MiningSettings,
    labeled: Sequence[Labeled] = (),
    near: Mapping[str, float] | None = None,
) -> Chosen:
    """Choose a batch; the same candidates and settings give the same choice.

    Args:
        labeled, near: what some strategies look at, see `strategies.score`.

    Raises:
        WrongInputError: a setting that cannot be used.
    """
    settings.check()
    ordered = sorted(candidates, key=lambda one: one.pair_id)
    kept = _without_repeats(ordered)
    by_category: dict[str, list[Candidate]] = defaultdict(list)
    for one in kept:
        by_category[one.category].append(one)
    sizes = {name: len(members) for name, members in by_category.items()}
    found = balancing.quotas(settings.size, sizes, settings.weights, settings.floor)
    taken = balancing.filled(found, settings.size)
    choices: list[Choice] = []
    sure = 0
    for name in sorted(by_category):
        chosen, passed = _of_category(by_category[name], taken[name], settings, labeled, near)
        choices += chosen
        sure += passed
    left_out = {
        "nearly the same as another": len(ordered) - len(kept),
        "the model is sure": sure,
        "others came first": len(kept) - len(choices) - sure,
    }
    return Chosen(
        settings.size, choices, found, {why: count for why, count in left_out.items() if count}
    )


def _of_category(
    members: Sequence[Candidate],
    count: int,
    settings: MiningSettings,
    labeled: Sequence[Labeled],
    near: Mapping[str, float] | None,
) -> tuple[list[Choice], int]:
    """What is taken of a category, and how many others were passed over as sure."""
    lots = count if settings.strategy == RANDOM else round(settings.random_share * count)
    # a part of one pair and more is never rounded away
    lots = max(lots, min(1, count))
    random = np.random.default_rng([settings.seed, *members[0].category.encode()])
    drawn = set(random.choice(len(members), lots, replace=False).tolist()) if lots else set()
    choices = [Choice(members[at], RANDOM, None, lots / len(members)) for at in sorted(drawn)]
    rest = [one for at, one in enumerate(members) if at not in drawn]
    if settings.strategy in _OF_ANY_CONFIDENCE:
        unsure = rest
    else:
        unsure = [one for one in rest if one.confidence < settings.confidence_threshold]
    left = count - lots
    scores = strategies.score(
        settings.strategy, unsure, seed=settings.seed, labeled=labeled, wanted=left, near=near
    )
    order = np.argsort(-scores, kind="stable")[:left]
    choices += [Choice(unsure[at], settings.strategy, float(scores[at]), 1.0) for at in order]
    return choices, len(rest) - len(unsure)


def _without_repeats(ordered: Sequence[Candidate]) -> list[Candidate]:
    """One of those that ask nearly the same about the same picture and got nearly the same answers.

    Those with the same picture and category are sorted by their words, and each is compared with
    its neighbours (the sorted neighbourhood method, Hernandez and Stolfo, 1995).
    """
    groups: dict[tuple[tuple[str, ...], str], list[Candidate]] = defaultdict(list)
    for one in ordered:
        groups[one.media, one.category].append(one)
    kept: list[Candidate] = []
    for members in groups.values():
        nearby: list[Candidate] = []
        for one in sorted(members, key=_told):
            if not any(_is_near(one, other) for other in nearby[-_NEIGHBOURS:]):
                nearby.append(one)
        kept += nearby
    return sorted(kept, key=lambda one: one.pair_id)


def _is_near(one: Candidate, other: Candidate) -> bool:
    return fuzz.ratio(_told(one), _told(other), score_cutoff=NEAR) > 0


def _told(one: Candidate) -> str:
    return "\n".join((one.words, *sorted(one.answers)))
