"""The most memory that a way needs: a process of its own for each, model included.

Run as a script it is that process: `python benchmarks/steps/peak.py stock|shared` with the shape as
JSON on standard input prints bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import torch
from steps import toy
from steps.step import merged
from steps.toy import Shape
from steps.ways import Shared, Stock, Way

_STATUS = Path("/proc/self/status")


def measure(shape: Shape) -> dict[str, float]:
    """Bytes above the libraries' own at the fullest moment of a step, and their ratio."""
    found = {way: _asked(way, shape) for way in ("stock", "shared")}
    return {
        **{f"{way}_bytes": size for way, size in found.items()},
        "peak_memory_ratio": round(found["shared"] / found["stock"], 3),
    }


def _asked(way: str, shape: Shape) -> int:
    done = subprocess.run(
        [sys.executable, __file__, way],
        input=json.dumps(asdict(shape)),
        capture_output=True,
        text=True,
        check=True,
        # one heap that gives back what is freed, so that the peak is what was held
        env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
    )
    return int(done.stdout.strip().splitlines()[-1])


def _measured(way: str, shape: Shape) -> int:
    torch.set_num_threads(1)
    before = _bytes("VmRSS")
    with tempfile.TemporaryDirectory() as folder:
        is_stock = way == "stock"
        made = Way(Stock if is_stock else Shared, shape, Path(folder), reference=not is_stock)
        pair = toy.pair_of(shape, torch.Generator().manual_seed(1))
        nothing = {f"ref_{side}_logps": torch.zeros(1) for side in ("chosen", "rejected")}
        batch = partial(merged, pair, toy.twice(pair) if is_stock else nothing)
        for _ in range(2):
            made.step(batch)
    return _bytes("VmHWM") - before


def _bytes(name: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    (line,) = [one for one in lines if one.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(_measured(sys.argv[1], Shape(**json.load(sys.stdin))))
