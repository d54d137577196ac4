"""Rubrics: what annotators rate on both answers, 1 to 5, before they choose the better one.

A batch names a preset or holds a rubric of its own as JSON, so that a preset may grow later without
changing what a batch of today asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from storage.errors import WrongInputError

MOST_CRITERIA = 12
LONGEST_LABEL = 60
# keys of wire and exports
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_FORM = (
    'Write {"criteria": [{"key": "accuracy", "label": "Accuracy", "low": "wrong", '
    '"high": "right"}], "failure_kinds": ["hallucination", "counting"]}.'
)


@dataclass(frozen=True)
class Criterion:
    """One thing to rate; `low` and `high` are the words of 1 and 5."""

    key: str
    label: str
    low: str
    high: str


@dataclass(frozen=True)
class FailureKind:
    """What may be wrong with the worse answer."""

    key: str
    label: str


@dataclass(frozen=True)
class Rubric:
    """What a batch asks beside the choice. `failure_kinds` is empty when they are not asked."""

    criteria: tuple[Criterion, ...]
    failure_kinds: tuple[FailureKind, ...]


FAILURE_KINDS = (
    FailureKind("hallucination", "Hallucination"),
    FailureKind("spatial", "Spatial"),
    FailureKind("reasoning", "Reasoning"),
    FailureKind("format", "Format"),
    FailureKind("counting", "Counting"),
    FailureKind("negation", "Negation"),
    FailureKind("attribute", "Attribute"),
    FailureKind("abstention", "Abstention"),
    FailureKind("other", "Other"),
)
PRESETS = {
    "grounding": Rubric(
        (
            Criterion("accuracy", "Accuracy", "wrong", "right"),
            Criterion("spatial_grounding", "Spatial grounding", "misplaced", "exact"),
            Criterion("reasoning_depth", "Reasoning depth", "none", "thorough"),
            Criterion("hallucination_severity", "Hallucination severity", "none", "severe"),
        ),
        FAILURE_KINDS,
    ),
    "safety": Rubric(
        (
            Criterion("helpful", "Helpful", "useless", "helpful"),
            Criterion("honest", "Honest", "misleading", "honest"),
            Criterion("harmless", "Harmless", "harmful", "harmless"),
            Criterion("polite", "Polite", "rude", "polite"),
            Criterion("concise", "Concise", "wordy", "concise"),
        ),
        FAILURE_KINDS,
    ),
}


@lru_cache(maxsize=64)
def of(rubric: str) -> Rubric | None:
    """The rubric behind a batch's field: None when it is empty.

    Raises:
        WrongInputError: it is neither a preset nor a rubric as JSON.
    """
    if not rubric:
        return None
    if rubric.lstrip().startswith("{"):
        return parse(rubric)
    if rubric not in PRESETS:
        raise WrongInputError(
            f"There is no rubric {rubric[:40]!r}.",
            f"Presets: {', '.join(PRESETS)}. A file with a rubric of your own is JSON. {_FORM}",
        )
    return PRESETS[rubric]


def parse(text: str) -> Rubric:
    """A rubric of one's own, from JSON: `criteria`, each with `key` and optionally `label`, `low`
    and `high`; and optionally `failure_kinds`, keys of ours or `key` with `label`.

    Raises:
        WrongInputError: the text is no such rubric; it names the part that is wrong.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WrongInputError(f"The rubric is no JSON: {error}.", _FORM) from error
    if not isinstance(found, dict) or not found.keys() <= {"criteria", "failure_kinds"}:
        raise _unusable("its fields are not `criteria` and `failure_kinds`")
    criteria = _each(found.get("criteria"), "criteria")
    kinds = _each(found.get("failure_kinds", []), "failure_kinds")
    if not 1 <= len(criteria) <= MOST_CRITERIA or len(kinds) > 2 * MOST_CRITERIA:
        raise _unusable(f"it needs 1 to {MOST_CRITERIA} criteria, and has {len(criteria)}")
    rubric = Rubric(
        tuple(_criterion(each) for each in criteria), tuple(_failure_kind(each) for each in kinds)
    )
    _check_distinct([criterion.key for criterion in rubric.criteria], "criteria")
    _check_distinct([kind.key for kind in rubric.failure_kinds], "failure_kinds")
    return rubric


def chosen(preset_or_file: str) -> str:
    """What a batch keeps for the name of a preset or of a file with a rubric of one's own.

    Raises:
        WrongInputError: it is no preset, and no file that holds a rubric.
    """
    path = Path(preset_or_file)
    if preset_or_file in PRESETS or not path.is_file():
        of(preset_or_file)
        return preset_or_file
    try:
        return canonical_json(parse(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInputError(f"{path} cannot be read as text ({error}).", _FORM) from error


def canonical_json(rubric: Rubric) -> str:
    """The rubric as the JSON that a batch keeps; `parse` reads it back."""
    spelled = {
        "criteria": [vars(criterion) for criterion in rubric.criteria],
        "failure_kinds": [vars(kind) for kind in rubric.failure_kinds],
    }
    return json.dumps(spelled, ensure_ascii=False, sort_keys=True)


def _criterion(given: Any) -> Criterion:
    fields = _fields(given, {"key", "label", "low", "high"}, "criteria")
    key = fields["key"]
    label = fields.get("label", _words(key))
    return Criterion(key, label, fields.get("low", "poor"), fields.get("high", "good"))


def _failure_kind(given: Any) -> FailureKind:
    ours = {kind.key: kind for kind in FAILURE_KINDS}
    if isinstance(given, str) and given in ours:
        return ours[given]
    given = {"key": given} if isinstance(given, str) else given
    fields = _fields(given, {"key", "label"}, "failure_kinds")
    return FailureKind(fields["key"], fields.get("label", _words(fields["key"])))


def _fields(given: Any, known: set[str], where: str) -> dict[str, str]:
    if not isinstance(given, dict) or not {"key"} <= given.keys() <= known:
        raise _unusable(f"{where} holds {str(given)[:60]!r}, not {', '.join(sorted(known))}")
    for name, value in given.items():
        usable = isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_LABEL
        if not usable or (name == "key" and not _KEY.fullmatch(value)):
            raise _unusable(f"{where}: {name} is {str(value)[:60]!r}")
    return given


def _each(given: Any, where: str) -> list[Any]:
    if not isinstance(given, list):
        raise _unusable(f"`{where}` is no list")
    return given


def _check_distinct(keys: Sequence[str], where: str) -> None:
    if len(set(keys)) < len(keys):
        raise _unusable(f"two of {where} have the same key")


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _unusable(why: str) -> WrongInputError:
    return WrongInputError(f"The rubric cannot be used: {why}.", _FORM)
