"""Train and holdout: rows that share a picture, a video or a question stay on the same side.

A holdout that shares pictures with training measures memory, not skill. Or rows are held out by
annotator: what some people judged never trains, so that the holdout measures their judgement anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars

from storage import dataset_table
from storage.errors import WrongInputError
from storage.rows import DatasetRow, Prompt

TRAIN, HOLDOUT = "train", "holdout"
MEDIA, QUESTIONS = "media", "questions"
# what a holdout is drawn by
BY_MEDIA, BY_ANNOTATOR = "media", "annotator"
WAYS = (BY_MEDIA, BY_ANNOTATOR)
_QUOTED = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Split:
    """The side of each row, and what never stands on both sides: `media`, `questions`.

    `annotators` were drawn where the holdout is what some annotators judged.
    """

    sides: tuple[str, ...]
    kept_apart: tuple[str, ...]
    annotators: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Prompts:
    """What the prompts of rows show, and what they ask."""

    media: Sequence[Sequence[str]]
    asked: Sequence[str]

    def keys(self, with_question: bool) -> list[list[str]]:
        both = zip(self.media, self.asked, strict=True)
        return [_spelled(media, asked, with_question) for media, asked in both]


def drawn(
    rows: Sequence[DatasetRow],
    holdout: float,
    seed: int,
    judges: Mapping[str, Sequence[str]] | None,
) -> Split:
    """By annotator where `judges` (pair id -> who judged it) are given, else by media."""
    if judges is None:
        return assign(rows, holdout, seed)
    return by_annotator(rows, judges, holdout, seed)


def assign(rows: Sequence[DatasetRow], holdout: float, seed: int) -> Split:
    """Draw the holdout by groups of rows; the same rows and seed give the same sides.

    Media are always kept apart, and so are prompts without media. Questions about different media
    are kept apart too, unless there are so few of them that the holdout would miss its share by
    more than a quarter: a small fixed set of questions is asked about everything.

    Args:
        holdout: share of the rows, 0 to below 1. Above 0 each side gets at least one row when
            there are two groups or more.

    Raises:
        WrongInputError: the share is out of range.
    """
    target = _target(len(rows), holdout)
    prompts = _prompts(dataset_table.of_rows(rows).frame["prompt"])
    strict = _drawn(prompts, target, seed, (MEDIA, QUESTIONS))
    if abs(_size(strict) - target) <= max(1, target / 4):
        return strict
    loose = _drawn(prompts, target, seed, (MEDIA,))
    is_closer = abs(_size(loose) - target) < abs(_size(strict) - target)
    return loose if is_closer else strict


def by_annotator(
    rows: Sequence[DatasetRow], judges: Mapping[str, Sequence[str]], holdout: float, seed: int
) -> Split:
    """Hold out what some annotators judged; the same rows, judges and seed give the same sides.

    Annotators are drawn one after the other. One is taken while the rows that they judged stay
    within the share; where nobody fits, the one with the fewest rows is. All rows that somebody who
    was taken judged are held out, whoever judged them beside, and rows without votes train.

    Args:
        judges: pair id -> who judged it.
        holdout: share of the rows, 0 to below 1.

    Raises:
        WrongInputError: the share is out of range, or whoever is drawn judged every row.
    """
    target = _target(len(rows), holdout)
    judged: dict[str, set[int]] = {}
    for number, pair_id in enumerate(dataset_table.of_rows(rows).pair_ids):
        for name in judges.get(pair_id, ()):
            judged.setdefault(name, set()).add(number)
    held: set[int] = set()
    taken: list[str] = []
    for name in sorted(judged, key=lambda name: _lot(seed, f"annotator {name}")):
        if target and len(held | judged[name]) <= target:
            held |= judged[name]
            taken.append(name)
    if target and not taken:
        fewest = min(judged, key=lambda name: (len(judged[name]), name), default="")
        if not fewest or len(judged[fewest]) == len(rows):
            why = f"each of the {len(judged)} annotators judged all of them"
            raise WrongInputError(
                f"The {len(rows)} rows cannot be split by annotator: "
                f"{why if judged else 'nobody voted on them'}.",
                "Hold out by media, or build from batches that different people judged.",
            )
        held, taken = judged[fewest], [fewest]
    sides = tuple(HOLDOUT if row in held else TRAIN for row in range(len(rows)))
    return Split(sides, (), tuple(sorted(taken)))


def sharing_keys(prompt: Prompt) -> list[str]:
    """What rows must not share across a split: the media, or the question where there are none."""
    asked = (part.text for turn in prompt.turns if turn.role == "user" for part in turn.parts)
    return _spelled(prompt.media, " ".join(asked), with_question=False)


def sharing_keys_of(messages: polars.Series) -> list[list[str]]:
    """The same of many prompts, given as `storage.dataset_table.MESSAGES`."""
    return _prompts(messages).keys(with_question=False)


def groups(prompts: Sequence[Prompt]) -> list[list[int]]:
    """Numbers of the prompts that belong together by `sharing_keys`, directly or through others."""
    return _groups([sharing_keys(prompt) for prompt in prompts])


def _target(rows: int, holdout: float) -> int:
    if not 0 <= holdout < 1:
        raise WrongInputError(
            f"A holdout of {holdout} cannot be drawn.", "Give a share from 0 to below 1."
        )
    return min(max(1, round(holdout * rows)), rows - 1) if holdout else 0


def _drawn(prompts: _Prompts, target: int, seed: int, apart: tuple[str, ...]) -> Split:
    keys = prompts.keys(with_question=QUESTIONS in apart)
    groups = _groups(keys)
    groups.sort(key=lambda group: _lot(seed, min(key for row in group for key in keys[row])))
    held: list[int] = []
    skipped: list[list[int]] = []
    for group in groups:
        if len(held) + len(group) <= target:
            held += group
        else:
            skipped.append(group)
    if skipped and len(held) < target:
        smallest = min(skipped, key=len)
        total = len(held) + len(smallest)
        if total < len(keys) and (not held or total - target < target - len(held)):
            held += smallest
    chosen = set(held)
    sides = tuple(HOLDOUT if row in chosen else TRAIN for row in range(len(keys)))
    return Split(sides, apart)


def _size(split: Split) -> int:
    return split.sides.count(HOLDOUT)


def _lot(seed: int, key: str) -> str:
    """`identity.digest({"seed": seed, "group": key})`, spelled out: there may be a million."""
    spelled = f'{{"group":{_QUOTED(key)},"seed":{seed}}}'
    return hashlib.sha256(spelled.encode()).hexdigest()


def _prompts(messages: polars.Series) -> _Prompts:
    return _Prompts(dataset_table.media_of(messages), dataset_table.asked_in(messages))


def _spelled(media: Sequence[str], asked: str, with_question: bool) -> list[str]:
    keys = [f"media {one}" for one in media]
    if with_question or not media:
        keys.append("question " + " ".join(asked.casefold().split()))
    return keys


def _groups(keys: Sequence[Sequence[str]]) -> list[list[int]]:
    """Rows joined by common keys, directly or through others (union-find)."""
    parent = list(range(len(keys)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first_with: dict[str, int] = {}
    for row, row_keys in enumerate(keys):
        for key in row_keys:
            parent[root(row)] = root(first_with.setdefault(key, row))
    groups: dict[int, list[int]] = {}
    for row in range(len(keys)):
        groups.setdefault(root(row), []).append(row)
    return list(groups.values())
