"""A workspace that a newer version made is left alone by every command and every server."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from console import ports, reference
from storage import workspace

Pairwright = Callable[..., Any]
COMMANDS = dict(reference.commands())
# these make a workspace of their own
OWN = ("restore",)


@pytest.fixture(scope="session")
def newer_home(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose ledger has a schema of the future, to copy."""
    home = shutil.copytree(new_home, tmp_path_factory.mktemp("newer") / "home")
    opened = workspace.open_existing(home)
    with opened.ledger.write() as tx:
        tx.execute(text("UPDATE pairwright_schema SET version_num = '9999'"))
    opened.close()
    return home


@pytest.fixture
def newer(newer_home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(newer_home, tmp_path / "home")


def _words(name: str, tmp_path: Path) -> list[str]:
    """The command with something for all that it requires."""
    some_file = tmp_path / "some.jsonl"
    some_file.write_text("{}\n", encoding="utf-8")
    words = name.split()
    for param in COMMANDS[name].params:
        if param.required:
            flag = [] if param.param_type_name == "argument" else [param.opts[0]]
            words += [*flag, str(some_file)]
    if name in ("up", "demo"):
        for flag in ("--labeling-port", "--console-port"):
            words += [flag, str(ports.any_free())]
    return words


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in OWN])
def test_a_command_refuses_it_and_changes_nothing(
    newer: Path, pairwright: Pairwright, tmp_path: Path, name: str
) -> None:
    before = hashlib.sha256((newer / "ledger.sqlite").read_bytes()).hexdigest()
    ended = pairwright(*_words(name, tmp_path), "--home", newer)
    # a command line that lacks something is refused before the workspace is opened
    assert ended.code in (1, 2), ended.out
    if ended.code == 1:
        assert "9999, which is newer" in ended.err + ended.out
        assert "Install the newer version" in ended.err + ended.out
    assert hashlib.sha256((newer / "ledger.sqlite").read_bytes()).hexdigest() == before


@pytest.mark.parametrize("module", ["labeling.server", "console.api.server", "rounds.worker"])
def test_a_server_refuses_it(newer: Path, module: str) -> None:
    port = () if module == "rounds.worker" else ("--port", "0")
    done = subprocess.run(
        [sys.executable, "-m", module, "--home", str(newer), *port],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "9999, which is newer" in done.stderr
    assert "Traceback" not in done.stderr
