"""The reference pages say what the code says, and every command and setting has a text."""

from __future__ import annotations

import pytest

from console import reference
from training.judging.settings import JUDGING_SETTINGS
from training.settings import SETTINGS
from training.settings.sampling_settings import SAMPLING_SETTINGS

COMMANDS = dict(reference.commands())


def test_the_pages_are_what_the_code_says_now() -> None:
    stale = [path.name for path, text in reference.pages().items() if path.read_text() != text]
    assert not stale, "run: make reference"


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_and_all_its_options_have_help(words: str) -> None:
    command = COMMANDS[words]
    assert command.help.strip()
    assert not [param.name for param in command.params if not param.help and param.name != "help"]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_stands_in_the_documentation(words: str) -> None:
    assert f"\n## pairwright {words}" in (reference.DOCS / "commands.md").read_text()


@pytest.mark.parametrize("key", [*SETTINGS, *SAMPLING_SETTINGS, *JUDGING_SETTINGS])
def test_a_setting_stands_in_the_documentation_with_all_its_texts(key: str) -> None:
    setting = (JUDGING_SETTINGS | SAMPLING_SETTINGS | SETTINGS)[key]
    page = (reference.DOCS / "settings.md").read_text()
    assert f"\n### {key}\n" in page
    for text in (setting.meaning, setting.more, setting.less, setting.usual):
        assert text
        assert text in page
