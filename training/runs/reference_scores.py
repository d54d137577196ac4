"""What a reference says of every answer token: computed once, kept on disk, read by later jobs.

Nothing of the reference changes while a policy trains, so its log-probabilities are data. A folder
holds those of one reference (see `inputs.kept_scores` for what it is named by), every pair under
the hash of its tokens and pictures. Whoever is killed goes on from the last slice. What was read is
checked against a fresh forward before it is used. The folder may be deleted at any time.
"""

from __future__ import annotations

import os
import time
import uuid
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage import identity
from storage.media import sync_folder
from training.modeling import logprobs
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.logprobs import Sums
from training.runs.ranks import ALONE, Ranks
from training.runs.reference import Reference
from training.runs.shared_prompts import Attention

# a kill costs at most this much work, and many slices are slow to read
SLICE_SECONDS = 20.0

Heartbeat = Callable[[int, int], None]
Tokens = NDArray[np.float32]

_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class PairScores:
    """The log-probability (nats) of every token of both answers of a pair."""

    chosen: Tokens
    rejected: Tokens


class KeptScores:
    """The scores of one reference in a folder. `folder` None keeps them in memory only."""

    def __init__(self, folder: Path | None, slice_seconds: float = SLICE_SECONDS) -> None:
        self._folder = folder
        self._seconds = slice_seconds
        self._held: dict[str, PairScores] = {}
        self._fresh: dict[str, PairScores] = {}
        self._written_at = time.monotonic()
        self.read = self.computed = 0
        self.refused = ""
        for file in sorted(folder.glob("*.npz")) if folder is not None else ():
            self._held |= _read_slice(file)

    @property
    def note(self) -> str:
        """What the run's page says."""
        said = f"{self.read:,} pairs were read from disk, {self.computed:,} were computed."
        return f"What the reference says of {said} {self.refused}".rstrip()

    def get(self, key: str) -> PairScores | None:
        return self._held.get(key)

    def put(self, found: dict[str, PairScores]) -> None:
        """Keep scores; they are on disk after at most the seconds of a slice, or `flush`."""
        self._held |= found
        self._fresh |= found
        if time.monotonic() - self._written_at >= self._seconds:
            self.flush()

    def flush(self) -> None:
        if self._fresh and self._folder is not None:
            try:
                _write_slice(self._folder, self._fresh)
            except OSError as error:
                # the run goes on without: all of it is in memory, too
                self._folder = None
                self.refused = f"They could not be kept for later jobs: {error.strerror}."
        self._fresh = {}
        self._written_at = time.monotonic()

    def take(self, ranks: Ranks, keys: Sequence[str]) -> None:
        """Have what every process has of its share, which are these keys here."""
        if ranks.count > 1:
            for theirs in ranks.gather({key: self._held[key] for key in keys}):
                self._held |= theirs

    def forget(self, reason: str) -> None:
        """Remove everything that was kept, and say why."""
        self._held, self._fresh, self.refused = {}, {}, reason
        for file in self._folder.glob("*.npz") if self._folder is not None else ():
            file.unlink(missing_ok=True)


