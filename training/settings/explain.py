"""What a setting means, as text: for `train --explain`, the form and the documentation."""

from __future__ import annotations

from typing import Any

from storage.errors import WrongInputError
from training.judging.settings import JUDGING_SETTINGS
from training.settings import DEFAULT_LEARNING_RATE, SETTINGS, SFT_LEARNING_RATE, Setting, keys
from training.settings.sampling_settings import SAMPLING_SETTINGS
from training.settings.spec import DPOSpec, JudgingSpec, SamplingSpec


def explain(key: str) -> str:
    """Meaning, effect of more and of less, usual and possible values and default of a setting.

    `key` is any known name of a training setting, or of one of sampling or judging. Raises
    WrongInputError naming the nearest key for an unknown one.
    """
    setting, default = find(key)
    lines = [
        setting.key,
        f"  {setting.meaning}",
        f"  {_more_label(setting)}: {setting.more}",
        f"  {_less_label(setting)}: {setting.less}",
        f"  Usual: {setting.usual}.",
        f"  Possible: {setting.possible}.",
        f"  Default: {default}.",
    ]
    if setting.aliases:
        lines.append(f"  Also known as: {', '.join(setting.aliases)}.")
    return "\n".join(lines)


def explain_all() -> str:
    """Every training setting, in the order of the form."""
    return "\n\n".join(explain(key) for key in SETTINGS)


def find(key: str) -> tuple[Setting, str]:
    """The text of a setting by any of its names, and its default in words."""
    try:
        name = keys.find_key(key)
    except WrongInputError:
        if key in SAMPLING_SETTINGS:
            return SAMPLING_SETTINGS[key], _words(SamplingSpec().resolved()[key])
        if key in JUDGING_SETTINGS:
            return JUDGING_SETTINGS[key], _words(JudgingSpec().resolved()[key])
        raise
    if name == "learning_rate":
        rates = [f"{rate:g} for {method}" for method, rate in DEFAULT_LEARNING_RATE.items()]
        rates += [f"{rate:g} for sft {method}" for method, rate in SFT_LEARNING_RATE.items()]
        return SETTINGS[name], ", ".join(rates)
    return SETTINGS[name], _words(DPOSpec().flat()[name])


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value) if value != "" else "empty"


def _more_label(setting: Setting) -> str:
    return "More" if setting.low is not None and setting.key != "seed" else "One way"


def _less_label(setting: Setting) -> str:
    return "Less" if setting.low is not None and setting.key != "seed" else "The other"
