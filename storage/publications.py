"""Publications: what was put on the Hub, where, and under which revision. Append-only."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.rows import Publication


def add(
    tx: Connection,
    *,
    job_id: str,
    kind: str,
    subject: str,
    repo: str,
    revision: str,
    tag: str,
    url: str,
    private: bool,
) -> Publication:
    """Record a publication. Do it in the transaction of `jobs.finish`.

    Args:
        kind: `checkpoint` or `dataset`.
        subject: id of the checkpoint or dataset version.
        repo: ORG/NAME on the Hub.
        revision: commit that holds it.
        tag: name that the commit got.
        url: link to the commit.
        private: whether the repository was private then.
    """
    publication = Publication(
        id=uuid.uuid4().hex,
        job_id=job_id,
        kind=kind,
        subject=subject,
        repo=repo,
        revision=revision,
        tag=tag,
        url=url,
        private=private,
        created_at=clock.now(tx),
    )
    tx.execute(tables.publications.insert().values(vars(publication)))
    return publication


def listed(
    db: Connection, subject: str | None = None, kind: str | None = None
) -> list[Publication]:
    """Publications, newest first; of one subject or one kind when asked."""
    table = tables.publications
    query = select(table).order_by(table.c.created_at.desc(), table.c.id)
    if subject is not None:
        query = query.where(table.c.subject == subject)
    if kind is not None:
        query = query.where(table.c.kind == kind)
    return [Publication(**row._mapping) for row in db.execute(query)]
