"""Opening and ending rounds, and giving them batches."""

from __future__ import annotations

from rounds import plan, standing
from storage import batches, checkpoints, models, round_log
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.round_log import Round, RoundEventKind
from storage.workspace import Workspace
from training.jobs import starts


def open_next(
    workspace: Workspace,
    *,
    start: str | None = None,
    target_pairs: int | None = None,
    focus: str | None = None,
    actor: str = "lead",
) -> Round:
    """Open the next round; what is not given is planned by its number.

    Batches that were chosen for it before belong to it.

    Args:
        start: model or checkpoint; by default what the last round ended with, else the only model.

    Raises:
        ConflictError: the last round is open.
        NotFoundError, WrongInputError: the start is no model or checkpoint.
    """
    with workspace.ledger.write() as tx:
        number = len(round_log.listed(tx)) + 1
        planned = plan.preset(number)
        found = starts.resolve(tx, start or _default_start(tx))
        opened = round_log.open_next(
            tx,
            start=found.tip or found.name,
            target_pairs=target_pairs or planned.target_pairs,
            focus=focus or planned.focus,
            actor=actor,
        )
        for event in round_log.events(tx, number - 1):
            if event.kind is RoundEventKind.MINED:
                round_log.add_batch(tx, number, event.subject, actor=actor)
        return opened


def give_batch(workspace: Workspace, name: str, actor: str) -> int:
    """Let a batch belong to the open round; return the round's number.

    Raises:
        NotFoundError: no such batch, or no open round.
        ConflictError: the batch belongs to another round.
    """
    with workspace.ledger.write() as tx:
        running = _open_one(tx)
        round_log.add_batch(tx, running.number, batches.get(tx, name).id, actor=actor)
    return running.number


def close(workspace: Workspace, actor: str) -> tuple[int, str]:
    """End the open round; return its number and the name of its last checkpoint, or empty.

    Raises:
        NotFoundError: no round is open.
        ConflictError: work of the round is under way.
    """
    with workspace.ledger.read() as db:
        running = _open_one(db)
    found = standing.of_round(workspace, running.number)
    if found.working:
        job = found.working[0]
        raise ConflictError(
            f"{job.kind.capitalize()} {job.id} of round {running.number} is {job.state}.",
            f"Wait for it, or cancel it: pairwright job cancel {job.id}",
        )
    last = found.checkpoints[-1] if found.checkpoints else None
    with workspace.ledger.write() as tx:
        subject = last.id if last else ""
        round_log.record(tx, running.number, RoundEventKind.CLOSED, subject=subject, actor=actor)
    return running.number, last.name if last else ""


def reopen(workspace: Workspace, actor: str) -> int:
    """Take the end of the last round back; return its number.

    Raises:
        NotFoundError: there is no round.
        ConflictError: the last round is open.
    """
    with workspace.ledger.write() as tx:
        rounds = round_log.listed(tx)
        if not rounds:
            raise _no_round()
        number = rounds[-1].number
        if not round_log.is_closed(tx, number):
            raise ConflictError(f"Round {number} is open.", "Nothing was changed.")
        round_log.record(tx, number, RoundEventKind.REOPENED, subject="", actor=actor)
    return number


def number_of(workspace: Workspace, number: int | None) -> int:
    """The number asked for, else that of the newest round.

    Raises:
        NotFoundError: there is no round.
    """
    with workspace.ledger.read() as db:
        rounds = round_log.listed(db)
    if number is not None:
        return number
    if not rounds:
        raise _no_round()
    return rounds[-1].number


def _default_start(tx: Connection) -> str:
    """The checkpoint that the last ended round ended with, else the only model."""
    ends = [
        event.subject
        for event in round_log.events(tx)
        if event.kind is RoundEventKind.CLOSED and event.subject
    ]
    if ends:
        return checkpoints.get(tx, ends[-1]).id
    known = models.listed(tx)
    if len(known) == 1:
        return known[0].name
    names = ", ".join(model.name for model in known) or "none yet"
    raise WrongInputError(
        "The round needs something to start from.", f"Name it with --from. Models: {names}."
    )


def _open_one(db: Connection) -> Round:
    found = round_log.current(db)
    if found is None:
        raise _no_round("No round is open.")
    return found


def _no_round(what: str = "There is no round yet.") -> NotFoundError:
    return NotFoundError(what, "Open one: pairwright round open --from MODEL")
