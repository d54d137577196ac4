"""How large the proof is, and who votes in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.demo.experts import Expert

OVERLAP = 3


@dataclass(frozen=True)
class Sizes:
    """How much of everything.

    Attributes:
        rounds: decided pairs that each round trains on at most.
        audit: prompts for the audit set; about a third of them give a pair that the oracle decides.
        exact: questions for exact answers.
        pool_prompts: prompts whose answers are the fixed pool of the second proof.
        warm: pairs that the model learns from before the pool is scored.
        labels: sizes of the batches that are chosen from the pool.
        seeds: of these choices and their trainings.
        screening: seeds by which the best of the other strategies is found, none of `seeds`.
        others: these other strategies.
        drift_prompts: prompts of the round that is driven into drift.
        lazy_seeds: of the trainings on what lazy experts decided.
    """

    rounds: Sequence[int] = (2400, 1800, 1200, 800)
    audit: int = 3200
    exact: int = 2000
    pool_prompts: int = 4000
    warm: int = 150
    labels: Sequence[int] = (150, 300, 600)
    seeds: Sequence[int] = (1, 2, 3, 4, 5)
    screening: Sequence[int] = (101, 102)
    others: Sequence[str] = ("entropy", "disagreement", "diverse", "large_gap")
    drift_prompts: int = 2000
    lazy_seeds: Sequence[int] = (1, 2, 3)


FULL = Sizes()
QUICK = Sizes(
    rounds=(240, 180),
    audit=600,
    exact=450,
    pool_prompts=500,
    warm=60,
    labels=(60,),
    seeds=(1, 2),
    screening=(101,),
    others=("diverse",),
    drift_prompts=300,
    lazy_seeds=(1,),
)

_RIGHT = 0.88


def panel(lazy: int, laziness: float) -> Sequence[Expert]:
    """Eight experts who are right on 88% of what they look at, the last so many of them lazy.

    Two of the others lean to a side. A lazy one flips a coin with the chance `laziness`.
    """
    leaning = {1: 0.1, 2: -0.1}
    return [
        Expert(
            f"{'lazy' if number >= 8 - lazy else 'expert'}-{number + 1}",
            accuracy=_RIGHT,
            side_bias=leaning.get(number, 0.0),
            laziness=laziness if number >= 8 - lazy else 0.0,
        )
        for number in range(8)
    ]


PANEL = panel(lazy=2, laziness=0.5)
THREE_LAZY = panel(lazy=3, laziness=0.9)
