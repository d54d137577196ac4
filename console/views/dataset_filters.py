"""The filters of a dataset version in words: in the address, on the command line, on a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from console.views import pair_searches
from rounds.row_filters import RowFilter
from storage.rows import Json

# name in the address of the pair explorer -> field of a RowFilter
_FIELDS = {**pair_searches.FACTS, "low": "confidence_from", "high": "confidence_to"}
NAMES = tuple(one.name for one in fields(RowFilter))


def row_filter(said: Mapping[str, str]) -> RowFilter:
    """The filter that words of the pair explorer stand for.

    Raises:
        WrongInputError: a confidence is no number.
    """
    found = pair_searches.search_of(said)
    confidences = {"low": found.confidence_from, "high": found.confidence_to}
    values: dict[str, Any] = {_FIELDS[name]: confidences.get(name, said[name]) for name in said}
    return RowFilter(**values)


def of_policy(policy: Json) -> dict[str, str]:
    """Name of a filter -> its value, of the settings that a version was built with."""
    said = policy.get("filters")
    if not isinstance(said, Mapping):
        return {}
    return {name: _value(said[name]) for name in NAMES if said.get(name) not in ("", None)}


def sentence(policy: Json) -> str:
    """`category counting, tag hard`; empty without a filter."""
    said = of_policy(policy).items()
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in said)


def options(policy: Json) -> list[str]:
    """The options of `dataset build` for the filters."""
    said = of_policy(policy).items()
    return [word for name, one in said for word in (f"--{name.replace('_', '-')}", one)]


def _value(found: Any) -> str:
    return f"{found:g}" if isinstance(found, float) else str(found)
