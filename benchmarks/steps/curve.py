"""The ratio over answer length and epochs, beside the limit that operations alone allow."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from steps import toy, ways
from steps.step import merged
from steps.toy import Shape
from steps.ways import FULL, Shared, Stock, Way

from training.modeling import logprobs
from training.runs import plan

EPOCHS = (1, 3, 5)
# answer tokens as a share of the prompt
SHARES = (0.1, 0.25, 0.5, 1.0)
# forward, recomputation, and backward to the inputs: LoRA with checkpointing
PASSES = plan.passes_of_a_step("lora", checkpointing=True)


def measure(shape: Shape, steps: int, folder: Path) -> list[dict[str, Any]]:
    """A line for every share of SHARES and epochs of EPOCHS."""
    lines = []
    for share in SHARES:
        one = replace(shape, answer=round(share * shape.prompt))
        stock, shared, reference = _seconds(one, steps, folder)
        for epochs in EPOCHS:
            measured = stock / (shared + reference / epochs)
            limit = derived(one, epochs)
            lines.append(
                {
                    "answer_over_prompt": share,
                    "epochs": epochs,
                    "measured": round(measured, 2),
                    "derived": round(limit, 2),
                    "share_of_derived": round(measured / limit, 2),
                }
            )
    return lines


def derived(shape: Shape, epochs: int) -> float:
    """Operations of stock over ours, a pair and epoch: two rows and four pictures against one row,
    one picture, and a part of the reference pass."""
    model = toy.model(shape)
    text, vision = model.model.language_model, model.model.visual
    size = plan.Shape(
        decoder=sum(one.numel() for one in text.layers.parameters()) + model.lm_head.weight.numel(),
        vision=sum(one.numel() for one in vision.parameters()),
        layers=shape.layers,
        hidden=shape.hidden,
        patches_per_token=toy.MERGE**2,
    )
    both, row = 2 * (shape.prompt + shape.answer), shape.prompt + 2 * shape.answer
    picture = plan.operations(size, 0, 1, shape.pictures)
    stock = (PASSES + 1) * plan.operations(size, both, 2, 0) + 4 * picture
    ours = (PASSES + 1 / epochs) * plan.operations(size, row, 1, 0)
    return stock / (ours + picture * (1 + 1 / epochs))


def _seconds(shape: Shape, steps: int, folder: Path) -> tuple[float, float, float]:
    """Medians of stock's step, of ours, and of our reference pass over a pair."""
    stock = Way(Stock, shape, folder, reference=False)
    shared = Way(Shared, shape, folder, reference=True)
    generator, passes = torch.Generator().manual_seed(1), list[float]()
    for _ in range(steps + 1):
        pair = toy.pair_of(shape, generator)
        scores = ways.reference_scores(stock.trainer, pair)
        stock.step(partial(merged, pair, toy.twice(pair)))
        shared.step(partial(merged, pair, scores))
        passes.append(_reference_pass(shared, pair))
    ways.require_equal_losses(shared.losses, stock.losses)
    return (
        statistics.median(stock.seconds[1:]),
        statistics.median(shared.seconds[1:]),
        statistics.median(passes[1:]),
    )


def _reference_pass(way: Way, pair: dict[str, torch.Tensor]) -> float:
    model = way.trainer.model
    started = time.process_time()
    with model.disable_adapter():
        logprobs.sums(logprobs.answers(model, pair, FULL))
    return time.process_time() - started
