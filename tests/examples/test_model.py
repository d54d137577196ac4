"""The shipped model loads in the plain way, and its rendered turns extend each other exactly."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.shapes.answering import answer, load
from examples.shapes.architecture import PHOTOS
from examples.shapes.lessons import pixel_values
from examples.shapes.measure import exact_by_category
from examples.shapes.prompts import ask_about_scenes
from examples.shapes.world import draw, scenes

MODEL = Path(__file__).parents[2] / "examples" / "shapes" / "model"
MEASURED = MODEL.parent / "measurements.json"


@cache
def _loaded() -> tuple[Any, Any]:
    return load(MODEL)


def _turns(question: str) -> list[dict[str, Any]]:
    content = [
        {"type": "image", "image": draw(next(scenes("train", 0)))},
        {"type": "text", "text": question},
    ]
    return [{"role": "user", "content": content}]


def _tokens(messages: list[dict[str, Any]], **options: bool) -> list[int]:
    _, processor = _loaded()
    rendered = processor.apply_chat_template(messages, tokenize=True, return_dict=True, **options)
    return list(rendered["input_ids"][0])


def test_the_weights_are_safetensors_and_small() -> None:
    files = [path for path in MODEL.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8_000_000
    assert not [path.name for path in files if path.suffix in {".bin", ".pt", ".pkl"}]


def test_a_prompt_is_an_exact_prefix_of_the_conversation() -> None:
    question, said = _turns("How many circles are there?"), "I count 2 circles."
    whole = [*question, {"role": "assistant", "content": [{"type": "text", "text": said}]}]
    _, processor = _loaded()
    prompt = _tokens(question, add_generation_prompt=True)
    end = processor.tokenizer.eos_token_id
    assert _tokens(whole) == [*prompt, *processor.tokenizer(said)["input_ids"], end]
    assert prompt.count(processor.image_token_id) == 9


def test_system_turns_several_pictures_and_text_alone_are_rendered() -> None:
    model, processor = _loaded()
    (turn,) = _turns("Which one is it?")
    picture = turn["content"][0]
    messages = [
        {"role": "system", "content": "Say what can be seen."},
        {"role": "user", "content": [picture, picture, turn["content"][1]]},
        {"role": "assistant", "content": "The first one."},
        {"role": "user", "content": "And now?"},
    ]
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    assert text == (
        "<|system|>Say what can be seen.<|end|><|user|><image><image>Which one is it?<|end|>"
        "<|assistant|>The first one.<|end|><|user|>And now?<|end|><|assistant|>"
    )
    for asked in (messages, messages[-1:]):
        inputs = processor.apply_chat_template(
            asked, tokenize=True, return_dict=True, add_generation_prompt=True, return_tensors="pt"
        )
        fresh = model.generate(**inputs, max_new_tokens=2)
        assert fresh.shape[1] > inputs["input_ids"].shape[1]


def test_lessons_and_processor_show_the_model_the_same_pixels() -> None:
    _, processor = _loaded()
    picture = draw(next(scenes("train", 0)))
    raw = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(1, 96, 96, 3)
    seen = processor.image_processor([picture], return_tensors="pt")["pixel_values"]
    assert torch.allclose(seen, pixel_values(raw), atol=1e-6)


@pytest.mark.skipif(not PHOTOS.exists(), reason="the photographs are not in this checkout")
def test_the_photographs_answers_are_few_tokens() -> None:
    _, processor = _loaded()
    records = [json.loads(line) for line in PHOTOS.read_text(encoding="utf-8").splitlines()]
    texts = [record["rejected_response"] for record in records]
    tokens = [processor.tokenizer(text)["input_ids"] for text in texts]
    assert [processor.tokenizer.decode(each) for each in tokens] == texts
    assert sum(map(len, tokens)) < sum(map(len, texts)) / 3


def test_the_shipped_model_answers_as_measured() -> None:
    measured = json.loads(MEASURED.read_text())["habits"]
    asked = ask_about_scenes(90, 0, "exact")
    model, processor = _loaded()
    answers = answer(model, processor, [(one.picture, one.truth.question) for one in asked])
    share = exact_by_category(asked, answers)["all"].share
    assert abs(share - measured["greedy"]["all"]["share"]) < 0.15


def test_sight_was_at_least_95_percent_exact_in_every_category() -> None:
    seeing = json.loads(MEASURED.read_text())["seeing"]
    shares = {name: share["share"] for name, share in seeing["greedy"].items()}
    assert len(shares) == 10
    assert min(shares.values()) >= 0.95, shares
