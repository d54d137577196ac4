"""How several processes share the pairs of an update, and what they cannot train together.

An update holds the same pairs and weighs them alike, whether one process computes it or several:
only then are their figures the same.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass

from storage.errors import WrongInputError
from training.settings.parallel import DDP, FSDP2, ZERO
from training.settings.spec import DPOSpec

# losses whose value depends on which pairs share a batch
BY_BATCH = frozenset({"aot", "aot_unpaired", "sft"})


@dataclass(frozen=True)
class Division:
    """What one process computes of an update: at most `rounds` batches of at most `batch` pairs."""

    batch: int
    rounds: int


def divide(batch_size: int, accumulation: int, processes: int) -> Division:
    """Batches of one process, each within a batch of the settings.

    Raises WrongInputError when the pairs of an update do not divide by the processes.
    """
    pairs = batch_size * accumulation
    if pairs % processes:
        step = processes // math.gcd(batch_size, processes)
        raise WrongInputError(
            f"batch_size {batch_size} times gradient_accumulation_steps {accumulation} is {pairs} "
            f"pairs an update, which {processes} processes cannot share equally.",
            f"Use gradient_accumulation_steps auto or a multiple of {step}, or another number of "
            "processes.",
        )
    share = pairs // processes
    batch = max(n for n in range(1, batch_size + 1) if batch_size % n == 0 and share % n == 0)
    return Division(batch, share // batch)


def check(spec: DPOSpec) -> None:
    """Raise WrongInputError, before anything waits, for what several processes cannot do."""
    if spec.processes == 1:
        return
    if spec.gradient_accumulation_steps != "auto":
        divide(spec.batch_size, spec.gradient_accumulation_steps, spec.processes)
    if spec.parallel == ZERO and importlib.util.find_spec("deepspeed") is None:
        raise WrongInputError(
            "parallel is zero, and the package deepspeed is not installed.",
            "Install it where the worker runs (pip install pairwright[zero]), or use parallel "
            "fsdp2, which shares the same and more.",
        )
    if spec.quantize != "none":
        raise WrongInputError(
            f"quantize is {spec.quantize} and processes is {spec.processes}: weights of 4 bits "
            "were never tried in several processes.",
            "Use processes 1, or quantize none.",
        )
    if spec.parallel != DDP and spec.dtype == "float16":
        raise WrongInputError(
            f"parallel is {spec.parallel} and dtype is float16, whose scaled gradients were never "
            "tried when they are shared out.",
            "Use dtype bfloat16 or float32, or parallel ddp.",
        )


def notes(spec: DPOSpec, pairs: int) -> list[str]:
    """What the run's page says of the division; nothing with one process."""
    if spec.processes == 1:
        return []
    accumulation = spec.accumulation_steps(pairs)
    share = divide(spec.batch_size, accumulation, spec.processes)
    said = (
        f"{spec.processes} processes ({spec.parallel}) share an update of "
        f"{spec.batch_size * accumulation} pairs: {share.rounds} x {share.batch} each."
    )
    if spec.parallel == FSDP2:
        said += " Every process loads the whole model before it keeps a share of it."
    changed = sorted(BY_BATCH & set(spec.loss_type))
    if changed and share.batch != spec.batch_size:
        said += (
            f" The loss {', '.join(changed)} depends on the batch: it is that of batch_size "
            f"{share.batch}."
        )
    alone = spec.model_copy(update={"processes": 1}).accumulation_steps(pairs)
    if alone != accumulation:
        said += (
            f" One process would have {spec.batch_size * alone} pairs an update, which "
            f"{spec.processes} cannot share equally."
        )
    return [said]
