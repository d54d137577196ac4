"""The stage before DPO on the command line: answers in, a run queued, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.demo import world

Pairwright = Callable[..., Any]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    lines = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": "Y"}]}
        for n in range(8)
    ]
    path.write_text("\n".join(map(json.dumps, [*lines, {"messages": []}])), encoding="utf-8")
    return path


def test_answers_alone_train_the_stage_sft_and_nothing_else(
    pairwright: Pairwright, answers: Path
) -> None:
    assert pairwright("init").code == 0
    made = pairwright("dataset", "sft", answers, "--json").result
    assert (made["version"], made["rows"], made["records"]) == ("v1", 8, 9)
    assert made["rejected"][0]["line"] == 9
    assert "for the stage sft" in pairwright("dataset", "show", "v1").out
    start = ("train", "--dataset", "v1", "--from", world.MODEL, "--json")
    queued = pairwright(*start, "--stage", "sft").result
    job = pairwright("job", "show", queued["job"], "--json").result
    assert (job["kind"], job["spec"]["settings"]["stage"]) == ("train", "sft")
    assert job["spec"]["settings"]["learning_rate"] == 1e-4
    for words in (
        start,
        ("evaluate", "--checkpoint", world.MODEL, "--dataset", "v1"),
        (*start, "--plan"),
    ):
        refused = pairwright(*words)
        assert refused.code == 1
        assert "no rejected answers" in refused.out + refused.err


def test_dpo_from_a_model_without_sft_wants_a_word(imported: Pairwright, tmp_path: Path) -> None:
    imported("dataset", "build", "--labels", "imported")
    base = tmp_path / "plain"
    base.mkdir()
    (base / "config.json").write_text("{}", encoding="utf-8")
    start = ("train", "--dataset", "v1", "--from", base)
    refused = imported(*start)
    assert refused.code == 1
    assert "no SFT in its lineage" in refused.err
    assert "--yes-no-sft" in refused.err
    assert imported("job", "list", "--json").result == {"jobs": []}
    assert imported(*start, "--yes-no-sft").code == 0
    assert imported(*start, "--stage", "sft").code == 0
