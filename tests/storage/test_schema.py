"""Migrations lead to the schema in `tables`, and never lose a row or a guard on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DatabaseError

from storage import schema, tables
from storage.errors import DamagedError, WorkspaceError
from storage.ledger import Connection, Ledger, sqlite_url
from storage.workspace import Workspace, open_existing


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated ledger that the test has for itself, once on each database."""
    url = sqlite_url(tmp_path / "ledger.sqlite")
    if request.param == "postgresql":
        url = request.getfixturevalue("new_database")()
    ledger = Ledger(url)
    schema.upgrade(ledger, tmp_path)
    ledger.close()
    return url


def test_migrating_an_empty_ledger_makes_the_schema_of_the_code(ledger: Ledger) -> None:
    with ledger.alone() as connection:
        settings = {"version_table": schema.VERSION_TABLE, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=settings)
        assert compare_metadata(context, tables.metadata) == []
        connection.rollback()


def test_indexes_and_unique_constraints_are_those_of_the_code(ledger: Ledger) -> None:
    with ledger.read() as db:
        found = inspect(db)
        for name, table in tables.metadata.tables.items():
            wanted = {(index.name, tuple(index.columns.keys())) for index in table.indexes}
            there = {
                (index["name"], tuple(index["column_names"]))
                for index in found.get_indexes(name)
                if "duplicates_constraint" not in index
            }
            assert there == wanted, name


def test_every_table_of_sqlite_is_strict(tmp_path: Path) -> None:
    ledger = Ledger(sqlite_url(tmp_path / "ledger.sqlite"))
    schema.upgrade(ledger, tmp_path)
    with ledger.read() as db:
        strict = {row.name: row.strict for row in db.execute(text("PRAGMA table_list"))}
    ledger.close()
    assert [name for name in tables.metadata.tables if not strict[name]] == []


def test_every_append_only_table_has_its_guards(ledger: Ledger) -> None:
    assert _guards(ledger) == {
        f"{table}_refuse_{action}"
        for table in tables.APPEND_ONLY
        for action in ("update", "delete", *(() if ledger.is_sqlite else ("truncate",)))
    }


def test_there_is_one_line_of_revisions_and_the_code_is_at_its_end() -> None:
    revisions = schema.revisions()
    assert revisions[-1] == schema.HEAD
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_upgrading_a_current_ledger_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    assert schema.upgrade(ledger, backups) is None
    assert not backups.exists()


def test_a_ledger_of_a_newer_version_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.write() as tx:
        tx.execute(text("UPDATE pairwright_schema SET version_num = '9999'"))
    for refuse in (schema.require_current, lambda ledger: schema.upgrade(ledger, tmp_path)):
        with pytest.raises(WorkspaceError, match=r"9999, which is newer.*Install the newer"):
            refuse(ledger)


NEXT = """
from alembic import op
from sqlalchemy import Column
from storage.columns import Int64

revision = "9000"
down_revision = "{last}"

def upgrade():
    for table in ("batches", "pairs", "votes"):
        with op.batch_alter_table(table, recreate="{recreate}") as batch:
            batch.add_column(Column("added", Int64, nullable=True))
    {more}
"""


@pytest.fixture
def add_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """`add_revision(recreate, more)` makes the code one revision newer than the ledger."""

    def add(recreate: str, more: str = "") -> None:
        scripts = tmp_path / "migrations"
        shutil.copytree(schema.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        revision = NEXT.format(last=schema.HEAD, recreate=recreate, more=more)
        (scripts / "versions" / "m9000_next.py").write_text(revision)
        monkeypatch.setattr(schema, "SCRIPTS", scripts)
        monkeypatch.setattr(schema, "HEAD", "9000")

    return add


def test_migrating_a_filled_ledger_keeps_rows_and_guards(
    ledger: Ledger,
    fill: Callable[[Connection], None],
    add_revision: Callable[..., None],
    tmp_path: Path,
) -> None:
    with ledger.write() as tx:
        fill(tx)
    before, guarded = _counts(ledger), _guards(ledger)
    add_revision("always" if ledger.is_sqlite else "never")
    backup = schema.upgrade(ledger, tmp_path / "backups")
    assert _counts(ledger) == before
    assert _guards(ledger) == guarded
    assert all(before[table] for table in (*tables.APPEND_ONLY, "pairs", "batches"))
    with ledger.read() as db:
        assert schema.revision(db) == "9000"
        assert "added" in {column["name"] for column in inspect(db).get_columns("votes")}
    with ledger.write() as tx, pytest.raises(DatabaseError, match="are facts"):
        tx.execute(text("DELETE FROM votes"))
    assert (backup is not None) == ledger.is_sqlite


def test_sqlite_is_backed_up_before_it_is_migrated(
    workspace: Workspace,
    fill: Callable[[Connection], None],
    add_revision: Callable[..., None],
) -> None:
    with workspace.ledger.write() as tx:
        fill(tx)
    before = _counts(workspace.ledger)
    workspace.close()
    old = schema.HEAD
    add_revision("always")
    opened = open_existing(workspace.home)
    assert _counts(opened.ledger) == before
    with opened.ledger.write() as tx:
        assert tx.execute(text("PRAGMA foreign_keys")).scalar() == 1
    opened.close()
    (backup,) = (workspace.home / "backups").iterdir()
    kept = Ledger(sqlite_url(backup))
    with kept.read() as db:
        assert schema.revision(db) == old
    assert _counts(kept) == before
    kept.close()


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(
    ledger: Ledger,
    fill: Callable[[Connection], None],
    add_revision: Callable[..., None],
    tmp_path: Path,
) -> None:
    with ledger.write() as tx:
        fill(tx)
    before, guarded, old = _counts(ledger), _guards(ledger), schema.HEAD
    add_revision(
        "always" if ledger.is_sqlite else "never", more="raise ValueError('in the middle')"
    )
    with pytest.raises(ValueError, match="in the middle"):
        schema.upgrade(ledger, tmp_path / "backups")
    with ledger.read() as db:
        assert schema.revision(db) == old
        assert "added" not in {column["name"] for column in inspect(db).get_columns("votes")}
    assert (_counts(ledger), _guards(ledger)) == (before, guarded)


def test_a_migration_that_breaks_a_reference_is_undone(
    workspace: Workspace,
    fill: Callable[[Connection], None],
    add_revision: Callable[..., None],
    tmp_path: Path,
) -> None:
    with workspace.ledger.write() as tx:
        fill(tx)
    before = _counts(workspace.ledger)
    add_revision("always", more="op.execute('DELETE FROM annotators')")
    with pytest.raises(DamagedError, match="annotators that does not exist"):
        schema.upgrade(workspace.ledger, tmp_path / "backups")
    assert _counts(workspace.ledger) == before


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_those_who_migrate_at_once_take_turns(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    url = sqlite_url(tmp_path / "ledger.sqlite")
    if database == "postgresql":
        url = request.getfixturevalue("new_database")()
    ledgers = [Ledger(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(schema.upgrade, ledger, tmp_path) for ledger in ledgers]
    assert [future.exception() for future in made] == [None] * 4
    for ledger in ledgers:
        schema.require_current(ledger)
        ledger.close()


def _counts(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as db:
        return {
            name: db.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.metadata.tables.items()
        }


def _guards(ledger: Ledger) -> set[str]:
    source = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if ledger.is_sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with ledger.read() as db:
        return set(db.execute(text(source)).scalars())
