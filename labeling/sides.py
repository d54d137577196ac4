"""Which answer stands where: sides are drawn here, and what the wire says is translated here."""

from __future__ import annotations

import secrets

from labeling.wire import Choice
from storage.rows import Assignment, Verdict


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


def answers(assignment: Assignment, text_a: str, text_b: str) -> tuple[str, str]:
    """The answers in display order, left first."""
    return (text_a, text_b) if assignment.left == "a" else (text_b, text_a)
