"""How fast a run trains and what it needs: pairs and tokens a second, memory, MFU on a GPU.

Time counts from the end of one step to the end of the next, reading of pictures included;
evaluations and saving are left out.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from trl.trainer.utils import compute_flops_per_token, get_peak_flops

from training.runs.ranks import ALONE, Ranks
from training.runs.shared_prompts import unwrapped

_GIB = 2**30
# TRL counts a forward and a backward of two forwards; frozen weights need no gradient of their own
_OF_FULL = {"full": 1.0, "lora": 2 / 3}


class Meter:
    """Counts the work of training steps. `read` gives the rates since it was read last."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._since: float | None = None
        self._seconds = 0.0
        self._pairs = 0
        self._rows = 0
        self._tokens: torch.Tensor | float = 0.0

    def add(self, batch: Mapping[str, Any], shared: bool) -> None:
        """Count a TRL batch. With `shared` the prompt of a pair was run once for both answers."""
        whole = batch["attention_mask"].sum()
        if shared:
            answers = batch.get("answer_mask", batch["completion_mask"])
            whole = whole - (whole - answers.sum()) / 2
        pairs = batch["input_ids"].shape[0] // 2
        self._tokens = self._tokens + whole.detach().double()
        self._pairs += pairs
        self._rows += pairs if shared else 2 * pairs

    def add_answers(self, batch: Mapping[str, Any]) -> None:
        """Count a batch of SFT, which has a row for every answer and no pairs."""
        self._tokens = self._tokens + batch["attention_mask"].sum().detach().double()
        self._rows += batch["input_ids"].shape[0]

    def lap(self) -> None:
        """A step has ended."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if self._since is not None:
            self._seconds += self._clock() - self._since
        self._since = None

    def resume(self) -> None:
        """From now on time is that of the next step."""
        self._since = self._clock()

    def read(self, model: Any, method: str, ranks: Ranks = ALONE) -> dict[str, float]:
        """Rates since the last call, and the peak memory of the run so far (GiB).

        Of several processes: what all did, and the memory of the one that took most.

        Also `mfu` (share of the GPU's peak; decoder only, recomputation not counted) where the peak
        of the GPU is known. Source: PaLM (Chowdhery et al. 2022), appendix B; TRL's
        `compute_flops_per_token`.
        """
        mine = (self._pairs, float(self._tokens), self._rows, peak_memory())
        seconds, every = self._seconds, ranks.gather(mine)
        self._seconds, self._pairs, self._rows, self._tokens = 0.0, 0, 0, 0.0
        pairs, tokens, rows = (sum(one[at] for one in every) for at in range(3))
        found = {"memory_gib": max(one[3] for one in every) / _GIB}
        if seconds <= 0 or not rows:
            return found
        rate = {"pairs_per_second": pairs / seconds} if pairs else {}
        found |= {**rate, "tokens_per_second": tokens / seconds}
        used = _utilization(model, method, tokens / seconds / ranks.count, tokens / rows)
        return found if used is None else found | {"mfu": used}


def peak_memory() -> int:
    """Bytes: the most that tensors took on the GPU, else the most that this process took."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _utilization(model: Any, method: str, rate: float, length: float) -> float | None:
    """Share of the GPU's peak that `rate` tokens a second of rows of `length` tokens are."""
    if not torch.cuda.is_available():
        return None
    inner = unwrapped(model)
    kind = str(inner.dtype).removeprefix("torch.")
    peak = get_peak_flops(torch.cuda.get_device_name(), kind)
    return None if peak is None else flops_per_token(inner, method, length) * rate / peak


def flops_per_token(inner: Any, method: str, length: float) -> float:
    """Floating-point operations of a training step per token, of the decoder alone."""
    whole: int = compute_flops_per_token(inner.config.get_text_config(), round(length))
    return _OF_FULL[method] * whole
