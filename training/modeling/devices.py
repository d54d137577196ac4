"""Where a model runs and in which number format: the one place that asks about the machine."""

from __future__ import annotations

import os

import torch
from transformers.utils import logging as transformers_logging


def prepare() -> torch.device:
    """Use the GPU when there is one, else every core but one; returns the device.

    A core stays free for the servers beside the run: threads of torch that wait for one another
    on a busy core were measured at a tenth of the speed of a single thread. OMP_NUM_THREADS
    overrides the number.

    The progress bars of the libraries are turned off: they would fill the job's log.
    """
    transformers_logging.disable_progress_bar()
    if torch.cuda.is_available():
        return torch.device("cuda")
    wished = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(wished) if wished.isdigit() else (os.cpu_count() or 2) - 1
    torch.set_num_threads(max(1, threads))
    return torch.device("cpu")


def dtype_of(name: str, device: torch.device, merges: bool = False) -> torch.dtype:
    """The number format of `auto`, `float32`, `bfloat16` or `float16` on this device.

    `auto` is bfloat16 on a GPU that has it and float32 everywhere else, and also float32 when
    adapters are merged into the weights: below half a bfloat16 step their changes would be lost.
    `float16` is float32 on a CPU, where it is measured and never trained (see `formats`).
    """
    if name == "float16":
        return torch.float16 if device.type == "cuda" else torch.float32
    if name == "float32":
        return torch.float32
    if name == "bfloat16":
        return torch.bfloat16
    has_it = not merges and device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if has_it else torch.float32
