"""One writer at a time, between threads and between processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.errors import WorkspaceError
from storage.lock import LedgerLock

HOLDER = """
import sys
from pathlib import Path
from storage.lock import LedgerLock
with LedgerLock(Path(sys.argv[1])).hold():
    print("held", flush=True)
    sys.stdin.readline()
"""

# hold 5 ms, free for an instant, for as long as the parent lets it: what a long import does
GREEDY = """
import sys, time
from pathlib import Path
from storage.lock import LedgerLock
lock = LedgerLock(Path(sys.argv[1]))
stop = Path(sys.argv[2])
print("held", flush=True)
while not stop.exists():
    with lock.hold():
        time.sleep(0.005)
"""

# reads, waits and writes back: loses counts unless only one process does it at a time
COUNTER = """
import sys, time
from pathlib import Path
from storage.lock import LedgerLock
lock, total = LedgerLock(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(100):
    with lock.hold():
        total.write_text(str(int(total.read_text()) + 1))
"""


@contextmanager
def _child(program: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def test_a_wait_that_is_too_long_names_the_file_and_the_process(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    with _child(HOLDER, ledger) as child:
        assert _line(child) == "held\n"
        lock = LedgerLock(ledger, timeout=0.05)
        with pytest.raises(WorkspaceError) as caught, lock.hold():
            pass
        assert f"process {child.pid}" in caught.value.what
        assert str(lock.path) in caught.value.what
        assert "stop it" in caught.value.next_step


def test_a_killed_holder_gives_the_lock_back(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    with _child(HOLDER, ledger) as child:
        assert _line(child) == "held\n"
        child.kill()
        child.wait()
        with LedgerLock(ledger).hold():
            assert int(LedgerLock(ledger).path.read_text()) == os.getpid()


def test_only_one_process_is_inside_at_a_time(tmp_path: Path) -> None:
    total = tmp_path / "total"
    total.write_text("0")
    ledger = tmp_path / "ledger.sqlite"
    with _child(COUNTER, ledger, total) as one, _child(COUNTER, ledger, total) as other:
        assert one.wait() == other.wait() == 0
    assert total.read_text() == "200"


def test_a_process_that_writes_without_pause_does_not_starve_the_others(tmp_path: Path) -> None:
    ledger, stop = tmp_path / "ledger.sqlite", tmp_path / "stop"
    with _child(GREEDY, ledger, stop) as child:
        assert _line(child) == "held\n"
        lock = LedgerLock(ledger, timeout=60)
        for _ in range(20):
            with lock.hold():
                pass
        stop.touch()
        assert child.wait() == 0


def test_after_an_error_inside_the_lock_is_free(tmp_path: Path) -> None:
    lock = LedgerLock(tmp_path / "ledger.sqlite", timeout=0.05)
    with pytest.raises(ValueError, match="inside"), lock.hold():
        raise ValueError("inside")
    with lock.hold():
        pass


def test_a_folder_that_is_gone_is_a_clear_error(tmp_path: Path) -> None:
    lock = LedgerLock(tmp_path / "gone" / "ledger.sqlite")
    with pytest.raises(WorkspaceError, match="gone"), lock.hold():
        pass
