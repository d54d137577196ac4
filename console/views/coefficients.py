"""Coefficients of agreement as words: `0.49`, `0.39 to 0.59`, `n/a`."""

from __future__ import annotations

from console.views import wording
from labeling.agreement.figure import Figure


def value(number: float | None, is_share: bool = False) -> str:
    """Two decimals; a share in percent."""
    if number is None:
        return wording.NOT_AVAILABLE
    return wording.share(number) if is_share else f"{number:.2f}"


def interval(ends: tuple[float, float] | None, is_share: bool = False) -> str:
    if ends is None:
        return wording.NOT_AVAILABLE
    return " to ".join(value(end, is_share) for end in ends)


def with_interval(figure: Figure, is_share: bool = False) -> str:
    """`0.49 (0.39 to 0.59)`."""
    if figure.value is None:
        return wording.NOT_AVAILABLE
    return f"{value(figure.value, is_share)} ({interval(figure.ci95, is_share)})"
