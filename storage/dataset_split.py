"""Train and holdout: rows that share a picture, a video or a question stay on the same side.

A holdout that shares pictures with training measures memory, not skill. Or rows are held out by
annotator: what some people judged never trains, so that the holdout measures their judgement anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars

from storage import dataset_table
from storage.errors import WrongInputError
from storage.rows import DatasetRow, Prompt

TRAIN, HOLDOUT = "train", "holdout"
MEDIA, QUESTIONS = "media", "questions"
# what a holdout is drawn by
BY_MEDIA, BY_ANNOTATOR = "media", "annotator"
WAYS = (BY_MEDIA, BY_ANNOTATOR)
_QUOTED = json.encoder.encode_basestring


@dataclass(frozen=True)
class Split:
    """The side of each row, and what never stands on both sides: `media`, `questions`.

    `annotators` were drawn where the holdout is what some annotators judged.
    """

    sides: tuple[str, ...]
    kept_apart: tuple[str, ...]
    annotators: tuple[str, ...] = ()


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
    keys = _keys(dataset_table.of_rows(rows).frame["prompt"])
    strict = _drawn(keys, target, seed, (MEDIA, QUESTIONS))
    if abs(_size(strict) - target) <= max(1, target / 4):
        return strict
    loose = _drawn(keys.filter("always"), target, seed, (MEDIA,))
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
    return [media_key(one) for one in prompt.media] or [_question(" ".join(asked))]


def media_key(media_id: str) -> str:
    """The key that prompts share which show the same."""
    return f"media {media_id}"


def sharing_keys_of(messages: polars.Series) -> list[list[str]]:
    """The same of many prompts, given as `storage.dataset_table.MESSAGES`."""
    found = _keys(messages).filter("always").group_by("row").agg("key").sort("row")
    return found["key"].to_list()


def groups(prompts: Sequence[Prompt]) -> list[list[int]]:
    """Numbers of the prompts that belong together by `sharing_keys`, directly or through others."""
    rows = [(row, key) for row, prompt in enumerate(prompts) for key in sharing_keys(prompt)]
    keys = polars.DataFrame(rows, schema={"row": polars.UInt32, "key": polars.String}, orient="row")
    found: dict[int, list[int]] = {}
    for row, group in enumerate(_groups(keys, len(prompts))):
        found.setdefault(group, []).append(row)
    return list(found.values())


def _target(rows: int, holdout: float) -> int:
    if not 0 <= holdout < 1:
        raise WrongInputError(
            f"A holdout of {holdout} cannot be drawn.", "Give a share from 0 to below 1."
        )
    return min(max(1, round(holdout * rows)), rows - 1) if holdout else 0


def _drawn(keys: polars.DataFrame, target: int, seed: int, apart: tuple[str, ...]) -> Split:
    """Take groups in the order of their lots while they fit; where the share is missed by less with
    one more, the smallest of the others too."""
    count = keys["row"].n_unique()
    group = polars.Series("group", _groups(keys, count), polars.UInt32)
    least = polars.col("key").min()
    named = keys.with_columns(group.gather(keys["row"])).group_by("group").agg(least)
    lots = polars.Series("lot", [_lot(seed, key) for key in named["key"].to_list()], polars.Binary)
    ordered = named["group"].gather(lots.arg_sort()).to_numpy()
    sizes = np.bincount(group)[ordered]
    held, taken, smallest = 0, [], (count, 0)
    for number, size in zip(ordered.tolist(), sizes.tolist(), strict=True):
        if held + size <= target:
            held += size
            taken.append(number)
        elif size < smallest[0]:
            smallest = (size, number)
    total = held + smallest[0]
    if held < target and total < count and (not held or total - target < target - held):
        taken.append(smallest[1])
    is_held = np.zeros(count, np.bool_)
    is_held[taken] = True
    return Split(tuple(np.where(is_held[group], HOLDOUT, TRAIN).tolist()), apart)


def _size(split: Split) -> int:
    return split.sides.count(HOLDOUT)


def _lot(seed: int, key: str) -> bytes:
    """`identity.digest({"seed": seed, "group": key})`, spelled out: there may be a million."""
    spelled = f'{{"group":{_QUOTED(key)},"seed":{seed}}}'
    return hashlib.sha256(spelled.encode()).digest()


def _keys(messages: polars.Series) -> polars.DataFrame:
    """What rows share, by their prompts: columns `row`, `key`, and `always`, false for a question
    about media, which is kept apart only where that leaves a holdout."""
    asked = dataset_table.asked_in(messages)
    rows = dataset_table.media_of(messages).alias("media").to_frame().with_row_index("row")
    media = rows.explode("media").drop_nulls()
    questions = rows.select(
        "row",
        polars.Series("key", [_question(words) for words in asked.to_list()], polars.String),
        always=polars.col("media").list.len() == 0,
    )
    shown = media.select("row", key=polars.lit("media ") + polars.col("media"), always=True)
    return polars.concat([shown, questions])


def _question(asked: str) -> str:
    return "question " + " ".join(asked.casefold().split())


def _groups(keys: polars.DataFrame, count: int) -> list[int]:
    """The group of each row, named by a row of it: rows joined by common keys, directly or through
    others (union-find). A key of one row joins nothing, and most are."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first_with: dict[str, int] = {}
    for row, key in keys.filter(polars.col("key").is_duplicated()).select("row", "key").iter_rows():
        parent[root(row)] = root(first_with.setdefault(key, row))
    return [root(row) for row in range(count)]
