"""The filters of the pair explorer as options, the same for every command that takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from labeling.explorer import Search
    from storage.workspace import Workspace


def _text(metavar: str, meaning: str) -> Any:
    option = typer.Option(metavar=metavar, help=meaning, show_default=False)
    return Annotated[str, option]


def _number(meaning: str) -> Any:
    return Annotated[float | None, typer.Option(metavar="P", help=meaning, show_default=False)]


def _choice(values: Any, metavar: str, meaning: str) -> Any:
    return Annotated[values, typer.Option(metavar=metavar, help=meaning, show_default=False)]


_DAY = "DAY"
# option -> name in the address, and what typer makes of it
_OPTIONS: Mapping[str, tuple[str, Any]] = {
    "batch": ("batch", _text("NAME", "Only of this batch.")),
    "round": ("round", _text("N", "In a batch of this round.")),
    "category": ("category", _text("NAME", "Category of the prompt.")),
    "source": ("source", _text("NAME", "File or checkpoint that an answer is from.")),
    "added_from": ("since", _text(_DAY, "Came in on this day or later, in UTC.")),
    "added_to": ("until", _text(_DAY, "Came in on this day or before, in UTC.")),
    "annotator": ("annotator", _text("WHO", "With a vote of this person.")),
    "verdict": ("verdict", _text("a|b|tie|both_bad|skip", "With a vote for this.")),
    "voted_from": ("from", _text(_DAY, "With a vote on this day or later, in UTC.")),
    "voted_to": ("to", _text(_DAY, "With a vote on this day or before, in UTC.")),
    "failure": ("failure", _text("KIND", "With a vote that names this as wrong.")),
    "report": (
        "report",
        _choice(Literal["open", "any", ""], "open|any", "Reported; open: no lead has answered."),
    ),
    "consensus": (
        "consensus",
        _text("STATE", "settled, tie, disputed, low agreement, no votes, decided by a lead."),
    ),
    "confidence_from": ("low", _number("Winner at least so sure, 0 to 1.")),
    "confidence_to": ("high", _number("Winner at most so sure, 0 to 1.")),
    "tag": ("tag", _text("TAG", "With this tag.")),
    "excluded": (
        "excluded",
        _choice(Literal["yes", "no", ""], "yes|no", "Excluded by a lead, or not."),
    ),
    "text": ("text", _text("WORDS", "In the prompt or an answer.")),
    "view": ("view", _text("NAME", "The filters of a saved view; others come on top.")),
}


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Add the filters to a command, which gets them as `said`: name in the address -> value."""
    return filtered_by(tuple(_OPTIONS))(command)


def filtered_by(
    options: Sequence[str],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add some of the filters, by the names of their options, as `filtered` does."""
    chosen = {option: _OPTIONS[option] for option in options}
    return lambda command: _with_options(command, chosen)


def _with_options(
    command: Callable[..., None], chosen: Mapping[str, tuple[str, Any]]
) -> Callable[..., None]:
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.name != "said"]

    @functools.wraps(command)
    def invoke(*given: Any, **values: Any) -> None:
        said = {name: values.pop(option) for option, (name, _) in chosen.items()}
        told = {name: f"{one}" for name, one in said.items() if one not in ("", None)}
        command(*given, said=told, **values)

    keyword = inspect.Parameter.KEYWORD_ONLY
    options = [
        inspect.Parameter(
            option, keyword, default=None if "confidence" in option else "", annotation=kind
        )
        for option, (_, kind) in chosen.items()
    ]
    invoke.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*(one.replace(kind=one.kind) for one in own), *options]
    )
    return invoke


def wanted(workspace: Workspace, said: Mapping[str, str]) -> Search:
    """The search that options ask for.

    Raises:
        NotFoundError: there is no such saved view.
        WrongInputError: an option cannot be used.
    """
    from console.views import pair_searches

    asked = {name: value for name, value in said.items() if name != "view"}
    if "view" in said:
        asked = {**pair_searches.words(pair_searches.opened(workspace, said["view"])), **asked}
    found = pair_searches.search_of(asked)
    found.check()
    return found
