"""Shares of an update on their way through the trainer: the loader, and figures of unequal ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.utils import gather
from torch.utils.data import DataLoader, Dataset

from training.runs.dealing import Deal, Share
from training.runs.order import UpdateOrder
from training.runs.ranks import Ranks
from training.settings import division
from training.settings.spec import DPOSpec

# entry of a batch
SHARE = "share"


class _AsDealt(Dataset[Share]):
    """What is dealt names its pairs itself."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return self._pairs

    def __getitem__(self, share: Any) -> Share:
        found: Share = share
        return found


class _Loader(DataLoader[Share]):
    """The trainer tells a loader, and nothing in it, that another epoch begins."""

    def set_epoch(self, epoch: int) -> None:
        deal: Any = self.batch_sampler
        deal.set_epoch(epoch)


def loader(
    order: UpdateOrder,
    settings: DPOSpec,
    ranks: Ranks,
    collate: Callable[[Sequence[Share]], Any],
) -> DataLoader[Share]:
    """The shares of this process, in the order of one process."""
    accumulation, batch = settings.accumulation_steps(len(order)), settings.batch_size
    parts = division.divide(batch, accumulation, ranks.count)
    deal: Any = Deal(order, batch * accumulation, batch, parts, ranks.number, ranks.count)
    return _Loader(_AsDealt(len(order)), batch_sampler=deal, collate_fn=collate)


@contextmanager
def counted(accelerator: Any, share: Share) -> Iterator[None]:
    """Have the trainer's figures weigh every pair as the loss does, also in unequal shares."""
    most, ranks = max(share.sizes), len(share.sizes)
    factor = share.weight * sum(share.sizes) / ranks / len(share.positions)

    def gathered(value: torch.Tensor) -> torch.Tensor:
        if value.ndim == 0:
            every: torch.Tensor = gather(value)
            return every[torch.tensor(share.sizes, device=every.device) > 0]
        mine = factor * value[:most]
        rows = gather(torch.nn.functional.pad(mine, (0, most - len(mine)))).view(ranks, most)
        return torch.cat([row[:size] for row, size in zip(rows, share.sizes, strict=True)])

    accelerator.gather = accelerator.gather_for_metrics = gathered
    try:
        yield
    finally:
        del accelerator.gather, accelerator.gather_for_metrics
