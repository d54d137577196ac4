"""Wall clock and process time of repeated calls."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def timed(
    call: Callable[[int], object], runs: int, before: Callable[[], None] | None = None
) -> dict[str, Any]:
    """The milliseconds of `runs` calls, each with its number. Process time is of all threads
    together; it says on a busy machine what the wall clock cannot."""
    walls, cpus = [], []
    load = os.getloadavg()[0]
    for run in range(runs):
        if before is not None:
            before()
        cpu = time.process_time()
        walls.append(1000 * seconds(lambda run=run: call(run)))
        cpus.append(1000 * (time.process_time() - cpu))
    return {
        "n": runs,
        "median_ms": round(statistics.median(walls), 1),
        "p95_ms": _p95(walls),
        "max_ms": round(max(walls), 1),
        "cpu_median_ms": round(statistics.median(cpus), 1),
        "cpu_p95_ms": _p95(cpus),
        "load_average": round(load, 1),
    }


def _p95(values: Sequence[float]) -> float:
    if len(values) < 2:
        return round(max(values), 1)
    return round(statistics.quantiles(values, n=20, method="inclusive")[-1], 1)
