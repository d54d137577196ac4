"""Settings of training: defaults, names, files, what is refused and what is warned about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import NotFoundError, WrongInputError
from training.settings import SETTINGS, keys, spec
from training.settings.spec import DPOSpec

# the product's own example, as published
PUBLISHED = {
    "dpo_config": {
        "beta": 0.1,
        "learning_rate": 5e-7,
        "epochs": 5,
        "batch_size": 4,
        "max_pairs": 2400,
        "kl_threshold": 0.5,
        "early_stop": True,
        "reference_model": "base",
    },
    "edge_case_mining": {"enabled": True, "confidence_threshold": 0.6, "max_samples": 2000},
}

DEFAULTS_AFTERWARDS = {
    "edge_case_mining.enabled": True,
    "edge_case_mining.confidence_threshold": 0.6,
    "edge_case_mining.max_samples": 2000,
    "hub.repo": "",
    "hub.private": True,
    "hub.when": "end",
    "tracking": ["none"],
    "tracking_project": "pairwright",
    "tracking_files": False,
}


def test_the_published_example_is_accepted_verbatim() -> None:
    parsed = spec.parse_spec(PUBLISHED)
    assert parsed == DPOSpec(learning_rate=5e-7)
    assert parsed.edge_case_mining.max_samples == 2000


def test_the_defaults_are_those_of_the_design() -> None:
    assert DPOSpec().flat() == {
        "model_name": "",
        "task_name": "",
        "stage": "dpo",
        "method": "lora",
        "beta": 0.1,
        "learning_rate": 1e-5,
        "epochs": 5,
        "batch_size": 4,
        "max_pairs": 2400,
        "kl_threshold": 0.5,
        "early_stop": True,
        "target_accuracy": None,
        "reference_model": "base",
        "lora_rank": 16,
        "gradient_accumulation_steps": "auto",
        "target_modules": "decoder",
        "warmup_ratio": 0.05,
        "max_context_length": None,
        "overlength": "drop",
        "max_pixels": None,
        "video_frames": 8,
        "video_fps": None,
        "seed": 0,
        "dtype": "auto",
        "processes": 1,
        "parallel": "ddp",
        "on_policy_prompts": 32,
        "overfit_evaluations": 2,
        "plateau_evaluations": 8,
        "loss_type": ["sigmoid"],
        "loss_weights": None,
        "label_smoothing": 0.0,
        "discopop_tau": 0.05,
        "reference_free": False,
        "vision_cache": False,
        "train_on_thought": True,
        "price_a100": 2.5,
        "price_h100": 5.0,
        "price_here": 0.0,
        "quantize": "none",
        **DEFAULTS_AFTERWARDS,
    }


def test_the_learning_rate_follows_the_method_unless_it_is_given() -> None:
    assert spec.parse_spec({}).learning_rate == 1e-5
    assert spec.parse_spec({"method": "full"}).learning_rate == 5e-7
    assert spec.parse_spec({"method": "full", "learning_rate": "auto"}).learning_rate == 5e-7
    assert spec.parse_spec({"method": "full", "learning_rate": 1e-6}).learning_rate == 1e-6


def test_other_names_of_a_setting_are_accepted() -> None:
    parsed = spec.parse_spec({"epoch": 2, "MAX_PIXELS": 50_176, "beta DPO": 0.2, "max_samples": 10})
    assert (parsed.epochs, parsed.max_pixels, parsed.beta) == (2, 50_176, 0.2)
    assert parsed.edge_case_mining.max_samples == 10


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("learning_rat", "learning_rate"),
        ("Batch_Size", "batch_size"),
        ("lora_r", "lora_rank"),
        ("max_sample", "edge_case_mining.max_samples"),
        ("maxpixels", "max_pixels"),
    ],
)
def test_an_unknown_key_names_the_nearest(wrong: str, nearest: str) -> None:
    with pytest.raises(WrongInputError) as caught:
        spec.parse_spec({wrong: 1})
    assert caught.value.what == f"There is no setting {wrong!r}. The nearest is {nearest}."
    assert "gradient_accumulation_steps" in caught.value.next_step


def test_an_unknown_key_inside_a_group_is_an_error_too() -> None:
    with pytest.raises(WrongInputError, match=r"no setting 'bta'.*beta"):
        spec.parse_spec({"dpo_config": {"bta": 0.1}})
    with pytest.raises(WrongInputError, match=r"edge_case_mining\.max_samples"):
        spec.parse_spec({"edge_case_mining": {"max_sampels": 1}})
    with pytest.raises(WrongInputError, match="not an object"):
        spec.parse_spec({"dpo_config": 3})


def test_one_setting_by_two_names_is_an_error() -> None:
    with pytest.raises(WrongInputError, match="epochs is given twice"):
        spec.parse_spec({"epoch": 3, "epochs": 4})


@pytest.mark.parametrize(
    ("key", "value", "possible"),
    [
        ("beta", 50, "0.001 to 10"),
        ("beta", float("nan"), "0.001 to 10"),
        ("epochs", 0, "1 to 100"),
        ("epochs", 2.5, "1 to 100"),
        ("epochs", True, "1 to 100"),
        ("lora_rank", "many", "1 to 1024"),
        ("method", "qlora", "lora or full"),
        ("gradient_accumulation_steps", "some", "1 to 1024, or auto"),
        ("max_pixels", 3, "256 to 40000000, or none"),
        ("target_modules", [], "decoder or a list of module names"),
        ("model_name", "../up", "letters, digits, dots, dashes and underscores, up to 80"),
        ("edge_case_mining.confidence_threshold", 0.2, "0.5 to 1"),
    ],
)
def test_an_impossible_value_is_an_error_with_value_and_range(
    key: str, value: object, possible: str
) -> None:
    with pytest.raises(WrongInputError) as caught:
        spec.parse_spec({key: value})
    assert caught.value.what == f"{key} is {value!r}; possible is {possible}."
    assert key in caught.value.next_step


def test_usual_values_give_no_warning() -> None:
    assert spec.warnings_of(DPOSpec()) == []
    assert spec.warnings_of(spec.parse_spec({"method": "full"})) == []


def test_the_published_rate_warns_with_lora_that_it_hardly_learns() -> None:
    (warning,) = spec.warnings_of(spec.parse_spec(PUBLISHED))
    assert warning == (
        "learning_rate is 5e-07; usual for lora is 5e-06 to 0.0002. "
        "The model hardly learns at this rate."
    )
    assert spec.warnings_of(spec.parse_spec(PUBLISHED | {"method": "full"})) == []


def test_unusual_values_warn_with_the_usual_range_and_the_effect() -> None:
    found = spec.warnings_of(spec.parse_spec({"beta": 1.0, "warmup_ratio": 0, "epochs": 9}))
    assert [text.split(" is ")[0] for text in found] == ["beta", "epochs", "warmup_ratio"]
    assert "usual is 0.05 to 0.5. The model stays closer to the reference" in found[0]
    (large,) = spec.warnings_of(DPOSpec(batch_size=16, gradient_accumulation_steps=32))
    assert "512 pairs an update" in large


@pytest.mark.parametrize(
    ("pairs", "batch", "steps"), [(2400, 4, 4), (320, 4, 4), (160, 4, 2), (43, 4, 1), (1, 64, 1)]
)
def test_automatic_accumulation_aims_at_16_pairs_and_20_updates_an_epoch(
    pairs: int, batch: int, steps: int
) -> None:
    assert DPOSpec(batch_size=batch).accumulation_steps(pairs) == steps
    assert DPOSpec(gradient_accumulation_steps=7).accumulation_steps(pairs) == 7


def test_settings_come_from_json_toml_and_words(tmp_path: Path) -> None:
    as_json = tmp_path / "dpo.json"
    as_json.write_text(json.dumps(PUBLISHED), encoding="utf-8")
    as_toml = tmp_path / "dpo.toml"
    as_toml.write_text(
        'MAX_PIXELS = "none"\n[dpo_config]\nbeta = 0.3\nmethod = "full"\n', encoding="utf-8"
    )
    assert spec.build_spec(as_json) == spec.parse_spec(PUBLISHED)
    assert spec.build_spec(as_toml) == DPOSpec(beta=0.3, method="full", learning_rate=5e-7)
    changed = spec.build_spec(
        as_json, ["epoch=2", "early_stop=false", "target_modules=q_proj,v_proj", "max_pixels=none"]
    )
    assert (changed.epochs, changed.early_stop, changed.max_pixels) == (2, False, None)
    assert changed.target_modules == ("q_proj", "v_proj")


def test_words_that_are_no_settings_are_errors(tmp_path: Path) -> None:
    with pytest.raises(WrongInputError, match="'beta' is no KEY=VALUE"):
        keys.parse_overrides(["beta"])
    with pytest.raises(NotFoundError, match="There is no file"):
        spec.build_spec(tmp_path / "missing.json")
    broken = tmp_path / "broken.json"
    for content in (b"{", b"[1]", b"\xff\xfe{}"):
        broken.write_bytes(content)
        with pytest.raises(WrongInputError, match=r"broken\.json"):
            spec.build_spec(broken)


def test_a_resolved_spec_reads_back_as_itself() -> None:
    original = DPOSpec(target_modules=("q_proj",), max_context_length=512)
    assert spec.parse_spec(json.loads(json.dumps(original.resolved()))) == original
    assert spec.parse_spec(original.flat()) == original


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), st.none() | st.integers() | st.text()))
def test_any_value_is_either_accepted_or_explained(written: dict[str, object]) -> None:
    try:
        parsed = spec.parse_spec(written)
    except WrongInputError as error:
        refusal = error
    else:
        assert spec.parse_spec(parsed.resolved()) == parsed
        return
    assert refusal.what
    assert refusal.next_step


def test_sampling_settings_are_checked_the_same_way() -> None:
    assert spec.parse_sampling({}).answers == 2
    with pytest.raises(WrongInputError, match="temperature is 9; possible is 0 to 5"):
        spec.parse_sampling({"temperature": 9})
    with pytest.raises(WrongInputError, match="nearest is temperature"):
        spec.parse_sampling({"temprature": 1})


def test_the_hub_group_is_written_nested_or_flat_and_its_repository_is_checked() -> None:
    nested = spec.parse_spec({"hub": {"repo": "org/aligned", "private": False}})
    flat = spec.build_spec(None, ["hub.repo=org/aligned", "hub.private=false"])
    assert nested == flat
    assert (nested.hub.private, nested.hub.when) == (False, "end")
    with pytest.raises(WrongInputError, match=r"hub\.repo is 'aligned'; possible is ORG/NAME"):
        spec.build_spec(None, ["hub.repo=aligned"])
    with pytest.raises(WrongInputError, match=r"hub\.when is 'later'; possible is never or end"):
        spec.build_spec(None, ["hub.when=later"])
