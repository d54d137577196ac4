"""Which frames of a video are taken: those shown in the middle of equal parts of its time.

Times are whole ticks of the video's own clock, so the choice is exact and the same everywhere.
Neither the first nor the last moment is taken, which are often black. A part may be so short that
it shows the same frame as another one; every frame is taken once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MOST_FRAMES = 8


@dataclass(frozen=True)
class Sampling:
    """How many frames.

    Attributes:
        most: of any video, 1 or more.
        per_second: frames a second; None for `most` of every video, whatever its length.
    """

    most: int = MOST_FRAMES
    per_second: float | None = None


def count(seconds: Fraction, sampling: Sampling) -> int:
    """Into how many parts the time of a video is cut; it has no more frames than that taken."""
    wanted = sampling.most
    if sampling.per_second is not None:
        wanted = min(wanted, round(seconds * Fraction(sampling.per_second)))
    return max(1, wanted)


def moments(start: int, ticks: int, parts: int) -> list[int]:
    """The middle of each of the equal parts of `ticks` from `start` on, rounded down."""
    return [start + ticks * (2 * part + 1) // (2 * parts) for part in range(parts)]
