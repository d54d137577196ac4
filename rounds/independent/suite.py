"""A benchmark as it is run: its items with what is right, kept by content.

Two checkpoints that are to be compared answer the same suite: the same files and the same lot give
the same content.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from storage import independent_results, pictures
from storage.errors import WrongInputError
from storage.media_files import MediaFolder
from storage.workspace import Workspace

NO_PICTURE = "picture not found"
BROKEN_PICTURE = "picture cannot be used"
NOT_DRAWN = "not in the lot"


class Task(StrEnum):
    """How an answer is judged."""

    YES_NO = "yes or no"
    CAPTION = "caption"
    REFERENCE = "reference"
    HARMFUL = "harmful"
    BENIGN = "benign"


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        item: its name in the benchmark.
        part: of the benchmark, such as `adversarial`.
        picture: file below the folder of pictures; empty without one.
        truth: `yes` or `no`; the objects in the picture; the answers that are right.
    """

    item: str
    part: str
    task: Task
    picture: str
    question: str
    truth: tuple[str, ...]


@dataclass(frozen=True)
class Suite:
    """Items, and what counting objects needs.

    Attributes:
        positive: the answer that precision and recall are about.
        objects: names of an object, its own first.
        also: object -> other names that may stand for it where it is in the picture.
        safe: names that invent nothing.
        left_out: reason -> number of items that cannot be run, or were not drawn.
        files: name -> SHA-256 of what was read.
    """

    benchmark: str
    items: tuple[Item, ...]
    positive: str = "yes"
    objects: tuple[tuple[str, ...], ...] = ()
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    safe: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def with_pictures(suite: Suite, folder: Path, most: int | None = None, seed: int = 0) -> Suite:
    """The items whose pictures are there, `most` of them by lot; the others are counted.

    Raises:
        WrongInputError: no item is left.
    """
    files = MediaFolder(folder, None)
    left_out = Counter(suite.left_out)
    there = [one for one in suite.items if not one.picture or _found(files, one.picture)]
    left_out[NO_PICTURE] += len(suite.items) - len(there)
    drawn = _drawn(there, most, seed)
    left_out[NOT_DRAWN] += len(there) - len(drawn)
    shown = {one.picture for one in drawn if one.picture}
    broken = {name for name in shown if not _is_picture(files.find(name))}
    usable = tuple(one for one in drawn if one.picture not in broken)
    left_out[BROKEN_PICTURE] += len(drawn) - len(usable)
    counted = {reason: count for reason, count in sorted(left_out.items()) if count}
    if not usable:
        told = ", ".join(f"{count} {reason}" for reason, count in counted.items()) or "it is empty"
        raise WrongInputError(
            f"No item of {suite.benchmark} can be run: {told}.",
            f"Put its files into one folder, and its pictures into {folder}.",
        )
    return replace(suite, items=usable, left_out=counted)


def keep(workspace: Workspace, suite: Suite) -> str:
    """Keep a suite; its path in the workspace."""
    content = json.dumps(asdict(suite), ensure_ascii=False, sort_keys=True)
    name, _ = independent_results.keep_file(workspace, content)
    return name


def load(workspace: Workspace, name: str) -> Suite:
    """A suite that `keep` kept.

    Raises:
        DamagedError: it is gone or damaged.
    """
    found = json.loads(independent_results.read_file(workspace, name))
    items = tuple(_item(one) for one in found.pop("items"))
    objects = tuple(tuple(names) for names in found.pop("objects"))
    also = {name: tuple(names) for name, names in found.pop("also").items()}
    return Suite(**found | {"safe": tuple(found["safe"])}, items=items, objects=objects, also=also)


def write_prompts(workspace: Workspace, items: Iterable[Item], benchmark: str) -> Path:
    """The items as a file of prompts for sampling, named by its content."""
    lines = [json.dumps(_prompt(one, benchmark), ensure_ascii=False) + "\n" for one in items]
    name, _ = independent_results.keep_file(workspace, "".join(lines))
    return workspace.home / name


def _prompt(one: Item, benchmark: str) -> dict[str, Any]:
    text = ("<image>" if one.picture else "") + one.question
    shown = {"images": [one.picture]} if one.picture else {}
    asked = {"messages": [{"role": "user", "content": text}], **shown}
    return asked | {"id": one.item, "category": benchmark}


def _item(told: Mapping[str, Any]) -> Item:
    return Item(**{**told, "task": Task(told["task"]), "truth": tuple(told["truth"])})


def _drawn(items: Sequence[Item], most: int | None, seed: int) -> list[Item]:
    if most is None or most >= len(items):
        return list(items)
    lot = np.random.default_rng(seed).choice(len(items), most, replace=False)
    return [items[at] for at in sorted(lot)]


def _found(files: MediaFolder, name: str) -> bool:
    try:
        files.find(name)
    except WrongInputError:
        return False
    return True


def _is_picture(path: Path) -> bool:
    try:
        pictures.open_picture(path.read_bytes())
    except (OSError, WrongInputError):
        return False
    return True
