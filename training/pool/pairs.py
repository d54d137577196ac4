"""Pairs on their way into a job folder: a line of `pairs.jsonl` each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from storage import identity, prompts
from storage.errors import DamagedError
from storage.rows import PairView, Prompt


@dataclass(frozen=True)
class PoolPair:
    """A pair without a label: its prompt and its answers in canonical orientation."""

    pair_id: str
    prompt: Prompt
    a: str
    b: str


def write(path: Path, views: Iterable[PairView]) -> None:
    """Write the pairs of a job, once: every attempt sees the same ones."""
    if path.exists():
        return
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for view in views:
            line = {
                "pair_id": view.pair.id,
                "prompt_id": view.prompt.id,
                "category": view.prompt.category,
                "messages": identity.messages_of(view.prompt.turns),
                "a": view.text_a,
                "b": view.text_b,
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read(path: Path) -> list[PoolPair]:
    """The pairs of a job.

    Raises:
        DamagedError: the file is missing or damaged.
    """
    found = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                prompt = prompts.from_row(row["prompt_id"], row["category"], row["messages"])
                found.append(PoolPair(row["pair_id"], prompt, row["a"], row["b"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{path} cannot be read ({error}).", "Submit the job again.") from error
    return found
