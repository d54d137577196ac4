"""One text per setting, complete, the same everywhere."""

from __future__ import annotations

import pytest

from storage.errors import WrongInputError
from training.settings import GROUPS, SETTINGS, Setting, explain
from training.settings.sampling_settings import SAMPLING_SETTINGS
from training.settings.spec import DPOSpec, SamplingSpec

EVERY = [*SETTINGS.values(), *SAMPLING_SETTINGS.values()]


def test_every_setting_has_a_text_and_every_text_a_setting() -> None:
    assert list(SETTINGS) == list(_in_form_order())
    assert set(SETTINGS) == set(DPOSpec().flat())
    assert set(SAMPLING_SETTINGS) == set(SamplingSpec().resolved())


def _in_form_order() -> list[str]:
    return sorted(SETTINGS, key=lambda key: GROUPS.index(SETTINGS[key].group))


@pytest.mark.parametrize("setting", EVERY, ids=lambda setting: setting.key)
def test_a_text_says_meaning_effects_and_range(setting: Setting) -> None:
    for text in (setting.meaning, setting.more, setting.less):
        assert text.endswith(".")
        assert "!" not in text
    assert setting.usual
    assert setting.possible
    if setting.usual_low is not None and setting.usual_high is not None:
        assert setting.low is not None
        assert setting.high is not None
        assert setting.low <= setting.usual_low < setting.usual_high <= setting.high


def test_explain_says_everything_about_a_setting() -> None:
    text = explain.explain("beta")
    assert text.splitlines()[0] == "beta"
    assert "KL regularization coefficient" in text
    assert "More: The model stays closer to the reference" in text
    assert "Usual: 0.05 to 0.5." in text
    assert "Possible: 0.001 to 10." in text
    assert "Default: 0.1." in text
    assert "Also known as: beta DPO." in text


def test_explain_knows_other_names_and_both_defaults_of_the_learning_rate() -> None:
    assert explain.explain("MAX_PIXELS") == explain.explain("max_pixels")
    assert "Default: none." in explain.explain("max_pixels")
    assert (
        "Default: 1e-05 for lora, 5e-07 for full, 0.0001 for sft lora, 1e-05 for sft full."
        in explain.explain("learning_rate")
    )
    assert "Default: 1.0." in explain.explain("temperature")


def test_explaining_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(WrongInputError, match="nearest is warmup_ratio"):
        explain.explain("warmup")


def test_all_settings_are_explained_in_one_text() -> None:
    text = explain.explain_all()
    assert all(f"\n{key}\n" in f"\n{text}" for key in SETTINGS)
