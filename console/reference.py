"""The reference pages, made from the code: `python -m console.reference` writes them into docs/.

A test fails when a page on disk differs from what the code says.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main

from console import api_reference
from console.main import build_app
from training.judging.settings import JUDGING_SETTINGS
from training.settings import GROUPS, SETTINGS, Setting, explain
from training.settings.sampling_settings import SAMPLING_SETTINGS
from training.settings.spec import JudgingSpec, SamplingSpec

DOCS = Path(__file__).resolve().parent.parent / "docs"
_MADE = "<!-- Made by `make reference` from the code. Do not edit. -->"
_SHARED = ("home", "as_json", "debug", "help")
_COMMANDS_INTRO = """# Commands

`--home DIR`, `--json` and `--debug` work before and after every command. With `--json` a command
prints one JSON object on standard output; messages go to standard error. `--home` names the
workspace, else `PAIRWRIGHT_HOME` does, else it is `./pairwright-home`.

Exit codes: 0 done, also with some rejected rows; 1 failed; 2 wrong use; 3 a gate was not met;
130 stopped with Ctrl-C.
"""
_SETTINGS_INTRO = """# Settings

Every setting of a training run, for `pairwright train --set KEY=VALUE`, for a JSON or TOML file
given with `--config`, and for the forms. `pairwright train --explain KEY` says the same in the
terminal. A value outside the possible range is an error, outside the usual range a warning. An
unknown key is an error that names the nearest one.
"""
_TITLES: Mapping[str, str] = {
    "names": "Names",
    "basic": "Basic",
    "advanced": "Advanced",
    "plan": "Planning a run",
    "mining": "Mining the next round",
    "hub": "Publishing on the Hub",
    "tracking": "Trackers beside our pages",
    "sampling": "Sampling answers",
    "judging": "Judging by a model",
}


# groups of settings that belong to a command of their own
_COMMANDS: Mapping[str, str] = {"sampling": "sample", "judging": "judge"}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "sampling": SamplingSpec().resolved(),
    "judging": JudgingSpec().resolved(),
}


def pages() -> dict[Path, str]:
    """Every page that is made from the code: path -> text."""
    return {
        DOCS / "commands.md": commands_page(),
        DOCS / "settings.md": settings_page(),
        DOCS / "api.md": api_reference.page(_MADE),
    }


def commands_page() -> str:
    """Every command with its arguments and options."""
    sections = [_section(words, command) for words, command in commands()]
    return "\n".join([_MADE, _COMMANDS_INTRO, *sections])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be run: its words after `pairwright`, and what typer made of it."""
    root: Any = typer.main.get_command(build_app())
    yield from _within(root)


def _within(group: Any, words: str = "") -> Iterator[tuple[str, Any]]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        said = f"{words} {name}".strip()
        if hasattr(command, "list_commands"):
            yield from _within(command, said)
        else:
            yield said, command


def settings_page() -> str:
    """Every setting of training, sampling and judging."""
    own = {"sampling": SAMPLING_SETTINGS, "judging": JUDGING_SETTINGS}
    lines = [_MADE, _SETTINGS_INTRO]
    for group in GROUPS:
        lines.append(f"## {_TITLES[group]}\n")
        if group in _COMMANDS:
            lines.append(f"For `pairwright {_COMMANDS[group]} --set KEY=VALUE`.\n")
        known = own.get(group, SETTINGS).values()
        lines += [_setting(setting) for setting in known if setting.group == group]
    return "\n".join(lines)


def write() -> list[Path]:
    """Write all pages; return those that changed."""
    changed = []
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _section(words: str, command: Any) -> str:
    shown = [param for param in command.params if param.name not in _SHARED]
    shown = [param for param in shown if not getattr(param, "hidden", False)]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    usage = " ".join([words, *(_placeholder(p) for p in arguments)])
    text = "\n".join(line.strip() for line in command.help.splitlines()).strip()
    lines = [f"## pairwright {usage}\n", f"{text}\n"]
    if shown:
        lines += ["| | meaning | default |", "|---|---|---|"]
        lines += [_row(param) for param in shown]
        lines.append("")
    return "\n".join(lines)


def _row(param: Any) -> str:
    if param.param_type_name == "argument":
        name = f"`{_placeholder(param)}`"
    else:
        value = "" if getattr(param, "is_flag", False) else f" {_placeholder(param)}"
        name = f"`{', '.join(param.opts)}{value}`"
    return f"| {name} | {_cell(param.help)} | {_default(param)} |"


def _placeholder(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _default(param: Any) -> str:
    if param.required:
        return "required"
    default = param.default.value if isinstance(param.default, enum.Enum) else param.default
    return "" if default is None or default is False else f"`{default}`"


def _setting(setting: Setting) -> str:
    if setting.group in _DEFAULTS:
        value = _DEFAULTS[setting.group][setting.key]
        default = "none" if value is None else str(value)
    else:
        _, default = explain.find(setting.key)
    lines = [
        f"### {setting.key}\n",
        f"{setting.meaning}\n",
        f"- More: {setting.more}",
        f"- Less: {setting.less}",
        f"- Default: {default}. Usual: {setting.usual}. Possible: {setting.possible}.",
    ]
    if setting.aliases:
        lines.append(f"- Also known as: {', '.join(setting.aliases)}.")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the pages and name those that changed."""
    for path in write():
        print(f"wrote {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
