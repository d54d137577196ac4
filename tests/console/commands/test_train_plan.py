"""`train --plan`: a real runner measures one step, and nothing is queued."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = Path(__file__).resolve().parents[3] / "examples" / "shapes" / "model"


@pytest.mark.timeout(300)
def test_a_plan_is_measured_printed_and_leaves_nothing_behind(
    imported: Callable[..., Any], tmp_path: Path
) -> None:
    pairwright = imported
    assert pairwright("dataset", "build", "--labels", "imported").code == 0
    settings = ("--set", "epochs=3", "--set", "batch_size=2", "--set", "price_here=2")
    ended = pairwright("train", "--plan", "--dataset", "v1", "--from", MODEL, *settings, "--json")
    assert ended.code == 0, ended.err
    plan = ended.result
    assert plan["train"] + plan["holdout"] == 6
    assert plan["batches"]["batch_size"] == 2
    assert plan["steps"] == 3 * plan["epoch_steps"]
    assert plan["lengths"]["pictures"] == 0
    here, a100, h100 = plan["offers"]
    assert here["hours"] > a100["hours"] > h100["hours"] > 0
    assert here["price"] == 2
    assert pairwright("job", "list", "--json").result["jobs"] == []
    left = [path.name for path in (tmp_path / "home" / "cache").iterdir()]
    assert not [name for name in left if name.startswith("plan-")]


def test_a_plan_of_what_is_not_there_names_it(imported: Callable[..., Any]) -> None:
    ended = imported("train", "--plan", "--dataset", "v1", "--from", MODEL)
    assert ended.code == 1
    assert "v1" in ended.err
