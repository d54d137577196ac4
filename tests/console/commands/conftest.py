"""The command line as tests use it: run in this process on a workspace of the test's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.main import main
from console.options import HOME_VARIABLE


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


Pairwright = Callable[..., Ended]


@pytest.fixture
def pairwright(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Pairwright:
    """`pairwright("batch", "list")` runs the command on the workspace `tmp_path / "home"`."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))

    def run(*words: object) -> Ended:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A file with six good records without pictures."""
    path = tmp_path / "records.jsonl"
    write_records(path, range(6))
    return path


@pytest.fixture(scope="session")
def imported_home(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace with the six records in batch `first`, to copy."""
    folder = tmp_path_factory.mktemp("imported")
    home = shutil.copytree(new_home, folder / "home")
    write_records(folder / "records.jsonl", range(6))
    words = ("import", folder / "records.jsonl", "--batch", "first", "--home", home)
    assert main([str(word) for word in words]) == 0
    return home


@pytest.fixture
def imported(
    pairwright: Pairwright, records: Path, imported_home: Path, tmp_path: Path
) -> Pairwright:
    """The command line, on a workspace with the six records in batch `first`."""
    shutil.copytree(imported_home, tmp_path / "home")
    return pairwright


def write_records(path: Path, numbers: range) -> None:
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"What is {number} plus one?"},
                {"role": "assistant", "content": f"It is {number + 1}."},
            ],
            "rejected_response": f"It is {number}.",
            "id": f"sum-{number}",
            "category": "counting",
        }
        for number in numbers
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
