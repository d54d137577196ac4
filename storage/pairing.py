"""Which answers to one prompt are compared: those of rivals one by one, else the most different."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from rapidfuzz.distance import Levenshtein

from storage import identity


def pairings(answers: Sequence[str], by: Sequence[str], most: int) -> list[tuple[int, int]]:
    """The positions of the answers to compare.

    Args:
        by: who gave each answer. Of several, the first answer of each is compared with the first
            of every other, the second with the second, and so on.
        most: pairs of the answers of a single one, those that differ most first.
    """
    names = list(dict.fromkeys(by))
    if len(names) > 1:
        given = [[at for at, who in enumerate(by) if who == name] for name in names]
        return [
            pair for one, other in combinations(given, 2) for pair in zip(one, other, strict=False)
        ]
    every = list(combinations(range(len(answers)), 2))
    if len(every) > most:
        every.sort(key=lambda pair: (-difference(answers[pair[0]], answers[pair[1]]), pair))
    return every[:most]


def is_alike(one: str, other: str, least: float) -> bool:
    """Whether two answers read the same, or differ by less than `least` (0 to 1)."""
    same = identity.same_answer(one, other)
    return same or (least > 0 and difference(one, other) < least)


def difference(one: str, other: str) -> float:
    """Edits from one text to the other, as a share of the longer one, 0 to 1; white space runs
    count as one space."""
    return float(Levenshtein.normalized_distance(identity.plain(one), identity.plain(other)))
