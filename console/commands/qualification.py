"""pairwright batch qualification, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.ledger import Connection
    from storage.qualifications import Decision, Standing
    from storage.rows import Annotator, Batch

_OUTCOMES = {
    "under_way": "under way",
    "passed": "passed",
    "not_passed": "not passed",
    "admitted": "let in by a lead",
}
Name = Annotated[str, typer.Argument(help="Name of a batch.")]


@shared
def qualification(
    run: Run,
    name: Name,
    pairs: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Gold pairs to judge first; 0 for no round."),
    ] = None,
    passing: Annotated[
        float | None,
        typer.Option("--pass", metavar="SHARE", help="Share to be right on; 0.8 at first."),
    ] = None,
    admit: Annotated[
        str | None, typer.Option(metavar="WHO", help="Let somebody in who has not passed.")
    ] = None,
    retry: Annotated[
        str | None,
        typer.Option(metavar="WHO", help="Let somebody who did not pass try on other gold pairs."),
    ] = None,
) -> None:
    """Let new annotators of a batch judge gold pairs first, and show who passed.

    After each pair they are told which answer is right, and why where batch explain says so. Votes
    of the round count nowhere, and nobody gets its pairs again. Who labels already goes on.
    """
    from console import names
    from console.commands.batches import WHEN_NONE
    from storage import batches, qualifications
    from storage.qualifications import Decision

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        names.check("batch", name, (batch.name for batch in batches.listed(tx)), WHEN_NONE)
        batch = batches.get(tx, name)
        if pairs is not None or passing is not None:
            asked = batch.qualification_pairs if pairs is None else pairs
            share = passing or batch.qualification_pass or 0.8
            qualifications.ask(tx, batch.id, asked, share)
            batch = batches.get(tx, name)
        for who, decision in ((admit, Decision.ADMIT), (retry, Decision.RETRY)):
            if who is not None:
                _decide(tx, batch, who, decision)
        people = [_row(*each) for each in qualifications.of_batch(tx, batch)]
        gold = _gold(tx, batch)
    result = {
        "batch": name,
        "pairs": batch.qualification_pairs,
        "pass": batch.qualification_pass,
        "people": people,
        "gold": gold,
    }
    run.output.show(result, _asked(batch), *(_said(row) for row in people))


@shared
def explain(
    run: Run,
    name: Name,
    pair: Annotated[str, typer.Argument(help="Id of a gold pair, or how it begins.")],
    text: Annotated[str, typer.Argument(help="Why its answer is right; empty takes it away.")],
) -> None:
    """Say why the answer of a gold pair is right; the qualification round tells it."""
    from console.commands.pairs import find
    from storage import qualifications

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        pair_id, batch = find(tx, pair, name)
        qualifications.explain(tx, batch.id, pair_id, text)
    run.output.show(
        {"batch": name, "pair": pair_id, "explanation": text},
        f"Pair {pair_id} of batch {name} is explained.",
    )


COMMANDS = {"qualification": qualification, "explain": explain}


def _decide(tx: Connection, batch: Batch, who: str, decision: Decision) -> None:
    from console import names
    from storage import annotators, qualifications

    people = {person.name: person.id for person in annotators.listed(tx)}
    names.check("annotator", who, people, "Annotators come with `pairwright link create`.")
    qualifications.decide(tx, batch, people[who], decision)


def _row(who: Annotator, stands: Standing) -> dict[str, Any]:
    judged = len(stands.judged)
    return {
        "annotator": who.name,
        "outcome": stands.outcome.value,
        "right": stands.right,
        "n": judged,
        "value": stands.right / judged if judged else None,
        "pairs": stands.wanted,
        "needed": stands.needed,
    }


def _gold(tx: Connection, batch: Batch) -> list[dict[str, str]]:
    from storage import gold, qualifications

    reasons = qualifications.explanations(tx, batch.id)
    return [
        {"pair": pair_id, "right": winner, "explanation": reasons.get(pair_id, "")}
        for pair_id, winner in gold.winners(tx, batch.id).items()
    ]


def _asked(batch: Batch) -> str:
    if not batch.qualification_pairs:
        return f"Batch {batch.name} has no qualification round. Ask for one with --pairs N."
    return (
        f"Batch {batch.name}: new annotators judge {batch.qualification_pairs} gold pairs first, "
        f"{batch.qualification_pass:.0%} right to pass."
    )


def _said(row: dict[str, Any]) -> str:
    share = "" if row["value"] is None else f" ({row['value']:.0%})"
    figures = f"{row['right']} of {row['n']} right{share}"
    return f"  {row['annotator']}: {_OUTCOMES[row['outcome']]}, {figures}"
