"""Written prompts are complete, balanced, and answered by their key."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from examples.shapes.oracle import load_oracle
from examples.shapes.prompts import main, write_prompts
from examples.shapes.questions import CATEGORIES
from examples.shapes.world import pixel_hash


def test_every_prompt_has_its_picture_and_its_truth(tmp_path: Path) -> None:
    prompts = write_prompts(tmp_path, count=27, seed=4, split="audit")
    oracle = load_oracle(tmp_path / "world.jsonl")
    records = [json.loads(line) for line in prompts.read_text().splitlines()]
    assert Counter(record["category"] for record in records) == dict.fromkeys(CATEGORIES, 3)
    for record in records:
        (message,) = record["messages"]
        (picture,) = record["images"]
        assert message["content"].startswith("<image>")
        with Image.open(tmp_path / picture) as image:
            truth = oracle.find(pixel_hash(image), message["content"].removeprefix("<image>"))
        assert truth is not None
        assert truth.id == record["id"]
        assert truth.category == record["category"]
    assert len({record["id"] for record in records}) == 27


def test_file_names_and_prompts_do_not_give_away_the_truth(tmp_path: Path) -> None:
    prompts = write_prompts(tmp_path, count=9, seed=1)
    for line in prompts.read_text().splitlines():
        record = json.loads(line)
        assert set(record) == {"id", "category", "messages", "images"}
        assert set(Path(record["images"][0]).stem) <= set("0123456789abcdef")


def test_the_command_line_writes_the_same_as_the_function(tmp_path: Path) -> None:
    main(["--out", str(tmp_path / "one"), "--count", "9", "--seed", "2", "--split", "exact"])
    write_prompts(tmp_path / "two", 9, 2, "exact")
    for name in ("prompts.jsonl", "world.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_negative_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="-1"):
        write_prompts(tmp_path, count=-1, seed=0)


def test_the_world_and_its_experts_load_without_torch() -> None:
    rooms = "examples.shapes.experts, examples.shapes.prompts"
    code = f"import sys, {rooms}; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
