"""Guidelines of batches: what annotators should know, in every version that was ever shown."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import NotFoundError, WrongInputError
from storage.rows import GuidelinesVersion

LONGEST = 200_000


def write(tx: Connection, batch_id: str, text: str) -> int:
    """Make a text the guidelines of a batch; return its version. The text that is there already
    makes no new one.

    Raises:
        WrongInputError: the text cannot be kept.
        NotFoundError: there is no such batch.
    """
    check(text)
    batch = tables.batches
    current = select(batch.c.guidelines, batch.c.guidelines_version).where(batch.c.id == batch_id)
    found = tx.execute(current.with_for_update()).one_or_none()
    if found is None:
        raise NotFoundError(
            f"No batch has the id {batch_id[:80]!r}.", "`pairwright batch list` shows the batches."
        )
    if found.guidelines == text:
        return int(found.guidelines_version)
    version = int(found.guidelines_version) + 1
    add(tx, batch_id, version, text)
    changed = batch.update().where(batch.c.id == batch_id)
    tx.execute(changed.values(guidelines=text, guidelines_version=version))
    return version


def add(tx: Connection, batch_id: str, version: int, text: str) -> None:
    """Keep one version; the batch itself stays as it is."""
    row = {"batch_id": batch_id, "version": version, "text": text, "created_at": clock.now(tx)}
    tx.execute(tables.guidelines.insert(), row)


def versions(db: Connection, batch_id: str) -> list[GuidelinesVersion]:
    """All versions of a batch's guidelines, the first one first."""
    table = tables.guidelines
    query = select(table).where(table.c.batch_id == batch_id).order_by(table.c.version)
    return [GuidelinesVersion(**row._mapping) for row in db.execute(query)]


def check(text: str) -> None:
    """Refuse what cannot be guidelines.

    Raises:
        WrongInputError: the text is longer than 200,000 characters or holds a NUL.
    """
    if len(text) > LONGEST or "\0" in text:
        raise WrongInputError(
            f"Guidelines of {len(text):,} characters cannot be kept.",
            f"Write up to {LONGEST:,} characters, without NUL.",
        )


def votes_by_version(db: Connection, batch_id: str) -> dict[int | None, int]:
    """Version -> effective votes cast with it on the page; None where the browser did not say."""
    vote, assignment = tables.votes, tables.assignments
    later = vote.alias("later")
    newer = select(later.c.event_id).where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    query = (
        select(vote.c.guidelines_version, func.count())
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .where(assignment.c.batch_id == batch_id, vote.c.kind == "vote", ~newer.exists())
        .group_by(vote.c.guidelines_version)
    )
    return {version: int(count) for version, count in db.execute(query)}
