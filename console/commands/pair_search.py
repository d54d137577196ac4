"""pairwright pair list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from console.views.pairs import PairLine
    from labeling.explorer import Search

_COLUMNS = ("pair", "category", "votes", "consensus", "imported", "prompt")
_SHORT = 12


def _named(metavar: str, text: str) -> Any:
    return typer.Option(metavar=metavar, help=text, show_default=False)


@shared
def listing(
    run: Run,
    batch: Annotated[str, _named("NAME", "Only of this batch.")] = "",
    category: Annotated[str, _named("NAME", "Category of the prompt.")] = "",
    source: Annotated[str, _named("NAME", "File or checkpoint that an answer is from.")] = "",
    annotator: Annotated[str, _named("WHO", "With a vote of this person.")] = "",
    verdict: Annotated[str, _named("a|b|tie|both_bad|skip", "With a vote for this.")] = "",
    voted_from: Annotated[str, _named("DAY", "With a vote on this day or later, in UTC.")] = "",
    voted_to: Annotated[str, _named("DAY", "With a vote on this day or before, in UTC.")] = "",
    failure: Annotated[str, _named("KIND", "With a vote that names this as wrong.")] = "",
    report: Annotated[
        Literal["open", "any", ""], _named("open|any", "Reported; open: no lead has answered.")
    ] = "",
    consensus: Annotated[
        str, _named("STATE", "settled, tie, disputed, low agreement, no votes, decided by a lead.")
    ] = "",
    confidence_from: Annotated[
        float | None, _named("P", "Winner at least so sure, 0 to 1.")
    ] = None,
    confidence_to: Annotated[float | None, _named("P", "Winner at most so sure, 0 to 1.")] = None,
    text: Annotated[str, _named("WORDS", "In the prompt or an answer.")] = "",
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="At most so many.")
    ] = 50,
) -> None:
    """List the pairs that match: by position in a batch, else oldest first.

    What is asked of votes must be true of one vote: by this person, for this, within these days.
    """
    from labeling.explorer import Search
    from storage.pair_filters import PairFilter

    facts = PairFilter(
        *(batch, category, annotator, verdict, text),
        *(source, report, failure, voted_from, voted_to),
    )
    _show(run, Search(facts, consensus, confidence_from, confidence_to), limit)


def _show(run: Run, wanted: Search, limit: int) -> None:
    from console.views import pairs

    with run.workspace() as workspace:
        page = pairs.page(workspace, wanted, 1, limit)
    if run.output.as_json:
        rows = [_told(line) for line in page.lines]
        run.output.show({"total": page.total, "pairs": rows})
    elif not page.lines:
        run.output.say("No pair matches these filters.")
    else:
        shown = [{**vars(line), "pair": line.id[:_SHORT]} for line in page.lines]
        run.output.table(_COLUMNS, ([row[name] for name in _COLUMNS] for row in shown))
        run.output.say(f"{len(page.lines):,} of {page.total:,} pairs.")


def _told(line: PairLine) -> dict[str, object]:
    """With the name that the id of a pair has in the other commands."""
    told = vars(line).copy()
    return {"pair_id": told.pop("id"), **told}


COMMANDS = {"list": listing}
