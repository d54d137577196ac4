"""Processes one after the other that can be killed, without the imports: what takes long is loaded
once, then every process is forked from here.

`python forking.py WHAT WORDS...`, with WHAT one of the functions below: for every line on standard
input a process is forked, its id printed, then what it prints itself, at its end `gone STATUS`,
which is negative for a signal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

Child = Callable[[str], int]


def labeling(home: str, port: str) -> Child:
    """The labeling server."""
    from labeling import application, server

    assert application
    return lambda line: server.main(["--home", home, "--port", port])


def api(home: str, port: str) -> Child:
    """The API, with what a request would load first."""
    import polars

    from console.api import application, server

    assert application
    assert polars
    return lambda line: server.main(["--home", home, "--port", port])


def worker(runner: str) -> Child:
    """A worker in a hurry whose runner is the script `runner`. A line is `HOME`, or `HOME N` to be
    killed at the N-th touch of a file there."""
    from storage import sealing, workspace
    from training.jobs import worker
    from training.jobs.lease import Pace

    assert sealing
    pace = Pace(lease=60, renew=0.3, unreachable=20, look=0.02, grace=5, idle=0.02)
    command = (sys.executable, runner)

    def child(line: str) -> int:
        home, *touch = line.split()
        if touch:
            _die_at(int(touch[0]), home)
        opened = workspace.open_existing(Path(home))
        worker.run(opened, stop=threading.Event(), once=True, pace=pace, command=command)
        return 0

    return child


def runner() -> Child:
    """The runner. A line is `FOLDER` of a job, or `FOLDER N` to be killed at the N-th touch of a
    file there, which is printed."""
    from training.jobs import runner
    from training.jobs.folder import JobFolder
    from training.runs import dpo

    assert dpo

    def child(line: str) -> int:
        folder, *touch = line.split()
        if touch:
            _die_at(int(touch[0]), folder)
        return runner.run(JobFolder(Path(folder)))

    return child


def console() -> Child:
    """What the console writes on its own. A line is `HOME STEP`, a step of `killed_steps.py`, or
    `HOME STEP N` to be killed at the N-th touch of a file there or statement to the ledger."""
    from sqlalchemy import Engine, event

    from tests.console import killed_steps

    def child(line: str) -> int:
        home, step, *touch = line.split()
        note = _die_at(int(touch[0]) if touch else 0, home)
        event.listen(Engine, "before_cursor_execute", lambda _, cursor, words, *rest: note(words))
        event.listen(Engine, "commit", lambda connection: note("commit"))
        killed_steps.STEPS[step](Path(home))
        print("touches", note("the end"), flush=True)
        return 0

    return child


_TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}


def _die_at(touch: int, folder: str) -> Callable[[str], int]:
    """Kill this process at the given touch of a file in the folder. Returns what notes a touch of
    another kind, and says how many there were."""
    seen = 0

    def note(what: str) -> int:
        nonlocal seen
        seen += 1
        if seen == touch:
            print(" ".join(what.split()), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return seen

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _TOUCHES and folder in str(arguments[0]):
            note(f"{event} {arguments[0]}")

    sys.addaudithook(hook)
    return note


def main() -> None:
    child = globals()[sys.argv[1]](*sys.argv[2:])
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            sys.stdin.close()
            # by the child, so that nothing that it says comes before
            print(os.getpid(), flush=True)
            os._exit(child(line))
        _, status = os.waitpid(pid, 0)
        print("gone", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
