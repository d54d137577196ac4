"""Number formats: what is trained in them, and what is refused before anything is loaded."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from storage.errors import WrongInputError
from training.jobs.folder import JobFolder
from training.measuring import evaluation
from training.modeling import formats
from training.runs import dpo
from training.settings.spec import DPOSpec, parse_spec

MakeJob = Callable[..., JobFolder]
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def _metrics(folder: JobFolder) -> dict[str, Any]:
    result = folder.result()
    assert result is not None, folder.log_tail()
    assert result.state == "succeeded", result.what
    return dict(result.metrics)


def test_formats_are_known_by_the_names_of_other_programs() -> None:
    names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16", "auto": "auto"}
    assert {name: parse_spec({"dtype": name}).dtype for name in names} == names
    with pytest.raises(WrongInputError, match="possible is auto or float32 or bfloat16 or float16"):
        parse_spec({"dtype": "int8"})


def test_training_in_float16_needs_cuda_and_measuring_does_not() -> None:
    half = DPOSpec(dtype="float16")
    for kind in ("train", "plan"):
        with pytest.raises(WrongInputError, match="dtype is float16, and this job runs on the CPU"):
            formats.check(half, CPU, kind, ())
    formats.check(half, GPU, "train", ())
    formats.check(half, CPU, "evaluate", ("adapter",))


def test_float16_is_refused_before_the_model_is_read(job: MakeJob) -> None:
    folder = job(dtype="float16")
    with pytest.raises(WrongInputError, match="CUDA devices only"):
        dpo.train(folder)
    assert not folder.events_file.exists()


@pytest.mark.slow
def test_bfloat16_trains_on_the_cpu_and_says_what_float32_says_but_for_rounding(
    job: MakeJob, examples: Any
) -> None:
    said, few = {}, examples.mixed(train=6, holdout=0)
    for name in ("float32", "bfloat16"):
        folder = job(name, examples=few, dtype=name, epochs=1)
        dpo.train(folder)
        events = [json.loads(line) for line in folder.events_file.read_text().splitlines()]
        said[name] = [
            event["payload"]["values"]["loss"]
            for event in events
            if event["kind"] == "metric" and event["payload"]["split"] == "train"
        ]
    assert said["bfloat16"] == pytest.approx(said["float32"], rel=0.05)
    assert said["bfloat16"] != said["float32"]


@pytest.mark.parametrize(
    ("changes", "adapters", "told"),
    [
        ({"method": "full"}, (), "weights of 4 bits cannot be trained themselves"),
        ({}, ("checkpoint",), "the start is a checkpoint that is an adapter"),
    ],
)
def test_four_bits_are_refused_where_they_make_no_sense(
    changes: dict[str, Any], adapters: tuple[str, ...], told: str
) -> None:
    with pytest.raises(WrongInputError, match=told):
        formats.check(DPOSpec(quantize="4bit", **changes), CPU, "train", adapters)


def test_four_bits_without_bitsandbytes_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WrongInputError, match="does not run on the CPU: it is not installed") as no:
        formats.check(DPOSpec(quantize="4bit"), CPU, "train", ())
    assert "pairwright[quantize]" in no.value.next_step


@pytest.mark.filterwarnings("ignore")
def test_four_bits_train_and_are_measured_as_they_were_trained(
    job: MakeJob, examples: Any, tiny: Any, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes")
    model = tmp_path / "wide"
    _build_wide_model(model, tiny)
    words = [example for example in examples.mixed(24, 9) if not example.pictures]
    settings = {"examples": words, "model": model, "quantize": "4bit"}
    folder = job("q", **settings)
    dpo.train(folder)
    made = _metrics(folder)
    assert made["reward_gap"]["value"] > 0
    checkpoint = folder.path / str(folder.result().checkpoint)  # type: ignore[union-attr]
    again = job("e", kind="evaluate", adapters=(str(checkpoint),), **settings)
    evaluation.evaluate(again)
    measured = _metrics(again)
    # a CPU computes in bfloat16 from packed weights while nothing trains
    for name in ("reward_gap", "validation_loss"):
        assert measured[name]["value"] == pytest.approx(made[name]["value"], rel=0.01), name


def _build_wide_model(folder: Path, tiny: Any) -> None:
    """Wide enough for the blocks of 64 weights that share a scale."""
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = tiny.template("")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=128,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
