"""Work attended beside a long job: pushes need the network and not the device, so that they
neither wait for a training of hours nor hold it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Beside:
    """`with Beside(attend_next, idle) as beside`: attends while the block runs.

    Args:
        attend_next: sees one job through; False when there is none.
        idle: seconds until it is asked again.

    What is under way at the block's end is seen through: a runner ends with the thread that
    started it.
    """

    def __init__(self, attend_next: Callable[[], bool], idle: float) -> None:
        self.attended = 0
        self._attend_next = attend_next
        self._idle = idle
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="pushes")

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._over.is_set():
            if self._attend_next():
                self.attended += 1
            else:
                self._over.wait(self._idle)
