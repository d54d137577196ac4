"""A full disk while people vote: told in clear words, nothing acknowledged lost, no restart."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from storage import tables, workspace
from storage.workspace import Workspace

Voter = Any

_ROOM = 48 * 1024


class FileLimit:
    """The server may not make a file larger: what a quota does, for every user, on any disk."""

    told = "The server cannot do this now."

    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "home"
        self._before = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def fill(self, server: int) -> None:
        wal = self.home / "ledger.sqlite-wal"
        self._before = resource.prlimit(server, resource.RLIMIT_FSIZE)
        limit = (wal.stat().st_size + _ROOM, self._before[1])
        resource.prlimit(server, resource.RLIMIT_FSIZE, limit)

    def make_room(self, server: int) -> None:
        resource.prlimit(server, resource.RLIMIT_FSIZE, self._before)


class SmallDisk:
    """A disk of 8 MB that another file fills up."""

    told = "The disk of the server is full: this is not saved yet."

    def __init__(self, tmp_path: Path) -> None:
        self.disk = tmp_path / "small"
        self.disk.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.disk)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("only root may mount a small disk here")
        self.home = shutil.copytree(tmp_path / "home", self.disk / "home")

    def fill(self, server: int) -> None:
        free = shutil.disk_usage(self.disk).free
        (self.disk / "filler").write_bytes(bytes(free - _ROOM))

    def make_room(self, server: int) -> None:
        (self.disk / "filler").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.disk)], check=True)


@pytest.fixture(params=[FileLimit, SmallDisk])
def disk(request: pytest.FixtureRequest, filled: Workspace, tmp_path: Path) -> Iterator[Any]:
    if sys.platform != "linux":
        pytest.skip("limits and small disks are made with Linux's means")
    made = request.param(tmp_path)
    yield made
    if isinstance(made, SmallDisk):
        made.close()


@contextmanager
def _labeling(home: Path, port: int) -> Iterator[int]:
    command = [sys.executable, "-m", "labeling.server", "--home", str(home), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Labeling server ready")
        try:
            yield process.pid
        finally:
            process.terminate()


@pytest.mark.slow
def test_a_full_disk_is_told_loses_nothing_and_needs_no_restart(
    disk: Any, voters: Callable[..., list[Voter]], free_port: Callable[[], int]
) -> None:
    port = free_port()
    ana, *_ = voters(disk.home, f"http://127.0.0.1:{port}")
    with _labeling(disk.home, port) as server:
        ana.arrive()
        assert ana.vote()
        disk.fill(server)
        for _ in range(400):
            if not ana.vote():
                break
        told = ana.refusals[-1]
        before = len(ana.acknowledged)
        refused = ana.waiting["event"]
        # still full: told again, and what is there can still be read
        assert not ana.vote()
        assert ana.http.get("/healthz").status_code == 200
        disk.make_room(server)
        _until_taken(ana)
        assert ana.acknowledged[before] == refused
        assert all(ana.vote() for _ in range(3))
    assert told["what"] == disk.told
    assert "tried again" in told["next"]
    opened = workspace.open_existing(disk.home)
    with opened.ledger.read() as db:
        stored = list(db.execute(select(tables.votes.c.event_id)).scalars())
        assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    opened.close()
    assert sorted(stored) == sorted(ana.acknowledged)


def _until_taken(voter: Voter) -> None:
    end = time.monotonic() + 60
    while not voter.vote():
        assert time.monotonic() < end, voter.refusals[-1]
        time.sleep(0.05)
