"""Label Studio exports: full JSON, JSON_MIN and its CSV; the tags Pairwise and Ranker.

"left" is the first name in the tag's `toName`, which an export does not hold: the two answers are
found by their names (`answer1` and `answer2`, ...) or by `--map response_a=...`.
JSON_MIN and CSV drop skipped tasks; only the full JSON has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from storage.errors import WrongInputError
from storage.imports import columns, forms
from storage.imports.forms import Format, Reading, Sample
from storage.imports.records import FIRST, LONGEST_NOTE, SECOND, SKIP, Opinion, Record

FULL, MIN = "label-studio", "label-studio-min"
# answers of one ranking: 10 make 45 pairs
MOST_RANKED = 10
_SIDES = {"left": FIRST, "right": SECOND}
_DROPS_SKIPS = "JSON_MIN and CSV drop skipped tasks; export the full JSON to have them"


def recognise(rows: Sample) -> str:
    """Why rows are tasks with annotations."""
    if all(isinstance(row.get("data"), Mapping) and _has_annotations(row) for row in rows):
        return "every record is a task with 'data' and 'annotations'"
    return ""


def recognise_min(rows: Sample) -> str:
    """Why rows are tasks flattened with one annotation each."""
    if all("annotation_id" in row and "annotator" in row for row in rows):
        return "every record has 'annotation_id' and 'annotator', as JSON_MIN and CSV write them"
    return ""


def data_keys(rows: Sample) -> list[str]:
    """What the tasks of some rows show."""
    shown = (row.get("data") for row in rows)
    return forms.keys_of([data for data in shown if isinstance(data, Mapping)])


def full(task: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of a task, or every two answers of a ranked list."""
    data = task.get("data")
    if not isinstance(data, Mapping) or not _has_annotations(task):
        raise WrongInputError("The record is no task with 'data' and 'annotations'.")
    given = [each for each in task["annotations"] if isinstance(each, Mapping)]
    task_id = forms.as_id(task.get("id"))
    ranked = _ranked_items(data)
    if ranked is not None and "response_a" not in reading.columns.of:
        rankings = [(each, _ranking(each)) for each in given]
        yield from _pairs_of(data, ranked, rankings, task_id, reading)
        return
    if "response_a" not in reading.columns.of:
        raise WrongInputError(
            f"No two answers were found among {', '.join(map(str, data))[:200]}: name them with"
            " --map response_a=KEY --map response_b=KEY, in the order of the tag's toName."
        )
    opinions = (_opinion(each, reading) for each in given)
    yield _record(data, task_id, tuple(each for each in opinions if each), reading)


