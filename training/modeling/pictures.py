"""Pictures for the model: prepared by its processor.

What the processor makes of a picture is kept in memory within a bound, because every pair is
looked at many times in a run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from training.modeling.scaling import shrink as shrink
from training.modeling.sources import PictureSource as PictureSource
from training.modeling.sources import Source as Source

# prepared pictures kept in memory; beyond it the least recently used are prepared again
CACHE_BYTES = 1 << 30

Tensors = Mapping[str, torch.Tensor]


class PreparedPictures:
    """What the processor made of the pictures of a prompt, least recently used out first."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most = most_bytes
        self._held: OrderedDict[tuple[str, ...], Tensors] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, ...], prepare: Callable[[], Tensors]) -> Tensors:
        """The tensors under this key (ids in order), prepared when they are not held."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        made = prepare()
        self.put(key, made)
        return made

    def put(self, key: tuple[str, ...], made: Tensors) -> None:
        if key in self._held:
            return
        self._held[key] = made
        self._bytes += _size(made)
        while self._bytes > self._most and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= _size(dropped)


def join(parts: Sequence[Tensors]) -> dict[str, torch.Tensor]:
    """Tensors of several prompts as one batch: along the first dimension, others zero-padded."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: _join_one([part[name] for part in parts if name in part]) for name in names}


def same(one: Tensors, other: Tensors) -> bool:
    """Whether both hold the same names, shapes and values."""
    return set(one) == set(other) and all(
        one[name].shape == other[name].shape
        and torch.allclose(one[name].double(), other[name].double(), atol=1e-6)
        for name in one
    )


def tensors_of(output: Mapping[str, Any], leave_out: Sequence[str]) -> dict[str, torch.Tensor]:
    """What a processor returned, without the named entries; lists of tensors are left out too."""
    return {
        name: value
        for name, value in output.items()
        if name not in leave_out and isinstance(value, torch.Tensor)
    }


def _join_one(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    widest = [max(sizes) for sizes in zip(*(one.shape[1:] for one in tensors), strict=True)]
    padded = []
    for one in tensors:
        gaps = [most - size for most, size in zip(widest, one.shape[1:], strict=True)]
        if any(gaps):
            spread = [amount for gap in reversed(gaps) for amount in (0, gap)]
            one = torch.nn.functional.pad(one, spread)
        padded.append(one)
    return torch.cat(padded)


def _size(made: Tensors) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in made.values())
