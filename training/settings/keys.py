"""From what a user wrote to canonical setting names: files, KEY=VALUE words, aliases, groups."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from storage.errors import NotFoundError, WrongInputError
from training.settings import DPO_GROUP, HUB_GROUP, MINING_GROUP, SETTINGS, Setting

Settings = Mapping[str, Setting]


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a `.json` or `.toml` file, unchecked."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"There is no file {path}.", "Name a .json or .toml file with settings."
        ) from error
    except (OSError, ValueError) as error:
        raise WrongInputError(
            f"{path} cannot be read as settings: {error}.",
            "Write JSON into a .json file or TOML into a .toml file.",
        ) from error
    if not isinstance(data, dict):
        raise WrongInputError(
            f"{path} holds no settings but a {type(data).__name__}.",
            'Write an object such as {"beta": 0.1}.',
        )
    return data


def parse_overrides(words: Iterable[str]) -> dict[str, Any]:
    """`["beta=0.1", "early_stop=false"]` as a mapping; values are read as JSON, else as text."""
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.strip():
            raise WrongInputError(f"{word!r} is no KEY=VALUE.", "Write it like beta=0.1.")
        try:
            value = json.loads(text)
        except ValueError:
            value = text.strip()
        values[key.strip()] = value
    return values


def canonical(written: Mapping[str, Any], known: Settings = SETTINGS) -> dict[str, Any]:
    """The same settings under their canonical flat keys.

    Raises WrongInputError for an unknown key, or for one setting given twice by two names.
    """
    found: dict[str, Any] = {}
    for key, value in _flattened(written):
        name = find_key(key, known)
        if name in found:
            raise WrongInputError(
                f"The setting {name} is given twice, once as {key!r}.", "Keep one of them."
            )
        found[name] = value
    return found


def find_key(key: str, known: Settings = SETTINGS) -> str:
    """The canonical key for any known name of a setting.

    Raises WrongInputError naming the nearest key.
    """
    names = _names_of(known)
    if key in names:
        return names[key]
    near = difflib.get_close_matches(key.lower(), names, n=1, cutoff=0.0)
    raise WrongInputError(
        f"There is no setting {key!r}. The nearest is {names[near[0]]}.",
        f"Settings are {', '.join(known)}.",
    )


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical flat keys as the JSON form nests them."""
    found: dict[str, Any] = {key: value for key, value in flat.items() if "." not in key}
    for key, value in flat.items():
        group, dot, field = key.partition(".")
        if dot:
            found.setdefault(group, {})[field] = value
    return found


def _names_of(known: Settings) -> dict[str, str]:
    names = {setting.field: key for key, setting in known.items()}
    names |= {alias: key for key, setting in known.items() for alias in setting.aliases}
    return names | {key: key for key in known}


def _flattened(written: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, value in written.items():
        if key not in (DPO_GROUP, MINING_GROUP, HUB_GROUP):
            yield key, value
            continue
        if not isinstance(value, Mapping):
            raise WrongInputError(f"{key} is {value!r}, not an object.", f'Write "{key}": {{...}}.')
        prefix = "" if key == DPO_GROUP else f"{key}."
        yield from ((f"{prefix}{name}", item) for name, item in value.items())
