"""From what a model said to figures and single items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rounds.independent import captions, shares, yes_no
from rounds.independent.captions import Captioned, Vocabulary
from rounds.independent.items import Outcome
from rounds.independent.suite import Item, Suite, Task
from rounds.independent.yes_no import Answered
from storage import identity
from training.measuring.figures import Figure

UNANSWERED = "no answer"
_CAPTIONS = {"chair_objects": "objects", "chair_captions": "captions", "cover": "cover"}
_YES_NO = ("accuracy", "precision", "recall", "f1", "yes_share")


def score(suite: Suite, said: Mapping[str, str]) -> tuple[dict[str, Any], list[Outcome]]:
    """The figures of a suite, and what came of each item.

    Args:
        said: item -> what the model answered; those without are counted.

    Returns:
        name of a figure (`accuracy`, or `accuracy/PART`) -> {value, ci95, n, labels}; and beside
        them `items`, `left_out`, `positive`, `files`. And the items that were answered.
    """
    answered = [one for one in suite.items if one.item in said]
    by_task = {task: [one for one in answered if one.task is task] for task in Task}
    words = captions.vocabulary(suite.objects) if by_task[Task.CAPTION] else Vocabulary({})
    figures = {
        **dict(_of_yes_no(by_task[Task.YES_NO], said, suite.positive)),
        **dict(_of_captions(by_task[Task.CAPTION], said, suite, words)),
        **dict(_of_references(by_task[Task.REFERENCE], said)),
    }
    outcomes = [_outcome(one, said[one.item], suite, words) for one in answered]
    missing = (
        {UNANSWERED: len(suite.items) - len(answered)} if len(answered) < len(suite.items) else {}
    )
    told = {
        "items": len(answered),
        "left_out": {**suite.left_out, **missing},
        "files": dict(suite.files),
        **({"positive": suite.positive} if by_task[Task.YES_NO] else {}),
    }
    return {name: one.as_json() for name, one in figures.items()} | told, outcomes


def _of_yes_no(
    items: Sequence[Item], said: Mapping[str, str], positive: str
) -> Iterator[tuple[str, Figure]]:
    if not items:
        return
    answered = [Answered(one.item, one.part, one.truth[0], said[one.item]) for one in items]
    for found in yes_no.measure(answered, positive):
        ending = "" if found.group == "all" else f"/{found.group}"
        for name in _YES_NO:
            yield name + ending, getattr(found, name)


def _of_captions(
    items: Sequence[Item], said: Mapping[str, str], suite: Suite, words: Vocabulary
) -> Iterator[tuple[str, Figure]]:
    if not items:
        return
    found = captions.measure([_captioned(one, said[one.item], suite) for one in items], words)
    for name, told in _CAPTIONS.items():
        yield name, getattr(found, told)


def _of_references(items: Sequence[Item], said: Mapping[str, str]) -> Iterator[tuple[str, Figure]]:
    if items:
        right = [_is_reference(one, said[one.item]) for one in items]
        yield "exact", shares.share(right, "no item was answered")


def _outcome(one: Item, said: str, suite: Suite, words: Vocabulary) -> Outcome:
    note = ""
    if one.task is Task.YES_NO:
        note = yes_no.parse(said)
        right = note == one.truth[0]
    elif one.task is Task.CAPTION:
        invented = _captioned(one, said, suite).invented(captions.mentioned(said, words))
        note, right = ", ".join(sorted(invented)), not invented
    else:
        right = _is_reference(one, said)
    return Outcome(one.item, one.part, one.question, one.picture, one.truth, said, right, note)


def _captioned(one: Item, said: str, suite: Suite) -> Captioned:
    also = {name: frozenset(suite.also.get(name, ())) for name in one.truth}
    return Captioned(one.item, said, frozenset(one.truth), also, frozenset(suite.safe))


def _is_reference(one: Item, said: str) -> bool:
    return any(identity.same_answer(said, text) for text in one.truth)
