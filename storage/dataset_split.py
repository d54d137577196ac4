"""Train and holdout: rows that share a picture, a video or a question stay on the same side.

A holdout that shares pictures with training measures memory, not skill. Or rows are held out by
annotator: what some people judged never trains, so that the holdout measures their judgement anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from storage import identity
from storage.errors import WrongInputError
from storage.rows import DatasetRow, Prompt

TRAIN, HOLDOUT = "train", "holdout"
MEDIA, QUESTIONS = "media", "questions"
# what a holdout is drawn by
BY_MEDIA, BY_ANNOTATOR = "media", "annotator"
WAYS = (BY_MEDIA, BY_ANNOTATOR)


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
    strict = _drawn(rows, target, seed, (MEDIA, QUESTIONS))
    if abs(_size(strict) - target) <= max(1, target / 4):
        return strict
    loose = _drawn(rows, target, seed, (MEDIA,))
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
    for number, row in enumerate(rows):
        for name in judges.get(row.pair_id, ()):
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


def _target(rows: int, holdout: float) -> int:
    if not 0 <= holdout < 1:
        raise WrongInputError(
            f"A holdout of {holdout} cannot be drawn.", "Give a share from 0 to below 1."
        )
    return min(max(1, round(holdout * rows)), rows - 1) if holdout else 0


def _drawn(rows: Sequence[DatasetRow], target: int, seed: int, apart: tuple[str, ...]) -> Split:
    keys = [list(_keys(row.prompt, QUESTIONS in apart)) for row in rows]
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
        if total < len(rows) and (not held or total - target < target - len(held)):
            held += smallest
    chosen = set(held)
    sides = tuple(HOLDOUT if row in chosen else TRAIN for row in range(len(rows)))
    return Split(sides, apart)


def _size(split: Split) -> int:
    return split.sides.count(HOLDOUT)


def _lot(seed: int, key: str) -> str:
    return identity.digest({"seed": seed, "group": key})


def _keys(prompt: Prompt, with_question: bool) -> Iterator[str]:
    yield from (f"media {media}" for media in prompt.media)
    if with_question or not prompt.media:
        asked = (part.text for turn in prompt.turns if turn.role == "user" for part in turn.parts)
        yield "question " + " ".join(" ".join(asked).casefold().split())


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
