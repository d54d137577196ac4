"""Responses: answers to prompts, and every place each one was seen."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, identity, tables
from storage.inserts import add_if_absent
from storage.rows import Response, Source


def build(prompt_id: str, text: str) -> Response:
    """An answer to a prompt with its id. The text is kept byte for byte."""
    return Response(identity.response_id(prompt_id, text), prompt_id, text)


def add(tx: Connection, response: Response, source: Source) -> bool:
    """Record a response and where it comes from; True when the response was new.

    A source seen before keeps the sampling settings of its first time.
    """
    now = clock.now(tx)
    row = {
        "id": response.id,
        "prompt_id": response.prompt_id,
        "text": response.text,
        "created_at": now,
    }
    is_new = add_if_absent(tx, tables.responses, row)
    origin = {
        "response_id": response.id,
        "kind": source.kind,
        "name": source.name,
        "sampling": source.sampling,
        "created_at": now,
    }
    add_if_absent(tx, tables.response_sources, origin)
    return is_new


def sources(db: Connection, response_id: str) -> list[Source]:
    """Every source of a response, by kind and name."""
    table = tables.response_sources
    query = (
        select(table).where(table.c.response_id == response_id).order_by(table.c.kind, table.c.name)
    )
    return [Source(row.kind, row.name, row.sampling) for row in db.execute(query)]
