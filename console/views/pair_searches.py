"""A search for pairs as words: in the address, in a saved view, on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labeling.explorer import Search
from storage import saved_views
from storage.errors import WrongInputError
from storage.pair_filters import PairFilter
from storage.saved_views import SavedView
from storage.workspace import Workspace

# name in the address -> field of a PairFilter
FACTS: Mapping[str, str] = {
    **{name: name for name in ("batch", "category", "annotator", "verdict", "text", "source")},
    **{name: name for name in ("report", "failure", "tag", "round")},
    **{"from": "voted_from", "to": "voted_to", "since": "added_from", "until": "added_to"},
    "excluded": "left_out",
}
NAMES = (*FACTS, "consensus", "low", "high")


@dataclass(frozen=True)
class ViewLine:
    """A saved view as a table shows it."""

    name: str
    filters: str
    by: str
    created_at: int


def words(search: Search) -> dict[str, str]:
    """The filters that are set: name in the address -> value."""
    facts = {name: str(getattr(search.facts, field)) for name, field in FACTS.items()}
    ends = {"low": search.confidence_from, "high": search.confidence_to}
    said = {name: "" if end is None else f"{end:g}" for name, end in ends.items()}
    found = {**facts, "consensus": search.consensus, **said}
    return {name: value for name, value in found.items() if value}


def search_of(said: Mapping[str, str]) -> Search:
    """The search that words stand for.

    Raises:
        WrongInputError: a confidence is no number, or a name is unknown.
    """
    unknown = sorted(said.keys() - set(NAMES))
    if unknown:
        raise WrongInputError(
            f"No filter is named {unknown[0]!r}.", f"Filters: {', '.join(NAMES)}."
        )
    facts = {field: said.get(name, "") for name, field in FACTS.items()}
    ends = [_number(said.get(name, "")) for name in ("low", "high")]
    return Search(PairFilter(**facts), said.get("consensus", ""), *ends)


def sentence(said: Mapping[str, str]) -> str:
    """`batch first, verdict tie`; `all pairs` without a filter."""
    return ", ".join(f"{name} {value}" for name, value in said.items()) or "all pairs"


def listed(workspace: Workspace) -> list[SavedView]:
    """The saved views, in alphabetical order."""
    with workspace.ledger.read() as db:
        return saved_views.listed(db)


def lines(found: Sequence[SavedView]) -> list[ViewLine]:
    return [ViewLine(one.name, sentence(one.search), one.actor, one.created_at) for one in found]


def save(workspace: Workspace, name: str, search: Search, by: str, replace: bool) -> SavedView:
    """Keep a search under a name. Raises as `storage.saved_views.save`, and as `Search.check`."""
    search.check()
    with workspace.ledger.write() as tx:
        return saved_views.save(tx, name, words(search), actor=by, replace=replace)


def rename(workspace: Workspace, name: str, new_name: str) -> SavedView:
    """Raises as `storage.saved_views.rename`."""
    with workspace.ledger.write() as tx:
        return saved_views.rename(tx, name, new_name)


def delete(workspace: Workspace, name: str) -> None:
    """Raises NotFoundError: there is no such view."""
    with workspace.ledger.write() as tx:
        saved_views.delete(tx, name)


def opened(workspace: Workspace, name: str) -> Search:
    """The search of a saved view.

    Raises:
        NotFoundError: there is no such view.
    """
    with workspace.ledger.read() as db:
        return search_of(saved_views.get(db, name).search)


def _number(said: str) -> float | None:
    try:
        return float(said) if said else None
    except ValueError:
        raise WrongInputError(
            f"{said[:40]!r} is no confidence.", "Use a number from 0 to 1."
        ) from None
