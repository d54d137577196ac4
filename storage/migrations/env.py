"""What Alembic runs: the migrations on the connection it was given, then the guards."""

from __future__ import annotations

from alembic import context

from storage import guards, tables
from storage.schema import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=tables.metadata,
    version_table=VERSION_TABLE,
    # SQLite changes a column by recreating its table
    render_as_batch=True,
)
context.run_migrations()
guards.install(connection)
