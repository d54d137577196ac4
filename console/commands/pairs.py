"""pairwright pair list, queue, settle, adjudicate, withdraw, dismiss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.commands import pair_search
from console.options import Run, shared

if TYPE_CHECKING:
    from storage.ledger import Connection
    from storage.rows import Batch

_COLUMNS = {"pair": "pair_id", "batch": "batch", "why": "why"}
# enough of an id to name one pair among a million
_SHORTEST = 8

Pair = Annotated[
    str, typer.Argument(metavar="PAIR", help=f"Id of a pair, or its first {_SHORTEST} or more.")
]
InBatch = Annotated[
    str | None,
    typer.Option("--batch", metavar="NAME", help="Needed when the pair is in several batches."),
]


@shared
def queue(
    run: Run,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this batch.", show_default=False)
    ] = None,
) -> None:
    """List the pairs that wait for a lead.

    These are contested after all their reviews, reported by an annotator, or have an answer that
    names its model. Annotators are not named.
    """
    from labeling import referrals
    from storage import batches

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = referrals.waiting(db, batches.get(db, batch) if batch else None)
    rows = [
        {**vars(each), "why": "; ".join(f"{r.kind}: {r.what}" for r in each.reasons)}
        for each in found
    ]
    run.output.show_rows("queue", rows, _COLUMNS, "No pair waits for a lead.")


@shared
def settle(
    run: Run,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this batch.", show_default=False)
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who decides.")] = "lead",
) -> None:
    """Make a link to the bench of a lead, where the queue is decided with all votes in sight.

    It opens once, within two minutes. Pairs whose answer names its model are not there.
    """
    from console import serving
    from labeling.adjudication import access

    with run.workspace() as workspace:
        url = serving.known_public_url(workspace.home)
        address = access.address(workspace, url, by, batch)
    run.output.show(
        {"url": address, "batch": batch, "by": by, "seconds": access.LINK_SECONDS},
        address,
        f"It opens once, within {access.LINK_SECONDS} seconds, while the servers run.",
    )


@shared
def adjudicate(
    run: Run,
    pair: Pair,
    winner: Annotated[
        Literal["a", "b", "tie"],
        typer.Option(metavar="a|b|tie", help="The pair's own a and b, not left and right."),
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the decision.")],
    batch: InBatch = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who decides.")] = "lead",
) -> None:
    """Decide a pair. The decision comes before all votes.

    Deciding again replaces one's own decision; pair withdraw takes it back.
    """
    from storage import adjudications
    from storage.rows import Verdict

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        pair_id, found = find(tx, pair, batch)
        decision = adjudications.decide(
            tx,
            batch_id=found.id,
            pair_id=pair_id,
            lead=by,
            outcome=Verdict(winner),
            reason=reason,
        )
    run.output.show(
        {
            "pair": pair_id,
            "batch": found.name,
            "winner": winner,
            "by": decision.annotator,
            "reason": reason,
            "decided_at": decision.received_at,
        },
        f"Pair {pair_id} of batch {found.name} is decided: {winner}.",
        f"Take it back with: pairwright pair withdraw {pair_id} --reason TEXT",
    )


@shared
def withdraw(
    run: Run,
    pair: Pair,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the log.")],
    batch: InBatch = None,
) -> None:
    """Take back the decisions on a pair, so that its votes count again."""
    from storage import adjudications

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        pair_id, found = find(tx, pair, batch)
        count = adjudications.withdraw(tx, batch_id=found.id, pair_id=pair_id, reason=reason)
    run.output.show(
        {"pair": pair_id, "batch": found.name, "withdrawn": count},
        f"Decisions taken back on pair {pair_id} of batch {found.name}: {count}.",
    )


@shared
def dismiss(
    run: Run,
    pair: Pair,
    batch: InBatch = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who decides.")] = "lead",
) -> None:
    """Dismiss the reports on a pair: they need no decision. They stay on record.

    A report that comes later waits for a lead again.
    """
    import uuid

    from storage import adjudications, disputes

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        pair_id, found = find(tx, pair, batch)
        disputes.check_reported(tx, found.id, pair_id)
        place = {"batch_id": found.id, "pair_id": pair_id}
        adjudications.dismiss_reports(tx, **place, lead=by, event_id=str(uuid.uuid4()))
    run.output.show(
        {"pair": pair_id, "batch": found.name, "by": by},
        f"The reports on pair {pair_id} of batch {found.name} are dismissed.",
    )


COMMANDS = {
    **pair_search.COMMANDS,
    **{"queue": queue, "settle": settle, "adjudicate": adjudicate, "withdraw": withdraw},
    "dismiss": dismiss,
}


def find(db: Connection, pair: str, batch: str | None) -> tuple[str, Batch]:
    """The whole id of the pair with this id, or with this beginning of one, and the batch that is
    meant.

    Raises:
        WrongInputError: no pair or several are meant.
    """
    from storage import batches
    from storage.errors import WrongInputError

    within = [batches.get(db, batch)] if batch else batches.listed(db)
    found = batches.with_pair(db, pair, _SHORTEST)
    ids = {pair_id for pair_id, _ in found}
    chosen = [each for each in within if any(batch_id == each.id for _, batch_id in found)]
    if len(ids) != 1 or not chosen:
        place = f"batch {batch}" if batch else "a batch"
        raise WrongInputError(
            f"{pair[:80]!r} names {len(ids) if chosen else 'no'} pairs of {place}.",
            "`pairwright pair queue --json` shows whole ids.",
        )
    if len(chosen) > 1:
        names = ", ".join(each.name for each in chosen)
        raise WrongInputError(f"The pair is in several batches: {names}.", "Add --batch NAME.")
    return ids.pop(), chosen[0]