def reference_sums(
    encoder: Encoder,
    pairs: Sequence[EncodedPair],
    reference: Reference,
    heartbeat: Heartbeat = lambda done, total: None,
    plan: Sequence[Sequence[int]] | None = None,
    attention: Attention | None = None,
    kept: KeptScores | None = None,
    ranks: Ranks = ALONE,
) -> Sums:
    """The reference's log-probability of both answers of every pair, in the order of the pairs.

    `plan` holds the positions of every batch; by default pairs of similar length go together. With
    `attention` the prompt of a pair is computed once for both answers. Several processes share the
    batches, and each of them gets all of it.
    """
    kept = kept or KeptScores(None)
    keys = [key_of(pair) for pair in pairs]
    batches = logprobs.batches_of(pairs) if plan is None else plan

    def scores(model: Any, positions: Sequence[int]) -> dict[str, PairScores]:
        batch = encoder.collate([pairs[at] for at in positions], attention is not None)
        said = logprobs.by_token(logprobs.answers(model, batch, attention))
        both = zip(said[: len(positions)], said[len(positions) :], strict=True)
        return {keys[at]: PairScores(*one) for at, one in zip(positions, both, strict=True)}

    with reference.active() as model:
        reason = ranks.decide(
            lambda: _check(kept, keys, batches, lambda at: scores(model, at), model.dtype)
        )
        if reason:
            kept.forget(reason)
            # nobody writes anew before all have forgotten
            ranks.wait()
        mine = batches[ranks.number :: ranks.count]
        try:
            for number, positions in enumerate(mine):
                heartbeat(number, len(mine))
                missing = [at for at in positions if kept.get(keys[at]) is None]
                if missing:
                    kept.put(scores(model, missing))
                kept.computed += len(missing)
                kept.read += len(positions) - len(missing)
        finally:
            kept.flush()
    kept.take(ranks, [keys[at] for positions in mine for at in positions])
    return _summed([kept.get(key) for key in keys])


def key_of(pair: EncodedPair) -> str:
    """The hash of what a model is given of a pair: tokens and pictures."""
    prompt = pair.prompt
    extras = {name: list(values) for name, values in prompt.extras.items()}
    given = [list(prompt.ids), extras, list(prompt.shown), list(pair.chosen), list(pair.rejected)]
    # what does not count is in no sum
    return identity.digest([*given, *map(list, pair.thoughts)] if any(pair.thoughts) else given)


def _check(
    kept: KeptScores,
    keys: Sequence[str],
    batches: Sequence[Sequence[int]],
    scores: Callable[[Sequence[int]], dict[str, PairScores]],
    dtype: Any,
) -> str:
    """Compare the first batch that was read with a fresh forward; why all of it must be forgotten,
    empty where nothing speaks against it."""
    known = [[at for at in batch if kept.get(keys[at]) is not None] for batch in batches]
    first = next(filter(None, known), None)
    if first is None:
        return ""
    fresh = scores(first)
    theirs = _summed([kept.get(keys[at]) for at in first])
    ours = _summed([fresh[keys[at]] for at in first])
    for was, now in ((theirs.chosen, ours.chosen), (theirs.rejected, ours.rejected)):
        worst, most = float(np.max(np.abs(was - now))), logprobs.tolerance(dtype, now)
        if not worst <= most:
            return (
                f"What was kept differed from a fresh forward by {worst:.3g} nats on the first "
                f"batch (rounding explains {most:.3g}) and was computed again."
            )
    return ""


def _summed(scores: Sequence[PairScores | None]) -> Sums:
    def total(values: Tokens) -> float:
        # one after the other, as sums over a batch are made: equal models then have equal sums
        return float(np.cumsum(values.astype(np.float64))[-1]) if len(values) else 0.0

    found = [one for one in scores if one is not None]
    return Sums(
        np.array([total(one.chosen) for one in found]),
        np.array([total(one.rejected) for one in found]),
    )


def _write_slice(folder: Path, found: dict[str, PairScores]) -> None:
    """Whole or not at all, also after a power loss."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = [side for one in found.values() for side in (one.chosen, one.rejected)]
    name = uuid.uuid4().hex
    temporary = folder / f".{name}.partial"
    with temporary.open("wb") as file:
        np.savez(
            file,
            keys=np.array(list(found)),
            lengths=np.array([len(side) for side in sides]),
            values=np.concatenate(sides),
        )
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / f"{name}.npz")
    sync_folder(folder)


def _read_slice(file: Path) -> dict[str, PairScores]:
    """The scores of a slice; a damaged one is removed, so that its pairs are computed again."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as slice_:
            keys, lengths, values = slice_["keys"], slice_["lengths"], slice_["values"]
        sides = np.split(values, np.cumsum(lengths)[:-1])
        pairs = zip(sides[0::2], sides[1::2], strict=True)
        return {str(key): PairScores(*two) for key, two in zip(keys, pairs, strict=True)}
    except _DAMAGED:
        file.unlink(missing_ok=True)
        return {}
