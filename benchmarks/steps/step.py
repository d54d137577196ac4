"""A single step, both ways and with kept vision features, interleaved on the same batches."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from typing import Any

import torch
from steps import toy, ways
from steps.toy import Shape
from steps.ways import Shared, Stock, Way

from training.modeling import vision_features


def measure(shape: Shape, steps: int, folder: Path) -> dict[str, Any]:
    """CPU seconds of a step: minimum and median; the first of each way warms up."""
    stock = Way(Stock, shape, folder, reference=False)
    shared = Way(Shared, shape, folder, reference=True)
    cached = Way(Shared, shape, folder, reference=True)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps + 1):
        pair = toy.pair_of(shape, generator)
        scores = ways.reference_scores(stock.trainer, pair)
        kept = features(cached, pair)
        stock.step(partial(merged, pair, toy.twice(pair)))
        shared.step(partial(merged, pair, scores))
        cached.step(partial(merged, kept, scores))
    apart = max(ways.require_equal_losses(way.losses, stock.losses) for way in (shared, cached))
    named = {"stock": stock, "shared": shared, "shared_cached_vision": cached}
    seconds = {name: summary(way.seconds[1:]) for name, way in named.items()}
    return {
        "prompt_tokens": shape.prompt,
        "answer_tokens": shape.answer,
        "layers": shape.layers,
        "hidden": shape.hidden,
        **seconds,
        "step_ratio": ratio(seconds, "shared", "median"),
        "step_ratio_of_minima": ratio(seconds, "shared", "minimum"),
        "step_ratio_cached_vision": ratio(seconds, "shared_cached_vision", "median"),
        "step_ratio_cached_vision_of_minima": ratio(seconds, "shared_cached_vision", "minimum"),
        "pictures_per_step": {name: way.pictures[-1] for name, way in named.items()},
        "losses_agree_to": apart,
    }


def features(way: Way, pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The pair with what the tower makes of its picture in the place of pixels."""
    pictures = {name: pair[name] for name in ("pixel_values", "image_grid_thw")}
    found = vision_features.compute(way.trainer.model.get_base_model(), pictures)
    return {name: one for name, one in pair.items() if name not in pictures} | found


def merged(*parts: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for part in parts for name, value in part.items()}


def summary(values: list[float]) -> dict[str, float]:
    return {
        "n": len(values),
        "minimum": round(min(values), 3),
        "median": round(statistics.median(values), 3),
    }


def ratio(seconds: dict[str, dict[str, float]], way: str, which: str) -> float:
    return round(seconds["stock"][which] / seconds[way][which], 2)
