"""Which answer stands where: sides are drawn here, and what the wire says is translated here."""

from __future__ import annotations

import secrets
from typing import Literal, TypeVar

from labeling.wire import Choice, RatedSides
from storage.rows import Assignment, Verdict

T = TypeVar("T")
Place = Literal["left", "right"]


def draw() -> str:
    """`a` or `b`, the canonical answer to show on the left, by a cryptographic generator."""
    return secrets.choice(("a", "b"))


def verdict_of(assignment: Assignment, choice: Choice) -> Verdict:
    """The canonical verdict behind what the annotator chose on the screen."""
    if choice == "left":
        return Verdict(assignment.left)
    if choice == "right":
        return Verdict.B if assignment.left == "a" else Verdict.A
    return Verdict(choice)


def place_of(assignment: Assignment, answer: Verdict) -> Place:
    """Where an answer, `a` or `b`, stands on the screen."""
    return "left" if answer.value == assignment.left else "right"


def rubric_of(assignment: Assignment, rated: RatedSides) -> dict[str, dict[str, int]]:
    """The ratings of both answers in canonical orientation, under `a` and `b`."""
    a, b = answers(assignment, rated.left, rated.right)
    return {"a": a, "b": b}


def answers(assignment: Assignment, of_a: T, of_b: T) -> tuple[T, T]:
    """What belongs to the answers in display order, left first; and the other way round."""
    return (of_a, of_b) if assignment.left == "a" else (of_b, of_a)
