"""The pairs of an update dealt to several processes, so that they learn what one would.

One process adds up the means of its batches. So every batch of an update is cut into equal pieces,
the pieces go round the processes, and each counts as it does in the mean of one process. In the
last update of an epoch there may be too few: then a process repeats a piece that counts nothing,
because all of them must compute the same number of times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.runs.order import UpdateOrder
from training.settings.division import Division


@dataclass(frozen=True)
class Share:
    """What one process computes at once.

    Attributes:
        positions: of the pairs.
        weight: what its mean counts, once the trainer has divided by rounds and processes.
            1 in a full update, 0 for a piece that is only repeated.
        sizes: pairs that count of every process at this time.
    """

    positions: tuple[int, ...]
    weight: float
    sizes: tuple[int, ...]


class Deal:
    """The shares of one process, epoch by epoch. Stands where a loader expects a batch sampler.

    Args:
        order: the pairs as one process takes them.
        update: pairs of a full update.
        batch: pairs of a batch of one process.
    """

    def __init__(
        self, order: UpdateOrder, update: int, batch: int, division: Division, rank: int, ranks: int
    ) -> None:
        self._order = order
        self._update = update
        self._batch = batch
        self._division = division
        self._rank = rank
        self._ranks = ranks

    def set_epoch(self, epoch: int) -> None:
        self._order.set_epoch(epoch)

    def __len__(self) -> int:
        full, rest = divmod(len(self._order), self._update)
        pieces = sum(
            -(-min(self._batch, rest - start) // self._division.batch)
            for start in range(0, rest, self._batch)
        )
        return full * self._division.rounds + -(-pieces // self._ranks)

    def __iter__(self) -> Iterator[list[Share]]:
        drawn = list(self._order)
        for start in range(0, len(drawn), self._update):
            for round_ in self._rounds(drawn[start : start + self._update]):
                yield [round_[self._rank]]

    def _rounds(self, update: Sequence[int]) -> list[list[Share]]:
        """What every process computes of an update, one time after the other."""
        pieces, ranks = self._pieces(update), self._ranks
        rounds = [pieces[start : start + ranks] for start in range(0, len(pieces), ranks)]
        found = []
        for dealt in rounds:
            idle = ranks - len(dealt)
            sizes = (*(len(positions) for positions, _ in dealt), *(0 for _ in range(idle)))
            shares = [Share(at, part * len(rounds) * ranks, sizes) for at, part in dealt]
            found.append(shares + [Share(dealt[0][0], 0.0, sizes)] * idle)
        return found

    def _pieces(self, update: Sequence[int]) -> list[tuple[tuple[int, ...], float]]:
        """Pairs that are computed together, and their part of the update's loss."""
        batches = [update[at : at + self._batch] for at in range(0, len(update), self._batch)]
        found = []
        for batch in batches:
            for at in range(0, len(batch), self._division.batch):
                piece = tuple(batch[at : at + self._division.batch])
                found.append((piece, len(piece) / len(batch) / len(batches)))
        return found
