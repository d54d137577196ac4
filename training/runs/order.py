"""The order of the training pairs: random updates, each sorted by length.

Pairs of an update that go through the model one batch after the other are sorted, so that a batch
holds pairs of similar length and little padding. The pairs of an update are those of a plain random
order: only the memory and the time that it takes are others, not what is learned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler


class UpdateOrder(Sampler[int]):
    """Positions of pairs, drawn anew for every epoch from the seed alone.

    Args:
        lengths: tokens of every pair.
        per_update: pairs between two changes of the weights.
    """

    def __init__(self, lengths: Sequence[int], per_update: int, seed: int) -> None:
        self._lengths = tuple(lengths)
        self._per_update = per_update
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator()
        # another draw for every epoch, the same on every machine
        drawn_from = hashlib.sha256(f"{self._seed}:{self._epoch}".encode()).digest()
        generator.manual_seed(int.from_bytes(drawn_from[:6], "big"))
        drawn = torch.randperm(len(self._lengths), generator=generator).tolist()
        for start in range(0, len(drawn), self._per_update):
            update = drawn[start : start + self._per_update]
            # the longest first: what does not fit in memory is known at once
            yield from sorted(update, key=lambda at: (-self._lengths[at], at))
