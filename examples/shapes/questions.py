"""What a question is: its category, its right answer, the tempting wrong ones, and its wording.

The wording is fixed and small, so that a tiny model can learn all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from examples.shapes.world import COLOURS, SHAPES, Scene

CATEGORIES = (
    "counting",
    "spatial",
    "hallucination",
    "negation",
    "attribute",
    "multi-object",
    "reasoning",
    "format",
    "abstention",
)
UNKNOWABLE = "That cannot be known from the picture."

STRONG, WEAK = 1.0, 0.35

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Question:
    """A question about one scene with its truth.

    `form` says how answers are graded (see `oracle`). `lapses` are wrong answers that a model
    with bad habits gives; `lure` (0 to 1) says how strongly the habit pulls on this question.
    """

    category: str
    form: str
    text: str
    answer: str
    lapses: tuple[str, ...]
    lure: float = STRONG


def named(colour: str, shape: str) -> str:
    """A thing with its article: "a red circle"."""
    return f"a {colour} {shape}"


def joined(parts: Sequence[str]) -> str:
    """Parts as a sentence lists them: "x", "x and y", "x, y and z"."""
    if len(parts) == 1:
        return parts[0]
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def counted(count: int, noun: str) -> str:
    """A count with its noun: "1 circle", "2 circles", "0 circles"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def single(counts: Counter[_Value], random: Random) -> _Value | None:
    """A value that occurs exactly once, or None if there is none."""
    singles = [value for value, count in counts.items() if count == 1]
    return random.choice(singles) if singles else None


def others(values: tuple[str, ...], *taken: str) -> tuple[str, ...]:
    """The values without those taken."""
    return tuple(value for value in values if value not in taken)


def absent(scene: Scene, random: Random) -> tuple[str, str]:
    """A colour and shape that the scene does not show; its parts occur where possible."""
    shown = scene.kinds()
    near = [(c, s) for c in scene.colours() for s in scene.shapes() if (c, s) not in shown]
    every = [(c, s) for c in COLOURS for s in SHAPES if (c, s) not in shown]
    return random.choice(near if near and random.random() < 0.5 else every)
