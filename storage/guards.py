"""Append-only guards: triggers that refuse to change or remove a fact.

SQLite drops the triggers of a table that a migration recreates, without a word; so they are put
back after every migration.
"""

from __future__ import annotations

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from storage import tables

_REFUSAL = "rows of {table} are facts: they are never changed or removed"

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_refuse_{action} BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION pairwright_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are facts: they are never changed or removed', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$$
"""
_POSTGRESQL = """
CREATE OR REPLACE TRIGGER {table}_refuse_{action} BEFORE {action} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION pairwright_refuse()
"""


def install(tx: Connection) -> None:
    """Put the triggers on every append-only table that exists; those in place stay."""
    on_sqlite = tx.dialect.name == "sqlite"
    if not on_sqlite:
        tx.execute(text(_POSTGRESQL_FUNCTION))
    actions = ("update", "delete") if on_sqlite else ("update", "delete", "truncate")
    there = set(inspect(tx).get_table_names())
    for table in tables.APPEND_ONLY:
        for action in actions if table in there else ():
            form = _SQLITE if on_sqlite else _POSTGRESQL
            refusal = _REFUSAL.format(table=table)
            tx.execute(text(form.format(table=table, action=action, refusal=refusal)))
