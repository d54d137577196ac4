"""Trouble under the API: a ledger that another program locks, and a kill while jobs come in."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from console import ports
from console.api import keys
from storage import tables

Api = Any
KILLS = 5


def test_a_ledger_that_another_program_locks_is_told_and_works_again_without_a_restart(
    api: Api,
) -> None:
    wanted = {"kind": "train", "dataset": "v1", "start_from": "tiny"}
    with api.calling("write") as program:
        assert program.get("/v1/jobs").status_code == 200
        with closing(sqlite3.connect(api.workspace.ledger.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = program.post("/v1/jobs", json=wanted)
            read = program.get("/v1/jobs")
            other.rollback()
        assert refused.status_code == 503
        assert "locked" in refused.json()["what"]
        assert "Another program" in refused.json()["next_step"]
        assert read.status_code == 200
        assert program.post("/v1/jobs", json=wanted).status_code == 201


@pytest.mark.slow
def test_a_job_asked_for_again_after_a_kill_is_one_job(api: Api) -> None:
    token = keys.mint(api.workspace, "nightly", "write").token
    home, port = str(api.workspace.home), ports.any_free()
    command = [sys.executable, "-m", "console.api.server", "--home", home, "--port", str(port)]
    wanted = {"kind": "train", "dataset": "v1", "start_from": "tiny"}
    made: dict[str, str] = {}
    for cycle in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            assert server.stdout.readline().startswith(b"API ready")
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as program:
                for number in range(3 * cycle + 3):
                    once = {"Idempotency-Key": f"run {number}"}
                    answer = program.post("/v1/jobs", json=wanted, headers=once)
                    assert answer.status_code == 201
                    job = answer.json()["id"]
                    assert made.setdefault(f"run {number}", job) == job
            os.kill(server.pid, signal.SIGKILL)
    assert len(set(made.values())) == len(made) == 3 * KILLS
    with api.workspace.ledger.read() as db:
        kept = (
            select(func.count()).select_from(tables.jobs).where(tables.jobs.c.id.in_(made.values()))
        )
        assert db.execute(kept).scalar_one() == len(made)
