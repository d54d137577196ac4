"""A machine without a browser: the tests that need one say so, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "browser" / "chromium.py"


def test_a_browser_that_is_named_but_not_there_is_told_with_what_to_do() -> None:
    environment = {**os.environ, "CHROMIUM": "no-such-browser"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "no-such-browser" in done.stderr
    assert "Install one (Debian: apt install chromium)" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_program_of_ours_loads_the_library_that_drives_browsers() -> None:
    code = (
        "import console.main, console.serving, labeling.application, console.api.application, sys;"
        "print('playwright' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
