"""The metadata of the schema and how its tables and columns are written."""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *columns: Column[object] | UniqueConstraint | Index) -> Table:
    """A table of the schema; STRICT on SQLite."""
    return Table(name, metadata, *columns, sqlite_strict=True)


def col(name: str, kind: object, *extra: object, null: bool = False, key: bool = False) -> Column:  # type: ignore[type-arg]
    """A column, not null unless told."""
    return Column(name, kind, *extra, nullable=null, primary_key=key)  # type: ignore[arg-type]
