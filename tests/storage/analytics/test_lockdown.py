"""What DuckDB must refuse, whatever statement reached it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars
import pytest

from storage import segments
from storage.analytics.engine import Cursor, Engine
from storage.errors import DamagedError
from storage.workspace import Workspace


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    """The folder of the segments, with a link in it that leads out."""
    place = segments.folder(workspace)
    place.mkdir()
    secret = workspace.home / "outside.csv"
    secret.write_text("a,b\n1,2\n", encoding="utf-8")
    (place / "link.csv").symlink_to(secret)
    polars.DataFrame({"a": [1]}).write_parquet(place / "inside.parquet")
    return place


ESCAPES = (
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/hostname')",
    "SELECT * FROM read_csv('{home}/outside.csv')",
    "SELECT * FROM read_text('{folder}/../secret')",
    "SELECT * FROM read_csv('{folder}/link.csv')",
    "SELECT * FROM '{home}/outside.csv'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('{home}/outside.csv')",
    "SELECT * FROM read_parquet('https://example.test/x.parquet')",
    "ATTACH '{home}/other.duckdb'",
    "ATTACH '{home}/ledger.sqlite' (TYPE sqlite)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "CREATE SECRET found (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "COPY (SELECT 1) TO '{home}/out.csv'",
    "COPY (SELECT 1) TO '{folder}/../out.csv'",
    "EXPORT DATABASE '{home}/export'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET lock_configuration = false",
    "SET memory_limit = '64GB'",
    "SET autoload_known_extensions = true",
    "RESET enable_external_access",
    "PRAGMA enable_external_access",
)


@pytest.mark.parametrize("sql", ESCAPES)
def test_a_statement_cannot_reach_what_is_outside(sql: str, folder: Path) -> None:
    before = sorted(folder.parent.rglob("*"))
    statement = sql.format(folder=folder, home=folder.parent)
    with Engine(folder).cursor({}) as cursor, pytest.raises(duckdb.Error):
        cursor.query(statement)
    assert sorted(folder.parent.rglob("*")) == before


def test_a_variable_of_the_program_is_no_table(folder: Path) -> None:
    frame = polars.DataFrame({"a": [1]})
    with Engine(folder).cursor({}) as cursor, pytest.raises(duckdb.CatalogException):
        cursor.query("SELECT * FROM frame")
    assert frame.height == 1


def test_a_cursor_sees_its_own_frames_and_no_others(folder: Path) -> None:
    engine = Engine(folder)
    with (
        engine.cursor({"mine": polars.DataFrame({"a": [1]})}) as one,
        engine.cursor({"mine": polars.DataFrame({"a": [2]})}) as other,
    ):
        assert (_only(one, "mine"), _only(other, "mine")) == (1, 2)
    with engine.cursor({}) as third, pytest.raises(duckdb.CatalogException):
        _only(third, "mine")


def test_the_segments_are_read_from_a_folder_with_any_name(tmp_path: Path) -> None:
    place = tmp_path / 'it\'s "odd" [1]'
    place.mkdir()
    path = place / "s.parquet"
    polars.DataFrame({"a": [7]}).write_parquet(path)
    with Engine(place).cursor({}) as cursor:
        found = cursor.query("SELECT * FROM read_parquet($segments)", {"segments": [str(path)]})
        assert found.to_dicts() == [{"a": 7}]


def test_a_value_is_never_part_of_a_statement(folder: Path) -> None:
    words = "'; COPY (SELECT 1) TO 'out.csv'; --"
    with Engine(folder).cursor({}) as cursor:
        assert cursor.query("SELECT $words AS words", {"words": words}).item() == words


def test_a_segment_that_is_missing_is_an_error_of_ours(folder: Path) -> None:
    missing = str(folder / "votes" / "gone.parquet")
    with Engine(folder).cursor({}) as cursor, pytest.raises(DamagedError, match="gone"):
        cursor.query("SELECT * FROM read_parquet($segments)", {"segments": [missing]})


def _only(cursor: Cursor, table: str) -> object:
    return cursor.query(f"SELECT a FROM {table}").item()  # noqa: S608