def minimal(row: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of a flattened task with the one annotation that it carries."""
    reading.notes[_DROPS_SKIPS] += 1
    chosen = [
        each["selected"]
        for value in row.values()
        for each in _parsed(value)
        if isinstance(each, Mapping) and "selected" in each
    ]
    opinions: tuple[Opinion, ...] = ()
    if chosen:
        opinions = (_said_by(row, row.get("annotator"), _side(chosen), ""),)
    else:
        reading.notes["Annotations without a choice of left or right"] += 1
    yield _record(row, forms.as_id(row.get("id")), opinions, reading)


def _record(
    data: Mapping[str, Any], task_id: str, opinions: tuple[Opinion, ...], reading: Reading
) -> Record:
    named = reading.columns
    return Record(
        messages=named.messages(data),
        answers=(named.text(data, "response_a"), named.text(data, "response_b")),
        opinions=opinions,
        record_id=task_id,
        category=columns.category(named.value(data, "category")),
    )


def _opinion(given: Mapping[str, Any], reading: Reading) -> Opinion | None:
    """What one annotation says of the pair; None when its choice was cleared."""
    results = [each for each in given.get("result") or [] if isinstance(each, Mapping)]
    chosen = [_value(each).get("selected") for each in results if each.get("type") == "pairwise"]
    note = "\n".join(text for each in results for text in _texts(each))[:LONGEST_NOTE]
    kinds = {each.get("type") for each in results} - {"pairwise", "textarea"}
    for kind in kinds:
        reading.notes[f"Results of type {str(kind)[:40]!r} were not kept"] += 1
    if given.get("was_cancelled"):
        choice = SKIP
    elif chosen:
        choice = _side(chosen)
    else:
        reading.notes["Annotations without a choice of left or right"] += 1
        return None
    return _said_by(given, given.get("completed_by"), choice, note)


def _said_by(given: Mapping[str, Any], who: Any, choice: str, note: str) -> Opinion:
    if isinstance(who, Mapping):
        who = who.get("id")
    return Opinion(
        who=f"label-studio:{forms.as_id(who) or 'unknown'}",
        choice=choice,
        note=note,
        decided_at=forms.micros(given.get("created_at")),
        active_ms=forms.millis(given.get("lead_time")),
    )


def _side(chosen: Sequence[Any]) -> str:
    said = {str(each) for each in chosen}
    if len(said) > 1 or not said <= set(_SIDES):
        raise WrongInputError(
            f"The annotation chooses {', '.join(sorted(said))[:80]!r}, expected left or right."
        )
    return _SIDES[said.pop()]


def _ranked_items(data: Mapping[str, Any]) -> dict[str, str] | None:
    """Id -> text of the list that a Ranker orders, None when the task has none."""
    for value in data.values():
        if isinstance(value, list) and len(value) > 1 and all(map(_is_item, value)):
            return {str(each["id"]): str(each.get("body") or each.get("html")) for each in value}
    return None


def _is_item(value: Any) -> bool:
    return (
        isinstance(value, Mapping) and "id" in value and bool(value.get("body", value.get("html")))
    )


def _ranking(given: Mapping[str, Any]) -> list[str]:
    """Ids, the best first; empty when the annotation ranks nothing."""
    for each in given.get("result") or []:
        buckets = _value(each).get("ranker") if isinstance(each, Mapping) else None
        if isinstance(buckets, Mapping):
            if len(buckets) != 1:
                raise WrongInputError(
                    f"The ranking has {len(buckets)} buckets, and no export says in which order"
                    " they stand."
                )
            order = next(iter(buckets.values()))
            return [str(item) for item in order] if isinstance(order, list) else []
    return []


def _pairs_of(
    data: Mapping[str, Any],
    items: Mapping[str, str],
    rankings: Sequence[tuple[Mapping[str, Any], list[str]]],
    task_id: str,
    reading: Reading,
) -> Iterator[Record]:
    if len(items) > MOST_RANKED:
        raise WrongInputError(
            f"The task ranks {len(items)} answers; {MOST_RANKED} are the most, which make "
            f"{MOST_RANKED * (MOST_RANKED - 1) // 2} pairs."
        )
    if len(items) > 2:
        reading.notes["Rankings of more than two answers: every two became a pair"] += 1
    named = reading.columns
    for one, other in combinations(items, 2):
        opinions = tuple(_preferring(one, other, *each) for each in rankings)
        yield Record(
            messages=named.messages(data),
            answers=(items[one], items[other]),
            opinions=tuple(each for each in opinions if each),
            record_id=task_id,
            category=columns.category(named.value(data, "category")),
        )


def _preferring(one: str, other: str, given: Mapping[str, Any], order: list[str]) -> Opinion | None:
    who = given.get("completed_by")
    if given.get("was_cancelled"):
        return _said_by(given, who, SKIP, "")
    if one not in order or other not in order:
        return None
    return _said_by(given, who, FIRST if order.index(one) < order.index(other) else SECOND, "")


def _has_annotations(task: Mapping[str, Any]) -> bool:
    return isinstance(task.get("annotations"), list)


def _value(result: Mapping[str, Any]) -> Mapping[str, Any]:
    value = result.get("value")
    return value if isinstance(value, Mapping) else {}


def _texts(result: Mapping[str, Any]) -> list[str]:
    said = _value(result).get("text") if result.get("type") == "textarea" else None
    return [str(each) for each in (said if isinstance(said, list) else [said] if said else [])]


def _parsed(value: Any) -> Sequence[Any]:
    """A list, or the list that a cell of CSV spells in JSON."""
    if isinstance(value, str) and value.startswith("[{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ()
    return value if isinstance(value, list) else ()


_PAIR = ("prompt", "response_a", "response_b")
FORMATS = (
    Format(
        FULL,
        "tasks with annotations, as the full JSON export has them",
        recognise,
        full,
        data_keys,
        (_PAIR, ("prompt",)),
        judges=True,
    ),
    Format(
        MIN,
        "JSON_MIN and CSV: a flat record per annotation, without skips",
        recognise_min,
        minimal,
        forms.keys_of,
        (_PAIR,),
        judges=True,
    ),
)
