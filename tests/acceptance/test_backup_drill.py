"""The drill: people vote, a backup is made meanwhile, and it is restored somewhere else."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.main import main
from labeling.agreement import report
from rounds import dataset
from storage import tables, votes, workspace
from storage.workspace import Workspace

Voter = Any
# settings under which nearly every vote makes a row
SETTINGS = dataset.BuildSettings(labels="votes", min_agreement=0.5, holdout=0.2)


@pytest.mark.slow
def test_a_backup_made_while_people_vote_brings_back_everything_acknowledged_before_it(
    filled: Workspace,
    voters: Callable[..., list[Voter]],
    tmp_path: Path,
    free_port: Callable[[], int],
) -> None:
    port = free_port()
    people = voters(filled.home, f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "labeling.server", "--home", str(filled.home)]
    stop = threading.Event()
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith(b"Labeling server ready")
        threads = [threading.Thread(target=one.vote_until, args=(stop,)) for one in people]
        for one, thread in zip(people, threads, strict=True):
            one.arrive()
            thread.start()
        _until_all_have(people, 20)
        before = [event for one in people for event in list(one.acknowledged)]
        saved = ["backup", str(tmp_path / "saved.tar"), "--home", str(filled.home)]
        assert main(saved) == 0
        after = sum(len(one.acknowledged) for one in people)
        _until_all_have(people, max(len(one.acknowledged) for one in people) + 5)
        stop.set()
        for thread in threads:
            thread.join(30)
        server.terminate()
    assert sum(len(one.acknowledged) for one in people) > after
    assert main(["restore", str(tmp_path / "saved.tar"), "--home", str(tmp_path / "new")]) == 0
    _compare(filled.home, tmp_path / "new", set(before))


def _until_all_have(people: list[Voter], count: int) -> None:
    end = time.monotonic() + 60
    while any(len(one.acknowledged) < count for one in people):
        assert time.monotonic() < end
        time.sleep(0.01)


def _compare(home: Path, new: Path, acknowledged: set[str]) -> None:
    original, restored = workspace.open_existing(home), workspace.open_existing(new)
    with original.ledger.read() as db:
        everything = {row.event_id: tuple(row) for row in db.execute(select(tables.votes))}
    with restored.ledger.read() as db:
        rows = [tuple(row) for row in db.execute(select(tables.votes))]
        assert len(votes.effective(db)) == len(rows)
    events = [row[0] for row in rows]
    assert len(events) == len(set(events))
    assert acknowledged <= set(events) < set(everything)
    assert all(everything[row[0]] == row for row in rows)
    # taken back to the votes of the backup, the original gives the same dataset and agreement
    _forget_other_votes(original, set(events))
    built = [dataset.build(one, SETTINGS) for one in (original, restored)]
    assert built[0].digest == built[1].digest
    assert built[0].rows > 0
    assert report.of_batch(original, "first") == report.of_batch(restored, "first")
    for one in (original, restored):
        one.close()


def _forget_other_votes(original: Workspace, kept: set[str]) -> None:
    """Against the guards of an append-only table, which only a test may take away."""
    with original.ledger.write() as tx:
        for name in (
            tx.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'votes'"
            )
            .scalars()
            .all()
        ):
            tx.exec_driver_sql(f"DROP TRIGGER {name}")
        tx.execute(tables.votes.delete().where(tables.votes.c.event_id.not_in(kept)))
