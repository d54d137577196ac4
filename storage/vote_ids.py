"""Which vote somebody means who gives an id, or the beginning of one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import tables
from storage.errors import NotFoundError, WrongInputError

# characters of an id that name one vote among millions
SHORTEST = 8


def assignment_of(db: Connection, vote: str) -> str:
    """The assignment of a vote, by the id of either or by the first 8 characters or more.

    Raises:
        NotFoundError: no vote has it.
        WrongInputError: several votes have it.
    """
    event, table = tables.votes, tables.assignments
    found: set[str] = set()
    for column, named in ((event.c.event_id, event.c.assignment_id), (table.c.id, table.c.id)):
        matches = column == vote
        if len(vote) >= SHORTEST:
            matches |= column.startswith(vote, autoescape=True)
        found |= set(db.execute(select(named).where(matches).limit(2)).scalars())
    if not found:
        raise NotFoundError(
            f"No vote has the id {vote[:80]!r}.",
            "`pairwright votes export` and the page of a pair have the ids.",
        )
    if len(found) > 1:
        raise WrongInputError(
            f"Several votes have ids that begin with {vote[:80]!r}.", "Give more."
        )
    return found.pop()
