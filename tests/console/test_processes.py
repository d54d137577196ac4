"""Child processes: started, looked after, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from console import processes
from console.processes import Child, Service
from storage.errors import PairwrightError

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('here', flush=True); time.sleep(60)"
)


def service(folder: Path, code: str, name: str = "sleeper") -> Service:
    log = folder / "logs" / f"{name}.log"
    return Service(
        name,
        (sys.executable, "-c", code),
        log,
        lambda _: log.exists() and "here" in log.read_text(),
    )


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_all_are_ready_before_the_start_returns_and_gone_after_the_stop(tmp_path: Path) -> None:
    children = [Child(service(tmp_path, SLEEPER, name)) for name in ("one", "two")]
    said: list[str] = []
    processes.start_all(children, said.append, Event())
    assert len(said) == 2
    processes.stop_all(children, said.append)
    assert all(child.exit_code is not None for child in children)
    assert said[-2:] == ["Stopped the two.", "Stopped the one."]


def test_one_that_dies_at_the_start_stops_the_others_and_shows_its_last_words(
    tmp_path: Path,
) -> None:
    broken = Child(service(tmp_path, "print('no room left'); raise SystemExit(3)", "broken"))
    other = Child(service(tmp_path, SLEEPER, "other"))
    with pytest.raises(PairwrightError) as caught:
        processes.start_all([other, broken], print, Event())
    assert "exit code 3" in caught.value.what
    assert "no room left" in caught.value.what
    assert "broken.log" in caught.value.next_step
    assert other.exit_code is not None


def test_a_child_that_is_killed_is_reported_and_started_again(tmp_path: Path) -> None:
    child = Child(service(tmp_path, SLEEPER))
    said: list[str] = []
    processes.start_all([child], said.append, Event())
    first = child.pid
    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        child.look_after(said.append)
        return child.pid != first

    try:
        wait_until(is_back)
    finally:
        child.stop()
    assert "signal 9" in said[1]
    assert "here" in said[1]
    assert "started again" in said[2]


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = Child(service(tmp_path, STUBBORN))
    processes.start_all([child], lambda _: None, Event())
    child.stop(within=0.2)
    assert child.exit_code == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties processes")
def test_a_tied_program_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import os, subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-m', 'console.tied', str(os.getpid()),"
        f"{sys.executable!r}, '-c', {SLEEPER!r}]);"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"here\n"
    # the child may speak before its parent has written down which one it is
    wait_until(lambda: pid_file.exists() and pid_file.read_text() != "")
    tied = int(pid_file.read_text())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not _is_running(tied))


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
