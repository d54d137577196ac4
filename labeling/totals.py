"""How many pairs a batch holds for an annotator, remembered for some seconds.

Counting them costs more than a vote, and one's own votes do not change it: what is done is not
available any more. Others' votes do, slowly, so far from the end an old number does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from labeling.access import Seat

# as long as so many pairs are left, the bench may show a number that is some seconds old
FAR = 100
_SECONDS = 10.0


class Totals:
    """Totals by link. Kept in memory: after a restart they are counted again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # link -> total, and when it was counted
        self._counted: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def recent(self, seat: Seat) -> int | None:
        """The total as counted within the last 10 seconds, or None."""
        with self._lock:
            total, at = self._counted.get(seat.link.id, (None, 0.0))
        return None if self._clock() - at > _SECONDS else total

    def keep(self, seat: Seat, total: int) -> None:
        """Remember what was counted just now."""
        with self._lock:
            self._counted[seat.link.id] = (total, self._clock())
