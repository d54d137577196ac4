"""Steps on a GPU: pairs a second and peak memory of stock TRL and of ours, at sizes people train.

bfloat16, LoRA of rank 16 on the decoder, gradient checkpointing, one picture of 1,280 tokens and
two answers of 150 tokens a pair. Stock computes its reference in every step; ours is given it, and
the pass that makes it is timed by itself and counted over the epochs. Ours runs with the mask whole
and, where the device has the kernel, in blocks. Every way has the same weights and the same pairs.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from steps import shapes, ways
from steps.shapes import Size
from steps.step import merged
from steps.ways import FULL, Shared, Stock

from training.modeling import logprobs
from training.runs.shared_prompts import Attention

EPOCHS = (1, 3, 5)
# largest difference of a loss near ln 2 that bfloat16 explains, and float32
_APART = {torch.bfloat16: 0.1, torch.float32: 1e-3}


@dataclass(frozen=True)
class Wanted:
    """`pairs` in a step, `steps` that are measured after two that warm up, the learning `rate`."""

    device: torch.device
    dtype: torch.dtype
    pairs: int = 4
    steps: int = 6
    rate: float = 1e-5


@dataclass(frozen=True)
class Found:
    """Seconds of all measured steps, bytes at the fullest moment, losses of all steps."""

    seconds: float
    peak: int
    losses: list[float]
    reference_seconds: float = 0.0


def measure(sizes: Sequence[Size], wanted: Wanted, folder: Path) -> list[dict[str, Any]]:
    """A line for every size. Ends the benchmark when the losses of the ways differ."""
    return [_line(size, wanted, folder) for size in sizes]


def _line(size: Size, wanted: Wanted, folder: Path) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    given = [shapes.pairs_of(size, wanted.pairs, generator) for _ in range(wanted.steps + 2)]
    found = {"shared": _shared(size, wanted, given, FULL, folder)}
    if wanted.device.type == "cuda":
        found["shared_in_blocks"] = _shared(
            size, wanted, given, replace(FULL, in_blocks=True), folder
        )
    found["stock"] = _stock(size, wanted, given, folder)
    _require_close(found, wanted.dtype)
    pairs = wanted.steps * wanted.pairs
    ours = min((one for name, one in found.items() if name != "stock"), key=lambda one: one.seconds)
    stock = found["stock"]
    return {
        "model": size.name,
        "picture_tokens": size.pictures,
        "answer_tokens": size.answer,
        "pairs_in_a_step": wanted.pairs,
        "measured_steps": wanted.steps,
        "pairs_per_second": {n: round(pairs / one.seconds, 3) for n, one in found.items()},
        "peak_bytes": {name: one.peak for name, one in found.items()},
        "step_ratio": round(stock.seconds / ours.seconds, 2),
        "step_ratio_with_reference": {
            str(epochs): round(stock.seconds / (ours.seconds + ours.reference_seconds / epochs), 2)
            for epochs in EPOCHS
        },
        "peak_memory_ratio": round(ours.peak / stock.peak, 3) if stock.peak else None,
        "losses": {name: round(one.losses[-1], 4) for name, one in found.items()},
    }


def _stock(size: Size, wanted: Wanted, given: list[Any], folder: Path) -> Found:
    made = _trainer(Stock, size, wanted, folder, reference=False)

    def batch(pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        # the picture for both rows, as TRL's collator gives it
        both = {n: torch.cat([pair[n]] * 2) for n in ("pixel_values", "image_grid_thw")}
        return merged(pair, both)

    return _timed(made, wanted, [batch(pair) for pair in given])


def _shared(
    size: Size, wanted: Wanted, given: list[Any], attention: Attention, folder: Path
) -> Found:
    made = _trainer(Shared, size, wanted, folder, reference=True)
    made.attention = attention
    scores, seconds = [], 0.0
    for number, pair in enumerate(given):
        _wait(wanted)
        started = time.perf_counter()
        with made.model.disable_adapter():
            sums = logprobs.sums(logprobs.answers(made.model, dict(pair), attention))
        _wait(wanted)
        seconds += time.perf_counter() - started if number >= 2 else 0.0
        sides = {"ref_chosen_logps": sums.chosen, "ref_rejected_logps": sums.rejected}
        scores.append({name: torch.tensor(one).float() for name, one in sides.items()})
    batches = [merged(pair, one) for pair, one in zip(given, scores, strict=True)]
    return replace(_timed(made, wanted, batches), reference_seconds=seconds)


def _trainer(kind: Any, size: Size, wanted: Wanted, folder: Path, reference: bool) -> Any:
    gc.collect()
    torch.cuda.empty_cache()
    model = shapes.model_of(size, wanted.device, wanted.dtype)
    return ways.trainer(kind, model, folder, reference, on_gpu=wanted.device.type == "cuda")


def _timed(made: Any, wanted: Wanted, batches: list[dict[str, torch.Tensor]]) -> Found:
    trained = [one for one in made.model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=wanted.rate)
    made.model.train()
    losses, started = list[float](), 0.0
    on_gpu = wanted.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    for number, batch in enumerate(batches):
        if number == 2:
            _wait(wanted)
            started = time.perf_counter()
        there = {name: one.to(wanted.device) for name, one in batch.items()}
        with made.accelerator.autocast():
            loss = made.compute_loss(made.model, there)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    _wait(wanted)
    seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_allocated() if on_gpu else 0
    return Found(seconds, peak, losses)


def _wait(wanted: Wanted) -> None:
    if wanted.device.type == "cuda":
        torch.cuda.synchronize()


def _require_close(found: dict[str, Found], dtype: torch.dtype) -> None:
    stock = found["stock"].losses
    for name, one in found.items():
        worst = max(abs(a - b) for a, b in zip(one.losses, stock, strict=True))
        if not worst <= _APART[dtype]:
            raise SystemExit(f"The losses of {name} and stock differ by {worst:.2g}.")
