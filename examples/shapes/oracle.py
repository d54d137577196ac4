"""The oracle: it knows the truth about every question of a world, and grades any answer to it.

A grade counts faults, so that two imperfect answers can be compared: four shapes instead of
three is better than five, one invented thing is better than two, and a right answer in the
wrong format is better than a wrong one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from examples.shapes.world import COLOURS, SHAPES

Preference = Literal["first", "second", "tie"]

# An answer that does not even have the form of an answer is worse than any readable one.
NONSENSE = 12
_KIND = re.compile(rf"\b({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})\b")
_COLOUR = re.compile(rf"\b({'|'.join(COLOURS)})\b")
_SHAPE = re.compile(rf"\b({'|'.join(SHAPES)})\b")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Truth:
    """What is true about one question to one picture; `scene` is its layout in words."""

    id: str
    pixels: str
    question: str
    category: str
    form: str
    answer: str
    scene: str = ""


@dataclass(frozen=True)
class Grade:
    """How good an answer is: `faults` is 0 for a right one, at most `NONSENSE`."""

    faults: int

    @property
    def exact(self) -> bool:
        """Whether the answer is right and complete."""
        return self.faults == 0


class Oracle:
    """All truths of a world, found by the hash of the picture's pixels and the question."""

    def __init__(self, truths: Iterable[Truth]) -> None:
        self._truths = {(truth.pixels, truth.question): truth for truth in truths}

    def __len__(self) -> int:
        return len(self._truths)

    def find(self, pixels: str, question: str) -> Truth | None:
        """The truth, or None if the picture or the question is not of this world."""
        return self._truths.get((pixels, question.strip()))

    def truths(self) -> list[Truth]:
        """All truths, in the order in which they were given."""
        return list(self._truths.values())


def load_oracle(path: Path) -> Oracle:
    """Read the answer key of a world (`world.jsonl`)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return Oracle(Truth(**json.loads(line)) for line in lines if line.strip())


def grade(truth: Truth, answer: str) -> Grade:
    """Grade one answer by the form that the question asks for."""
    said = " ".join(answer.split())
    if said == truth.answer:
        return Grade(0)
    return Grade(min(_FORMS[truth.form](truth.answer, said), NONSENSE))


def prefer(truth: Truth, first: str, second: str) -> Preference:
    """Which of two answers has fewer faults, or "tie"."""
    one, two = grade(truth, first).faults, grade(truth, second).faults
    if one == two:
        return "tie"
    return "first" if one < two else "second"


def _count_faults(right: str, said: str) -> int:
    """How far the number is off; the words around it must be those of the answer."""
    numbers = _NUMBER.findall(said)
    if len(numbers) != 1 or _frame(said) != _frame(right):
        return NONSENSE
    off = abs(int(numbers[0]) - int(_NUMBER.findall(right)[0]))
    return min(max(off, 1 if said != right else 0), NONSENSE - 1)


def _frame(text: str) -> str:
    return re.sub(r"s\b", "", _NUMBER.sub("#", _plain(text)))


def _listing_faults(right: str, said: str) -> int:
    """Things invented plus things left out; the order is free."""
    pattern = _KIND if _KIND.search(right) else _COLOUR
    lead = right.split(" ")[0]
    if not said.startswith(lead + " "):
        return NONSENSE
    truth, claims = Counter(pattern.findall(right)), Counter(pattern.findall(said))
    wrong = (truth - claims).total() + (claims - truth).total()
    return min(wrong or _disorder(right, said), NONSENSE - 1)


def _disorder(right: str, said: str) -> int:
    """One fault if the same claims come with other words than those of the answer."""
    return int(Counter(_words(right)) != Counter(_words(said)))


def _choice_faults(right: str, said: str) -> int:
    return int(_plain(said) != _plain(right))


def _strict_faults(right: str, said: str) -> int:
    """One fault for the right content in the wrong format, two for the wrong content."""
    pattern = next(each for each in (_NUMBER, _COLOUR, _SHAPE) if each.search(right))
    return 1 if pattern.findall(said.lower()) == pattern.findall(right) else 2


def _abstain_faults(right: str, said: str) -> int:
    """Any sentence that says it cannot be known will do; a guess will not."""
    plain = _plain(said)
    return 0 if plain == _plain(right) or "cannot be known" in plain else 1


def _plain(text: str) -> str:
    return text.lower().strip().rstrip(".")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


_FORMS: dict[str, Callable[[str, str], int]] = {
    "count": _count_faults,
    "listing": _listing_faults,
    "choice": _choice_faults,
    "strict": _strict_faults,
    "abstain": _abstain_faults,
}
