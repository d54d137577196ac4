"""Where a Thinking model's thought stands in what it wrote."""

from __future__ import annotations

from collections.abc import Sequence

OPEN, CLOSE = "<think>", "</think>"

Span = tuple[int, int]


def spans(prompt: str, answer: str) -> list[Span]:
    """Start and end of every thought in an answer, marks included, in characters.

    A prompt may end within a thought that the chat template has opened. One that nobody closes
    goes on to the end.
    """
    found: list[Span] = []
    at = 0
    start = 0 if prompt.rfind(OPEN) > prompt.rfind(CLOSE) else answer.find(OPEN)
    while start >= 0:
        close = answer.find(CLOSE, max(at, start))
        at = len(answer) if close < 0 else close + len(CLOSE)
        found.append((start, at))
        start = answer.find(OPEN, at)
    return found


def positions(offsets: Sequence[Span], found: Sequence[Span]) -> tuple[int, ...]:
    """The tokens that lie within thoughts, wholly or in part. `offsets` are those of the tokens."""
    return tuple(
        number
        for number, (start, end) in enumerate(offsets)
        if any(start < last and end > first for first, last in found)
    )
