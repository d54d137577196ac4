"""An import that is long, stopped, run again, or run twice at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from storage import batches, pairs, swift_import, tables
from storage import workspace as workspaces
from storage.pairs import PairFilter
from storage.rows import ImportReport, PairView
from storage.workspace import Workspace

Record = Callable[..., dict[str, Any]]
WriteLines = Callable[..., Path]


def _all(workspace: Workspace, batch: str = "first") -> list[PairView]:
    with workspace.ledger.read() as db:
        return pairs.page(db, PairFilter(batch=batch), limit=1000)


def _numbers(report: ImportReport) -> tuple[int, ...]:
    return (report.records, report.imported, report.present, len(report.rejected), report.conflicts)


def test_a_long_import_is_written_in_many_transactions(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    path = write_lines([record(f"Question {n}?") for n in range(200)])
    assert swift_import.import_file(workspace, path, batch="first").imported == 200
    with workspace.ledger.read() as db:
        times = set(db.execute(tables.pairs.select()).columns("created_at").scalars())
        assert batches.pair_count(db, batches.get(db, "first").id) == 200
    assert len(times) > 2


def test_an_import_that_was_stopped_is_finished_by_running_it_again(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    path = write_lines([record(f"Question {n}?") for n in range(80)])

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swift_import.import_file(workspace, path, batch="first", progress=stop)
    there = len(_all(workspace))
    assert 0 < there < 80
    assert _numbers(swift_import.import_file(workspace, path, batch="first")) == (
        *(80, 80 - there, there),
        *(0, 0),
    )


def test_two_imports_at_once_add_each_pair_once_on_either_database(
    ledger_url: str, tmp_path: Path, record: Record, write_lines: WriteLines
) -> None:
    path = write_lines([record(f"Question {n}?") for n in range(60)])
    places = [workspaces.create(tmp_path / f"{n}", ledger_url=ledger_url) for n in range(2)]
    try:
        with ThreadPoolExecutor() as pool:
            reports = list(
                pool.map(lambda place: swift_import.import_file(place, path, batch="first"), places)
            )
        assert sum(report.imported for report in reports) == 60
        assert sum(report.present for report in reports) == 60
        assert len(_all(places[0])) == 60
    finally:
        for place in places:
            place.close()
