"""The settings that Streamlit reads beside the entry: safe ones, and a theme for light and dark."""

from __future__ import annotations

import tomllib
from pathlib import Path

from console import charts

CONSOLE = Path(__file__).resolve().parents[2] / "console"
SETTINGS = tomllib.loads((CONSOLE / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_the_console_is_closed_quiet_and_tells_nobody() -> None:
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert "*" not in SETTINGS["server"]["allowedHosts"]
    assert SETTINGS["server"]["enableStaticServing"] is False
    assert SETTINGS["server"]["enableAgentApi"] is False
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"]["showErrorDetails"] == "none"
    assert SETTINGS["client"]["toolbarMode"] == "minimal"


def test_light_and_dark_set_the_same_colours() -> None:
    assert SETTINGS["theme"]["light"].keys() == SETTINGS["theme"]["dark"].keys()


def test_the_theme_asks_no_other_server_for_anything() -> None:
    for file in (CONSOLE / ".streamlit" / "config.toml", CONSOLE / "style.css"):
        text = file.read_text(encoding="utf-8")
        assert "http" not in text
        assert "@import" not in text


def test_there_is_no_folder_that_streamlit_takes_for_its_older_navigation() -> None:
    # a first visit below such a folder's address would run a page without the entry
    assert not (CONSOLE / "pages").exists()


def test_chosen_and_rejected_have_the_same_colours_in_charts_and_on_pages() -> None:
    style = (CONSOLE / "style.css").read_text(encoding="utf-8")
    assert f"border-left-color: {charts.CHOSEN.color}" in style
    assert f"dashed {charts.REJECTED.color}" in style
