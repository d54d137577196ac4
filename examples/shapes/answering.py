"""The tiny model answers: loading a model folder and generating answers in batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

ROWS = 128
LONGEST = 48


def load(folder: Path) -> tuple[Any, Any]:
    """The model (evaluation mode, float32) and the processor of a folder."""
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), AutoProcessor.from_pretrained(folder)


def answer(
    model: Any,
    processor: Any,
    asked: Sequence[tuple[Image.Image, str]],
    temperature: float = 0.0,
) -> list[str]:
    """One answer to every picture with a question, in order; greedy at temperature 0."""
    order = sorted(range(len(asked)), key=lambda index: len(asked[index][1]))
    answers = [""] * len(asked)
    for start in range(0, len(order), ROWS):
        chosen = order[start : start + ROWS]
        texts = _generated(model, processor, [asked[index] for index in chosen], temperature)
        for index, text in zip(chosen, texts, strict=True):
            answers[index] = text
    return answers


def _generated(
    model: Any, processor: Any, asked: list[tuple[Image.Image, str]], temperature: float
) -> list[str]:
    prompts = [
        processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}],
            add_generation_prompt=True,
        )
        for _, text in asked
    ]
    pictures = [[picture] for picture, _ in asked]
    inputs = processor(images=pictures, text=prompts, padding=True, return_tensors="pt")
    style = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
    with torch.inference_mode():
        output = model.generate(**inputs, max_new_tokens=LONGEST, **style)
    fresh = output[:, inputs["input_ids"].shape[1] :]
    return [str(text) for text in processor.batch_decode(fresh, skip_special_tokens=True)]
