"""The benchmark on a GPU runs as far as a machine without one can: its sizes, and it in small."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package beside the benchmark. Last on the path: a benchmark is named like a room."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(BENCHMARKS)])
    import steps.gpu
    import steps.shapes

    return steps


def test_the_sizes_are_those_of_the_published_models(steps: Any) -> None:
    """Weights as the files on the model hub count them, tied embeddings once."""
    for size, published in (
        (steps.shapes.qwen3_vl_4b(), 4_437_815_808),
        (steps.shapes.qwen2_5_vl_7b(), 8_292_166_656),
    ):
        with torch.device("meta"):
            made = size.kind._from_config(size.config, dtype=torch.bfloat16)
        assert sum(one.numel() for one in made.parameters()) == published
        assert (size.pictures, size.answer) == (1280, 150)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_both_ways_run_in_small_and_have_the_same_losses(steps: Any, tmp_path: Path) -> None:
    wanted = steps.gpu.Wanted(torch.device("cpu"), torch.float32, pairs=2, steps=1, rate=3e-2)
    sizes = steps.shapes.tiny()
    lines = steps.gpu.measure(sizes, wanted, tmp_path)
    assert [line["model"] for line in lines] == [size.name for size in sizes]
    for line in lines:
        assert set(line["pairs_per_second"]) == {"stock", "shared"}
        assert line["measured_steps"] == 1
        # two updates away from where every loss is ln 2
        assert abs(line["losses"]["stock"] - math.log(2)) > 0.01
        assert line["losses"]["shared"] == pytest.approx(line["losses"]["stock"], abs=2e-4)
