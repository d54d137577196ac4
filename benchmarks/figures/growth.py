"""The same figures on larger and larger workspaces: name -> votes -> milliseconds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures.clocks import timed
from figures.labels import agreement
from large_workspace import Large
from pages.shown import annotators_page, of_pairs, three_filters

from rounds import dataset
from rounds.dataset import BuildSettings
from storage import sealing
from storage.workspace import Workspace

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
_RUNS = 5


def measure(most_votes: int) -> dict[str, Any]:
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for votes in (size for size in SIZES if size <= most_votes):
        large = Large(votes // 3, votes, people(votes))
        with tempfile.TemporaryDirectory() as folder:
            made = large.write(Path(folder) / "home")
            try:
                sealing.run(made, settling_seconds=0)
                for name, call in _figures(made).items():
                    found.setdefault(name, {})[votes] = timed(call, _runs(name))
            finally:
                made.close()
    return found


def people(votes: int) -> int:
    """More votes come from more people: 10 to 200."""
    return min(200, max(10, votes // 15_000))


def _runs(name: str) -> int:
    return 1 if name.startswith("build") else _RUNS


def _figures(home: Workspace) -> dict[str, Callable[[int], object]]:
    explorer = of_pairs(three_filters)
    return {
        "agreement": lambda run: agreement(home, 0),
        "agreement, 1,000 resamples": lambda run: agreement(home, 1000),
        "explorer page, three filters": lambda run: explorer(home, run),
        "annotators page": lambda run: annotators_page(home, run),
        "build of a dataset version": lambda run: dataset.build(home, BuildSettings()),
    }
