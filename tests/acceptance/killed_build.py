"""A dataset build that kills itself at a step: `python killed_build.py HOME STEP...`.

For every STEP the folder HOME-STEP, a copy of HOME made here, gets a build that is killed with
SIGKILL at its STEP-th touch of a file in the workspace. Prints STEP and `killed` or `done`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

_TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect", "os.listdir"}


def main() -> None:
    from rounds import dataset
    from storage import workspace

    original = Path(sys.argv[1])
    for step in map(int, sys.argv[2:]):
        home = original.with_name(f"{original.name}-{step}")
        shutil.copytree(original, home)
        child = os.fork()
        if child == 0:
            opened = workspace.open_existing(home)
            _die_at(step, str(home))
            dataset.build(opened, dataset.BuildSettings(labels="votes", holdout=0.25))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(step, "killed" if os.WIFSIGNALED(status) else "done", flush=True)
        assert status in (0, signal.SIGKILL)


def _die_at(step: int, home: str) -> None:
    touches = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal touches
        if event in _TOUCHES and any(home in str(word) for word in arguments):
            touches += 1
            if touches == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
