"""What all commands share: options before and after, exit codes, errors, help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console import failures
from console.commands import models
from console.main import main
from console.options import Chosen

Pairwright = Callable[..., Any]


def test_help_lists_every_command_in_the_order_of_the_loop(pairwright: Pairwright) -> None:
    ended = pairwright("--help")
    assert ended.code == 0
    shown = [line.split()[0] for line in ended.out.partition("Commands:\n")[2].splitlines() if line]
    assert shown[:4] == ["init", "import", "batch", "link"]
    assert shown[-1] == "demo"


def test_the_version_is_the_one_of_the_distribution(pairwright: Pairwright) -> None:
    from importlib.metadata import version

    assert pairwright("--version").out == f"pairwright {version('pairwright')}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "--home", "{}", "batch", "list"),
        ("batch", "--json", "--home", "{}", "list"),
        ("batch", "list", "--home", "{}", "--json"),
        ("--json", "batch", "list", "--home", "{}"),
    ],
)
def test_json_and_home_work_before_and_after_the_command(
    pairwright: Pairwright, tmp_path: Path, words: tuple[str, ...]
) -> None:
    other = tmp_path / "elsewhere"
    assert pairwright("init", "--home", other).code == 0
    ended = pairwright(*(word.format(other) for word in words))
    assert ended.code == 0
    assert ended.result == {"batches": []}


def test_without_a_workspace_the_message_names_the_command_that_makes_one(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    ended = pairwright("batch", "list")
    assert ended.code == 1
    assert ended.out == ""
    assert "pairwright init" in ended.err
    assert str(tmp_path / "home") in ended.err


def test_an_error_is_json_on_standard_output_and_words_on_standard_error(
    pairwright: Pairwright,
) -> None:
    ended = pairwright("batch", "list", "--json")
    assert ended.code == 1
    assert set(ended.result["error"]) == {"what", "next"}
    assert ended.result["error"]["what"] in ended.err


@pytest.mark.parametrize(
    "words",
    [("batch", "lst"), ("import",), ("batch", "list", "--nope"), ("up", "--host", "192.0.2.1")],
)
def test_wrong_use_ends_with_2_and_points_to_the_help(
    pairwright: Pairwright, words: tuple[str, ...]
) -> None:
    ended = pairwright(*words, "--json")
    assert ended.code == 2
    assert "--help" in ended.result["error"]["next"]


def test_a_mistyped_command_is_answered_with_the_nearest(pairwright: Pairwright) -> None:
    assert "list" in pairwright("batch", "lst").err


def test_an_unexpected_error_goes_to_a_file_of_the_workspace_and_shows_no_traceback(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    pairwright("init")
    chosen = Chosen(home=tmp_path / "home")
    assert failures.report(ZeroDivisionError("division by zero"), chosen) == 1
    [log] = (tmp_path / "home" / "logs").glob("error-*.txt")
    assert "ZeroDivisionError: division by zero" in log.read_text()


def test_debug_shows_the_traceback_of_an_unexpected_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # a table that the command relies on is taken away: no error that we foresee
    monkeypatch.setattr(models, "_COLUMNS", None)
    home = str(tmp_path / "home")
    assert main(["init", "--home", home]) == 0
    assert main(["model", "add", "tiny", "org/tiny", "--home", home]) == 0
    capsys.readouterr()
    assert main(["model", "list", "--home", home, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert main(["model", "list", "--home", home]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "--debug" in said


def test_a_workspace_is_made_once(pairwright: Pairwright, tmp_path: Path) -> None:
    first, second = pairwright("init", "--json"), pairwright("init", "--json")
    assert first.result == {"home": str(tmp_path / "home"), "created": True}
    assert second.result["created"] is False
