"""The ledger's promises: one writer, readers that cannot write, facts that stay."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from storage import annotators, clock, tables
from storage.errors import WorkspaceError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.rows import Batch
from storage.workspace import Workspace


def _names(ledger: Ledger) -> list[str]:
    with ledger.read() as db:
        return [annotator.name for annotator in annotators.listed(db)]


def test_a_write_is_seen_by_readers_after_its_commit(ledger: Ledger) -> None:
    with ledger.write() as tx:
        annotators.get_or_create(tx, "Ada")
        assert _names(ledger) == []
    assert _names(ledger) == ["Ada"]


def test_an_error_inside_a_write_undoes_all_of_it(ledger: Ledger) -> None:
    def fail_in_the_middle() -> None:
        with ledger.write() as tx:
            annotators.get_or_create(tx, "Ada")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail_in_the_middle()
    assert _names(ledger) == []


def test_a_reader_sees_one_state_from_its_first_query_to_its_last(ledger: Ledger) -> None:
    with ledger.read() as db:
        assert annotators.listed(db) == []
        with ledger.write() as tx:
            annotators.get_or_create(tx, "Ada")
        assert annotators.listed(db) == []
    assert _names(ledger) == ["Ada"]


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    with pytest.raises((WorkspaceError, DatabaseError), match=r"read.?only"), ledger.read() as db:
        annotators.get_or_create(db, "Ada")


def test_after_trouble_in_a_read_the_ledger_works_on(ledger: Ledger) -> None:
    with pytest.raises((WorkspaceError, DatabaseError)), ledger.read() as db:
        db.execute(text("SELECT * FROM no_such_table"))
    with pytest.raises((WorkspaceError, DatabaseError)), ledger.write() as tx:
        tx.execute(text("SELECT * FROM no_such_table"))
    with ledger.write() as tx:
        annotators.get_or_create(tx, "Ada")
    assert _names(ledger) == ["Ada"]


def test_the_clock_is_the_time_in_microseconds(ledger: Ledger) -> None:
    with ledger.read() as db:
        before = time.time()
        now = clock.now(db) / clock.SECOND
    # SQLite's clock is exact to the millisecond
    assert before - 0.002 <= now <= time.time() + 0.002


def test_facts_are_never_changed_or_removed(
    fill: Callable[[Connection], None], ledger: Ledger
) -> None:
    with ledger.write() as tx:
        fill(tx)
    for table in map(tables.metadata.tables.__getitem__, tables.APPEND_ONLY):
        column = next(iter(table.primary_key))
        for change in (table.update().values({column: column}), table.delete()):
            with pytest.raises(DatabaseError, match="are facts"), ledger.write() as tx:
                tx.execute(change)


def test_a_row_that_points_nowhere_is_refused(
    ledger: Ledger, make_batch: Callable[..., Batch]
) -> None:
    row = {"batch_id": "nowhere", "pair_id": "nothing", "position": "0"}
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), ledger.write() as tx:
        tx.execute(tables.batch_pairs.insert().values(row))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/name", "??"])
def test_a_url_that_cannot_hold_a_ledger_is_refused(url: str) -> None:
    with pytest.raises(WrongInputError, match="ledger"):
        Ledger(url)


def test_a_database_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/missing/ledger.sqlite")
    with pytest.raises(WorkspaceError, match="missing"), ledger.read():
        pass
    with pytest.raises(WorkspaceError, match="missing"), ledger.write():
        pass
    ledger.close()
    away = Ledger(f"postgresql://someone:hidden@/nothing?host={tmp_path}")
    with pytest.raises(WorkspaceError, match="running and reachable") as caught, away.read():
        pass
    assert "hidden" not in str(caught.value)
    away.close()


def test_a_closed_ledger_says_so(ledger: Ledger) -> None:
    ledger.close()
    ledger.close()
    with pytest.raises(WorkspaceError, match="closed"), ledger.write():
        pass
    with pytest.raises(WorkspaceError, match="closed"), ledger.read():
        pass


def test_sqlite_is_set_to_survive_a_power_cut(workspace: Workspace) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "trusted_schema": 0,
    }
    with workspace.ledger.write() as tx:
        found = {name: tx.execute(text(f"PRAGMA {name}")).scalar() for name in wanted}
        mapped = tx.execute(text("PRAGMA mmap_size")).scalar()
    assert found == wanted
    assert not mapped


def test_the_last_connection_to_close_leaves_no_log_behind(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        annotators.get_or_create(tx, "Ada")
    with workspace.ledger.read() as db:
        annotators.listed(db)
    workspace.close()
    assert not list(workspace.home.glob("*-wal"))


def test_a_write_inside_a_write_is_a_mistake_and_not_a_deadlock(workspace: Workspace) -> None:
    with (
        workspace.ledger.write(),
        pytest.raises(RuntimeError, match="inside a write"),
        workspace.ledger.write(),
    ):
        pass


def test_a_full_disk_is_explained_and_writing_goes_on_after_it(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        annotators.get_or_create(tx, "Ada")
        pages = tx.execute(text("PRAGMA page_count")).scalar()
        tx.execute(text(f"PRAGMA max_page_count={pages}"))

    def write_too_much() -> None:
        with workspace.ledger.write() as tx:
            for number in range(5000):
                annotators.get_or_create(tx, f"Annotator {number}")

    with pytest.raises(WorkspaceError, match=r"disk is full.*Free some space"):
        write_too_much()
    # the connection is new after trouble, and with it the limit is gone
    with workspace.ledger.write() as tx:
        annotators.get_or_create(tx, "Ben")
    assert _names(workspace.ledger) == ["Ada", "Ben"]


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database" * 100)
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    with pytest.raises(WorkspaceError, match="Restore"), ledger.write():
        pass
    with pytest.raises(WorkspaceError, match="Restore"), ledger.read() as db:
        annotators.listed(db)
    ledger.close()


def test_many_threads_write_one_after_the_other(ledger: Ledger) -> None:
    with ledger.write() as tx:
        annotators.get_or_create(tx, "0")

    def count_up() -> None:
        for _ in range(20):
            with ledger.write() as tx:
                table = tables.annotators
                name = tx.execute(select(table.c.name).with_for_update()).scalar_one()
                tx.execute(table.update().values(name=str(int(name) + 1)))

    threads = [threading.Thread(target=count_up) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _names(ledger) == ["120"]


def test_another_program_that_holds_the_file_is_named_as_the_reason(workspace: Workspace) -> None:
    other = sqlite3.connect(workspace.home / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with workspace.ledger.alone() as connection:
        connection.connection.driver_connection.execute("PRAGMA busy_timeout=10")  # type: ignore[union-attr]
    with pytest.raises(WorkspaceError, match="Another program"), workspace.ledger.write():
        pass
    other.close()
