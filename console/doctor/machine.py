"""Checks of the machine: Python, libraries, GPU, room on the disk, ports."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from console import ports, serving
from console.doctor import findings
from console.doctor.findings import Finding
from storage import health
from storage.errors import PairwrightError

_OLDEST_PYTHON = (3, 11)
_GB = 1_000_000_000
_LITTLE_ROOM, _NO_ROOM = 5 * _GB, 1 * _GB
_SHOWN = 5


def python() -> Iterator[Finding]:
    """The interpreter and the SQLite that it was built with."""
    said = f"Python {platform.python_version()}, SQLite {health.sqlite_version()}"
    if sys.version_info < _OLDEST_PYTHON:
        yield findings.problem("python", f"{said}.", "Use Python 3.11 or newer.")
    else:
        yield findings.ok("python", f"{said}.")


def libraries() -> Iterator[Finding]:
    """Whether what is installed fits what this version was made for."""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in metadata.requires("pairwright") or ()]
    always = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    unfit = []
    for one in always:
        try:
            found = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            unfit.append(f"{one.name} is not installed")
            continue
        if not one.specifier.contains(found, prereleases=True):
            unfit.append(f"{one.name} {found} is not {one.specifier}")
    if unfit:
        what = f"{len(unfit)} of {len(always)} libraries do not fit: {', '.join(unfit[:_SHOWN])}."
        yield findings.problem("libraries", what, "Run make setup, or install requirements.lock.")
    else:
        yield findings.ok("libraries", f"{len(always)} libraries as this version needs them.")


def gpu() -> Iterator[Finding]:
    """torch and the graphics card, without loading torch."""
    try:
        torch = metadata.version("torch")
    except metadata.PackageNotFoundError:
        yield findings.problem("gpu", "torch is not installed.", "Run make setup.")
        return
    cards = _cards()
    if not cards:
        yield findings.ok("gpu", f"torch {torch}, no NVIDIA GPU: models run on the CPU.")
    elif torch.endswith("+cpu"):
        yield findings.warning(
            "gpu",
            f"torch {torch} cannot use {cards[0]}.",
            "Install torch with CUDA to train on it.",
        )
    else:
        yield findings.ok("gpu", f"torch {torch}, {len(cards)} GPU: {', '.join(cards[:_SHOWN])}.")


def disk(home: Path) -> Iterator[Finding]:
    """Room where the workspace is: a full disk takes no votes."""
    free = shutil.disk_usage(home).free
    said = f"{free / _GB:.1f} GB free at {home}."
    if free < _NO_ROOM:
        yield findings.problem("disk", said, "Free some space now: votes need it.")
    elif free < _LITTLE_ROOM:
        yield findings.warning("disk", said, "Free some space: a training writes checkpoints.")
    else:
        yield findings.ok("disk", said)


def servers(home: Path) -> Iterator[Finding]:
    """Whether the servers of `up` answer, or their ports are free."""
    where = serving.known_addresses(home)
    known = [
        ("labeling server", where.labeling_port, "/healthz", "--labeling-port"),
        ("console", where.console_port, "/_stcore/health", "--console-port"),
        ("API", where.api_port or serving.API_PORT, "/health", "--api-port"),
    ]
    for name, port, path, flag in known:
        if ports.answers(port, path):
            yield findings.ok("servers", f"The {name} answers on port {port}.")
            continue
        try:
            ports.check_free(ports.LOOPBACK, port, name, flag)
        except PairwrightError as error:
            yield findings.warning("servers", error.what, error.next_step)
        else:
            yield findings.ok("servers", f"The {name} is not running; port {port} is free.")


def _cards() -> list[str]:
    """Names of NVIDIA's cards as the driver tells them."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        asked = [tool, "--query-gpu=name", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]
