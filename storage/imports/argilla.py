"""Argilla records: 2.x flattened and nested, and the 1.x feedback dataset.

The question that compares is a ranking of the two response fields, or a label that names one of
them. The nested export of 2.x has no status: a discarded answer looks submitted there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.errors import WrongInputError
from storage.imports import columns, forms
from storage.imports.forms import Format, Reading, Sample
from storage.imports.records import FIRST, SECOND, SKIP, TIE, Opinion, Record

NAME = "argilla"
_FLAT = (".responses", ".responses.users", ".responses.status")
_NO_STATUS = "The nested export has no status: a discarded answer looks submitted in it"


@dataclass(frozen=True)
class _Answer:
    """What one person answered to one question."""

    question: str
    who: str
    value: Any
    status: str


def recognise(rows: Sample) -> str:
    """Why rows are records of Argilla."""
    keys = forms.keys_of(rows)
    if any(key.endswith(".responses") and f"{key}.users" in keys for key in keys):
        return "there are columns '<question>.responses' and '.responses.users' (2.x, flattened)"
    nested = ("fields", "responses")
    if all(all(isinstance(row.get(key), Mapping) for key in nested) for row in rows):
        return "every record has 'fields' and 'responses' (2.x, nested)"
    if any(_questions_of_1(row) for row in rows):
        return "a column holds answers with 'user_id' and 'value' (1.x feedback)"
    return ""


def field_names(rows: Sample) -> list[str]:
    """The names of what a record shows, and of its metadata."""
    return forms.keys_of([_shown(row) for row in rows])


def records(row: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of one record."""
    shown, named = _shown(row), reading.columns
    sides = {_plain(named.of[side]): choice for side, choice in _SIDES}
    opinions = []
    if row.get("suggestions"):
        reading.notes["Suggestions were not kept: nobody decided them"] += 1
    for answer in _answers(row, reading):
        if answer.status == "draft":
            reading.notes["Drafts were left out"] += 1
            continue
        choice = SKIP if answer.status == "discarded" else _choice(answer.value, sides)
        if choice:
            opinions.append(Opinion(f"{NAME}:{answer.who or 'unknown'}", choice))
        else:
            reading.notes[f"Answers to the question {answer.question[:60]!r} were not kept"] += 1
    yield Record(
        messages=named.messages(shown),
        answers=(named.text(shown, "response_a"), named.text(shown, "response_b")),
        opinions=_one_each(opinions),
        record_id=forms.as_id(row.get("id") or row.get("external_id")),
        category=columns.category(named.value(shown, "category")),
    )


_SIDES = (("response_a", FIRST), ("response_b", SECOND))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Fields and metadata of a record by name."""
    fields = row.get("fields")
    shown = dict(fields) if isinstance(fields, Mapping) else {}
    if not shown:
        questions = _questions_of_1(row)
        left_out = {"id", "_server_id", "status", "responses", "suggestions", "vectors", *questions}
        shown = {key: value for key, value in row.items() if key not in left_out and "." not in key}
    return shown | {key: value for key, value in _metadata(row).items() if key not in shown}


def _metadata(row: Mapping[str, Any]) -> Mapping[str, Any]:
    found = row.get("metadata")
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            return {}
    return found if isinstance(found, Mapping) else {}


def _answers(row: Mapping[str, Any], reading: Reading) -> Iterator[_Answer]:
    if isinstance(row.get("responses"), Mapping):
        reading.notes[_NO_STATUS] += 1
        for question, given in row["responses"].items():
            for each in _mappings(given):
                yield _Answer(question, _who(each), each.get("value"), "submitted")
        return
    for key in row:
        if key.endswith(_FLAT[0]) and f"{key}.users" in row:
            yield from _flattened(key.removesuffix(_FLAT[0]), row)
    for question in _questions_of_1(row):
        for each in _mappings(row[question]):
            yield _Answer(question, _who(each), each.get("value"), str(each.get("status") or ""))


def _flattened(question: str, row: Mapping[str, Any]) -> Iterator[_Answer]:
    values, users, states = (row.get(f"{question}{end}") or [] for end in _FLAT)
    states = states or ["submitted"] * len(values)
    if not len(values) == len(users) == len(states):
        raise WrongInputError(
            f"The question {question[:60]!r} has {len(values)} answers, {len(users)} users and "
            f"{len(states)} states."
        )
    for value, who, state in zip(values, users, states, strict=True):
        yield _Answer(question, forms.as_id(who), value, str(state or "submitted"))


def _choice(value: Any, sides: Mapping[str, str]) -> str:
    """Which answer is preferred; empty when the value says nothing of the two."""
    if isinstance(value, str):
        return sides.get(_plain(value), "")
    ranks = _ranks(value)
    named = {sides[_plain(name)]: rank for name, rank in ranks.items() if _plain(name) in sides}
    if len(named) < 2:
        return ""
    if named[FIRST] == named[SECOND]:
        return TIE
    return FIRST if named[FIRST] < named[SECOND] else SECOND


def _ranks(value: Any) -> dict[str, int]:
    """Name -> rank, 1 the best: from names in order, from `{value, rank}`, or from two lists."""
    if isinstance(value, Mapping) and isinstance(value.get("value"), list):
        names, ranks = value["value"], value.get("rank") or []
        if len(names) != len(ranks):
            raise WrongInputError(f"A ranking has {len(names)} names and {len(ranks)} ranks.")
        pairs = list(zip(names, ranks, strict=True))
    elif isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        pairs = [(each.get("value"), each.get("rank")) for each in value]
    elif isinstance(value, list):
        pairs = [(name, rank) for rank, name in enumerate(value, start=1)]
    else:
        return {}
    return {str(name): rank for name, rank in pairs if isinstance(rank, int)}


def _one_each(opinions: Sequence[Opinion]) -> tuple[Opinion, ...]:
    """One opinion a person: a ranking and a label may both compare, and must then say the same."""
    found: dict[str, Opinion] = {}
    for each in opinions:
        if found.setdefault(each.who, each) != each:
            raise WrongInputError(
                f"{each.who[:100]!r} answers two questions about the pair differently: keep one"
                " question in the export."
            )
    return tuple(found.values())


def _questions_of_1(row: Mapping[str, Any]) -> list[str]:
    return [
        key
        for key, value in row.items()
        if isinstance(value, list)
        and value
        and all(isinstance(each, Mapping) and {"user_id", "value"} <= each.keys() for each in value)
    ]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    given = value if isinstance(value, list) else []
    return [each for each in given if isinstance(each, Mapping)]


def _who(answer: Mapping[str, Any]) -> str:
    return forms.as_id(answer.get("user_id"))


def _plain(name: str) -> str:
    return columns.plain(name)


FORMATS = (
    Format(
        NAME,
        "records of Argilla 2.x (flattened or nested) and 1.x, compared by a ranking or a label",
        recognise,
        records,
        field_names,
        (("prompt", "response_a", "response_b"),),
        judges=True,
    ),
)
