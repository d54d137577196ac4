"""Finds the Chromium that browser tests drive; as a script, also installs the system's as root.

In this order: `$CHROMIUM`, the system's, (as a script and as root) the one that apt installs,
Playwright's own where it was installed before. Nothing is ever downloaded from elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ADVICE = (
    "No Chromium was found. Install one (Debian: apt install chromium), or set CHROMIUM to the "
    "path of an executable, or run: playwright install chromium"
)


class NoChromiumError(Exception):
    """There is no browser to drive; the message says how to get one."""


def find() -> str:
    """Path of the executable.

    Raises:
        NoChromiumError: there is none, or `$CHROMIUM` names none.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoChromiumError(f"CHROMIUM is {named!r}, which is no executable. {_ADVICE}")
        return found
    found = _systems() or _playwrights()
    if found is None:
        raise NoChromiumError(_ADVICE)
    return found


def flags() -> list[str]:
    """What Chromium has to be started with: as root its own sandbox cannot work."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def install_if_root() -> None:
    """Install the system's Chromium when there is none and we may."""
    if os.environ.get("CHROMIUM") or _systems() or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing chromium with apt-get (once)", flush=True)
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        done = subprocess.run(["apt-get", "--quiet", *arguments], check=False)
        if done.returncode:
            return


def _systems() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _playwrights() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


if __name__ == "__main__":
    install_if_root()
    try:
        print(f"Browser: {find()}")
    except NoChromiumError as error:
        sys.exit(str(error))
