"""Numbers, times and commands in words."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import pytest

from console.views import wording

NOW = 1_800_000_000_000_000


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.8312, "83.1%"), (1, "100.0%"), (0, "0.0%"), (None, "n/a"), (math.nan, "n/a")],
)
def test_a_share_is_a_percentage_or_not_available(value: float | None, written: str) -> None:
    assert wording.share(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.04132, "0.0413"),
        (1.2, "1.20"),
        (-8.126, "-8.13"),
        (12345.6, "12,346"),
        (0.000004, "4.00e-06"),
        (0, "0"),
        (math.inf, "n/a"),
    ],
)
def test_a_decimal_has_three_significant_digits(value: float, written: str) -> None:
    assert wording.decimal(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (260000, "3 days")],
)
def test_a_duration_has_the_units_that_fit(seconds: float, written: str) -> None:
    assert wording.duration(seconds) == written


def test_moments_are_told_from_now() -> None:
    assert wording.ago(None, NOW) == "never"
    assert wording.ago(NOW, NOW) == "just now"
    assert wording.ago(NOW - 90 * 1_000_000, NOW) == "1 minute ago"
    assert wording.until(NOW + 5 * 3600 * 1_000_000, NOW) == "in 5 hours"
    assert wording.until(NOW + 7 * 86_400 * 1_000_000 - 1, NOW) == "in 7 days"
    assert wording.until(NOW - 1, NOW) == "over"


def test_a_bool_is_not_a_number() -> None:
    assert not wording.is_number(True)


def test_progress_is_told_even_when_half_of_it_is_missing() -> None:
    whole = {"phase": "training", "step": 40, "steps": 120, "eta_seconds": 200.0}
    assert wording.progress(whole) == "training, step 40 of 120, 3 min 20 s left"
    assert wording.progress({"phase": "loading", "step": 0, "steps": 0}) == "loading"
    assert wording.progress({}) == ""


def test_an_excerpt_is_one_line() -> None:
    assert wording.excerpt("one\n two\tthree") == "one two three"
    assert wording.excerpt("x" * 200, 10) == "x" * 9 + "…"


def test_a_pasted_command_does_nothing_else_whatever_the_names_contain(tmp_path: Path) -> None:
    name = "x; rm -rf ~ $(id) 'quoted'"
    line = wording.command(tmp_path, "link", "create", "--batch", name)
    words = shlex.split(line)
    assert words == ["pairwright", "link", "create", "--batch", name, "--home", str(tmp_path)]


def test_the_default_workspace_needs_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert wording.command(tmp_path / "pairwright-home", "up") == "pairwright up"
