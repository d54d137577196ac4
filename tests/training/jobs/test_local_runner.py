"""Runner processes: what they may know, how they end, and that none is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from training.jobs import local_runner
from training.jobs.folder import JobFolder, RunSpec
from training.jobs.local_runner import LocalRunner

MODEL_FREE = (sys.executable, str(Path(__file__).with_name("model_free_runner.py")))
Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    made = JobFolder(tmp_path / "j")
    orders = {"task_name": '{"steps":10000,"pause":0.02}'}
    made.write_spec(RunSpec(job="j", attempt=1, kind="train", settings=orders, model="m"))
    return made


def test_a_runner_gets_no_word_about_the_ledger() -> None:
    base = {"PAIRWRIGHT_HOME": "/h", "PGPASSWORD": "x", "HF_HUB_OFFLINE": "1", "PATH": "/bin"}
    given = local_runner.environment(base)
    assert given["HF_HUB_OFFLINE"] == "1"
    assert given["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert given["PATH"] == "/bin"
    assert not {"PAIRWRIGHT_HOME", "PGPASSWORD"} & set(given)


def test_a_runner_stops_when_asked_and_leaves_the_session_of_its_worker(
    folder: JobFolder, until: Until
) -> None:
    runner = LocalRunner(folder, MODEL_FREE)
    until(folder.events_file.exists)
    assert runner.poll() is None
    assert os.getsid(runner.pid) == runner.pid
    runner.ask_to_stop()
    until(lambda: runner.poll() is not None)
    assert runner.poll() == 0
    result = folder.result()
    assert result is not None
    assert result.state == "stopped"
    runner.ask_to_stop()
    assert runner.kill() == 0


def test_a_killed_runner_tells_by_which_signal(folder: JobFolder) -> None:
    runner = LocalRunner(folder, MODEL_FREE)
    assert runner.kill() == -signal.SIGKILL
    assert runner.poll() == -signal.SIGKILL
    assert "signal 9, SIGKILL (out of memory, or killed by hand)" in local_runner.describe_exit(-9)
    assert "signal 15, SIGTERM." in local_runner.describe_exit(-15)
    assert "unknown signal" in local_runner.describe_exit(-99)
    assert "exit status 3 and no result" in local_runner.describe_exit(3)


def test_the_runner_of_an_earlier_attempt_is_ended_and_strangers_are_left_alone(
    folder: JobFolder, until: Until
) -> None:
    runner = LocalRunner(folder, MODEL_FREE)
    until(folder.events_file.exists)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        for pid in (0, -1, stranger.pid, os.getpid()):
            local_runner.end_leftover(pid, folder)
        assert stranger.poll() is None
        assert runner.poll() is None
        local_runner.end_leftover(runner.pid, folder)
        # a process that is being taken down has no command line any more and is no zombie yet
        until(lambda: runner.poll() is not None)
        assert runner.poll() == -signal.SIGKILL
    finally:
        stranger.kill()
        stranger.wait()


def test_a_runner_ends_itself_when_a_later_attempt_has_begun_in_its_folder(
    folder: JobFolder, until: Until
) -> None:
    runner = LocalRunner(folder, MODEL_FREE)
    until(folder.events_file.exists)
    spec = folder.read_spec()
    folder.write_spec(RunSpec(**{**vars(spec), "attempt": 2}))
    until(lambda: runner.poll() is not None)
    assert runner.poll() == -signal.SIGKILL
    assert "later attempt" in folder.log_tail()


def test_a_dead_process_and_a_zombie_are_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert local_runner.is_alive(os.getpid())
    while local_runner.is_alive(child.pid):
        time.sleep(0.01)
    assert Path(f"/proc/{child.pid}").exists()
    child.wait()
    assert not local_runner.is_alive(child.pid)
    assert not local_runner.is_alive(0)
