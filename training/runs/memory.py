"""How much memory a training needs and how much this machine has, without torch."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from training.modeling.model_facts import ModelFacts
from training.settings.spec import DPOSpec

GIB = 2**30
# the rest is for activations, the servers and the system
SAFE_SHARE = 0.8

FITS, TIGHT, TOO_LARGE, UNKNOWN = "fits", "tight", "too large", "unknown"

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Machine:
    """Where a run started here would train. `memory` is bytes, None when it cannot be known."""

    name: str
    is_gpu: bool
    memory: int | None


@dataclass(frozen=True)
class Estimate:
    """Bytes that a training needs besides activations, by what they are for.

    Attributes:
        weights: the policy.
        trained: what training adds: gradients, the optimizer's two moments, adapter weights.
        reference: a second, frozen copy of the model; 0 where the adapter is switched off instead.
    """

    weights: int
    trained: int
    reference: int

    @property
    def total(self) -> int:
        return self.weights + self.trained + self.reference


def estimate(
    facts: ModelFacts,
    settings: DPOSpec,
    *,
    on_gpu: bool,
    starts_as_reference: bool = True,
    merges: bool = False,
) -> Estimate | None:
    """Bytes of a training, activations left out; None when the model's size is unknown.

    With P weights of the model, D of them in decoder, embeddings and LM head, b bytes a weight
    (2 as bfloat16, 4 as float32; `auto` is bfloat16 on a GPU unless adapters are merged into the
    weights, see training.modeling.devices), and L = lora_rank times the sum of inputs and outputs
    of the decoder's linear layers:

        lora: P b + 16 L            adapter, gradient and two Adam moments, all float32
        full: P b + 3 D b + P b     gradient and two Adam moments (AdamW keeps them in the
                                    weights' format), and the frozen reference

    LoRA needs a second P b, too, when it starts elsewhere than at its reference. Activations come
    on top: they grow with batch_size and the longest pair.

    Source: Adam keeps two moments (Kingma and Ba 2015); LoRA's A and B are r x in and out x r
    (Hu et al. 2021); copies and formats as training.runs.dpo and training.runs.trainer make them.
    """
    if facts.parameters is None or facts.trained is None or facts.linear_sides is None:
        return None
    half = settings.dtype in ("bfloat16", "float16")
    small = half or (settings.dtype == "auto" and on_gpu and not merges)
    width = 2 if small else 4
    weights = facts.parameters * width
    if settings.method == "full":
        return Estimate(weights, trained=3 * facts.trained * width, reference=weights)
    adapters = 16 * settings.lora_rank * facts.linear_sides
    return Estimate(weights, adapters, reference=0 if starts_as_reference else weights)


def verdict(needed: Estimate | None, machine: Machine) -> str:
    """FITS with room for activations, TIGHT without, TOO_LARGE, or UNKNOWN."""
    if needed is None or machine.memory is None:
        return UNKNOWN
    if needed.total > machine.memory:
        return TOO_LARGE
    return FITS if needed.total <= SAFE_SHARE * machine.memory else TIGHT


@functools.cache
def this_machine() -> Machine:
    """The first CUDA device if there is one, else the main memory of this machine."""
    gpu = _gpu()
    return gpu or Machine("main memory", is_gpu=False, memory=_main_memory())


def parse_gpu(listed: str) -> Machine | None:
    """The first device of `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits`
    (`NVIDIA H200, 143771`, in MiB), or None.
    """
    first = listed.strip().splitlines()[:1]
    name, comma, size = first[0].rpartition(",") if first else ("", "", "")
    if not comma or not size.strip().isdigit():
        return None
    return Machine(name.strip(), is_gpu=True, memory=int(size) * 2**20)


def _gpu() -> Machine | None:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    program = shutil.which("nvidia-smi")
    if program is None or (visible is not None and visible.strip() in ("", "-1")):
        return None
    query = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
    try:
        done = subprocess.run(
            (program, *query), capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_gpu(done.stdout)


def _main_memory() -> int | None:
    """Bytes of RAM, or the limit of the container that this runs in."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None
    try:
        limit = int(_CGROUP_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):
        # no container, or "max"
        return total
    return min(total, limit)
