"""Yes-or-no benchmarks: POPE (Li et al., EMNLP 2023) and the discriminative part of AMBER (Wang et
al., 2023). Only their files are read; neither questions nor pictures are shipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rounds.independent import shares
from training.measuring.figures import Figure

YES, NO = "yes", "no"
_FIRST_SENTENCE = re.compile(r"[.!?\n]")
_WORDS = re.compile(r"[a-z']+")
_NOTHING = "no item was answered"
_DENIALS = frozenset({"no", "not", "don't", "doesn't", "isn't", "aren't", "can't", "cannot"})


@dataclass(frozen=True)
class Answered:
    """A question with its truth and what a model said; `group` is the part of the benchmark."""

    item: str
    group: str
    truth: str
    said: str


@dataclass(frozen=True)
class YesNoFigures:
    """What a benchmark says of a model.

    Attributes:
        accuracy: share of right answers.
        precision, recall, f1: of the positive class; undefined where nothing is positive.
        yes_share: share of `yes` among the answers: far from the truth's share is a habit.
        unclear: answers without a yes or a no; they count as wrong.
    """

    group: str
    positive: str
    accuracy: Figure
    precision: Figure
    recall: Figure
    f1: Figure
    yes_share: Figure
    unclear: int


def parse(text: str) -> str:
    """`yes` or `no` by POPE's own rule: a denial in the first sentence is a no, all else a yes.

    Empty answers are neither, and give an empty text; POPE would take them for a yes.
    """
    first = _FIRST_SENTENCE.split(text.strip(), maxsplit=1)[0].casefold()
    words = _WORDS.findall(first)
    if not words:
        return ""
    return NO if _DENIALS.intersection(words) else YES


def measure(answered: Sequence[Answered], positive: str = YES) -> list[YesNoFigures]:
    """Figures of all items and of every group, all first.

    Args:
        positive: the class that precision and recall are about: `yes` for POPE, `no` for AMBER,
            which asks whether a model denies what is not there.
    """
    groups: dict[str, list[Answered]] = {}
    for one in answered:
        groups.setdefault(one.group, []).append(one)
    found = [_of_group("all", answered, positive)]
    if len(groups) > 1:
        found += [_of_group(name, groups[name], positive) for name in sorted(groups)]
    return found


def _of_group(name: str, answered: Sequence[Answered], positive: str) -> YesNoFigures:
    said = [parse(one.said) for one in answered]
    right = [text == one.truth for text, one in zip(said, answered, strict=True)]
    claimed = [text == positive for text in said]
    wanted = [one.truth == positive for one in answered]
    hits = [a and b for a, b in zip(claimed, wanted, strict=True)]
    return YesNoFigures(
        group=name,
        positive=positive,
        accuracy=shares.share(right, _NOTHING),
        precision=shares.share(_where(claimed, hits), f"no answer is {positive}"),
        recall=shares.share(_where(wanted, hits), f"to no item the answer is {positive}"),
        f1=shares.ratio(
            [2 * hit for hit in hits],
            [a + b for a, b in zip(claimed, wanted, strict=True)],
            f"neither an answer nor the truth is ever {positive}",
        ),
        yes_share=shares.share([text == YES for text in said], _NOTHING),
        unclear=sum(not text for text in said),
    )


def _where(wanted: Sequence[bool], values: Sequence[bool]) -> list[bool]:
    return [value for is_wanted, value in zip(wanted, values, strict=True) if is_wanted]
