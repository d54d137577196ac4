"""How much memory a console takes that shows every page of a workspace.

    python -m figures.memory HOME

In a process of its own, with what the console imports; prints megabytes as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOM_MB = 500
_TURNS = 3


def measure(home: Path) -> dict[str, Any]:
    """The largest and the last size of a process that prepares every page three times."""
    here = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "figures.memory", str(home)]
    path = {"PYTHONPATH": f"{here.parent}:{here}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_env(path))
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "bar_mb": ROOM_MB, "met": found["peak_mb"] < ROOM_MB}


def _env(more: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **more}


def _main(home: Path) -> None:
    import streamlit  # noqa: F401
    from pages import trained
    from pages.shown import Pages, annotators_page

    from storage import workspace

    found: dict[str, Any] = {"imports_mb": _status("VmRSS")}
    opened = workspace.open_existing(home)
    pages = Pages(trained.write(opened), home / "records.jsonl")
    pages.write_file()
    grown = {}
    for turn in range(_TURNS):
        for name, page in {**pages.by_name(), "annotators": annotators_page}.items():
            page(opened, turn)
            grown[name] = _status("VmHWM")
    opened.close()
    found |= {"peak_mb": _status("VmHWM"), "last_mb": _status("VmRSS"), "peak_after": grown}
    print(json.dumps(found))


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
