"""A run of three processes that trains nothing: what the second does is the spec's task_name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from storage.errors import PairwrightError
from training.jobs import crew
from training.jobs.crew import Crew, SmallerBatchesError
from training.jobs.folder import JobFolder


def _other(folder: JobFolder) -> None:
    third = folder.path / "third"
    if os.environ["RANK"] == "2":
        third.write_text(str(os.getpid()), encoding="ascii")
        time.sleep(60)
    while not third.exists():
        time.sleep(0.02)
    deed = folder.read_spec().settings["task_name"]
    if deed == "fails":
        raise PairwrightError("The value is 3.", "Use 4.")
    if deed == "has no memory":
        raise SmallerBatchesError({"batch_size": 2})
    if deed == "loses the others":
        raise RuntimeError("Connection closed by peer [127.0.0.1]:1")
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    folder = JobFolder(Path(sys.argv[1]))
    folder.read_spec()
    if crew.is_member():
        return crew.serve(folder, _other)
    if crew.SMALLER_VARIABLE in os.environ:
        folder.finish(None, None, {"smaller": os.environ[crew.SMALLER_VARIABLE]})
        return 0
    folder.note("started")
    Crew(folder, 3, (sys.executable, __file__))
    time.sleep(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
