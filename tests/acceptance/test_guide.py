"""The commands of the guide and of the README, run as they are written, in their order."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples" / "photos"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# servers that run until they are told to stop
STAYING = ("pairwright up",)


def commands(page: str) -> list[str]:
    """The lines of a page's `sh` blocks, without comments, continued lines joined."""
    text = "".join(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")))
    lines = text.replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in lines if line.strip()[:1] not in ("", "#")]


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """The folder of a reader who has a file of records beside its pictures."""
    folder = tmp_path / "reader"
    folder.mkdir()
    shutil.copy(PHOTOS / "preferences.jsonl", folder / "preferences.jsonl")
    shutil.copytree(PHOTOS / "images", folder / "pictures" / "images")
    (folder / "pictures" / "prompts.jsonl").write_text(prompts(6), encoding="utf-8")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


def prompts(count: int) -> str:
    """The first records with pictures, as questions without answers."""
    lines = (PHOTOS / "preferences.jsonl").read_text(encoding="utf-8").splitlines()
    records = [record for record in map(json.loads, lines) if record.get("images")][:count]
    asked = [{"messages": r["messages"][:-1], "images": r["images"]} for r in records]
    return "".join(json.dumps(record) + "\n" for record in asked)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_the_commands_of_a_page_work_as_they_are_written(page: str, reader: Path) -> None:
    found = commands(page)
    assert found
    for command in found:
        if command.startswith(STAYING):
            start_and_stop(command, reader)
        else:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=reader,
                env=environment(),
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def start_and_stop(command: str, folder: Path) -> None:
    """Start the servers, wait until they say how to stop them, and do that."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Stop "):
            break
    process.send_signal(signal.SIGINT)
    said.append(process.communicate(timeout=240)[0])
    assert process.returncode == 0, "".join(said)


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
