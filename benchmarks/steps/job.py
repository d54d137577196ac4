"""A whole job: pictures from disk, all epochs, the reference, and a validation after each epoch.

Both ways open the same files, use the same processor, see the pairs in the same order and validate
on the same pairs after every epoch: stock by TRL's loss in evaluation mode, which runs policy and
reference on two rows, ours by the policy's sums and the reference as data. What happens once (ours:
encoding and the reference pass) is timed with the rest.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from steps import toy, ways
from steps.toy import Files, Shape
from steps.ways import FULL, Shared, Stock, Way
from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

from training.modeling import logprobs, vision_features
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.rows import PairRow
from training.modeling.vision_features import VisionFeatures
from training.runs.losses import Loss
from training.runs.reference import Reference
from training.runs.reference_scores import reference_sums
from training.runs.sharing import Sharing
from training.runs.trainer import PairCollator


class Counted:
    """Pictures that a processor was given."""

    def __init__(self, processor: Any) -> None:
        self.pictures = 0
        self._inner = processor.image_processor.preprocess
        processor.image_processor.preprocess = self._preprocess

    def _preprocess(self, images: Any, *args: Any, **named: Any) -> Any:
        self.pictures += _count(images)
        return self._inner(images, *args, **named)


class StockJob:
    def __init__(self, shape: Shape, given: list[PairRow], heldout: int, folder: Path) -> None:
        self._files, self._rows, self._heldout = Files(folder), given, heldout
        self._processor = toy.processor()
        self.counted = Counted(self._processor)
        self._collator = DataCollatorForVisionPreference(self._processor)
        self.way = Way(Stock, shape, folder, reference=False)
        self.validation: list[float] = []
        self.seconds = 0.0

    def prepare(self) -> None:
        """Nothing: everything is computed when it is needed."""

    def epoch(self) -> None:
        for row in self._rows[self._heldout :]:
            self.way.step(partial(self._batch, row))

    def validate(self) -> None:
        trainer, losses = self.way.trainer, list[float]()
        trainer.model.eval()
        with torch.no_grad():
            for row in self._rows[: self._heldout]:
                losses.append(float(trainer.compute_loss(trainer.model, self._batch(row))))
        trainer.model.train()
        self.validation.append(float(np.mean(losses)))

    def _batch(self, row: PairRow) -> dict[str, torch.Tensor]:
        return dict(self._collator(toy.stock_rows([row], self._files)))


class OurJob:
    def __init__(
        self, shape: Shape, given: list[PairRow], heldout: int, folder: Path, cache: bool = False
    ) -> None:
        self._rows, self._heldout = given, heldout
        self._cache = VisionFeatures(folder / "vision") if cache else None
        processor = toy.processor()
        self.counted = Counted(processor)
        self.way = Way(Shared, shape, folder, reference=True)
        model = self.way.trainer.model
        self._encoder = Encoder(Loaded(model, processor, processor.tokenizer, True), Files(folder))
        self.validation: list[float] = []
        self.seconds = 0.0

    def prepare(self) -> None:
        """Encode, and compute the reference of all pairs once."""
        pairs = self._encoder.encode(self._rows).pairs
        self._heldout_pairs = pairs[: self._heldout]
        if self._cache is not None:
            inner = self.way.trainer.model.get_base_model()
            prompts = {p.prompt.images: partial(self._encoder.media, [p.prompt]) for p in pairs}
            vision_features.fill(self._cache, prompts, inner, lambda done, total: None)
            self._encoder.features = self._cache
        reference = Reference(self.way.trainer.model, adapter_off=True)
        plan = [[at] for at in range(len(pairs))]
        sums = reference_sums(self._encoder, pairs, reference, plan=plan, attention=FULL)
        self._sums = replace(sums)
        self._collator = PairCollator(self._encoder, pairs)
        self._collator.sharing, self._collator.reference = Sharing(FULL), sums

    def epoch(self) -> None:
        for at in range(self._heldout, len(self._rows)):
            self.way.step(partial(self._collator, [{"position": at}]))

    def validate(self) -> None:
        model = self.way.trainer.model
        model.eval()
        found = [self._policy(model, pair) for pair in self._heldout_pairs]
        model.train()
        policy = logprobs.Sums(*(np.concatenate(side) for side in zip(*found, strict=True)))
        kept = slice(0, self._heldout)
        reference = logprobs.Sums(self._sums.chosen[kept], self._sums.rejected[kept])
        ones = np.ones(self._heldout)
        self.validation.append(float(Loss().per_pair(policy, reference, (ones, ones)).mean()))

    def _policy(self, model: Any, pair: EncodedPair) -> tuple[Any, Any]:
        batch = self._encoder.collate([pair], pictures_once=True)
        sums = logprobs.sums(logprobs.answers(model, batch, FULL))
        return sums.chosen, sums.rejected


def measure(shape: Shape, folder: Path, *, pairs: int, heldout: int, epochs: int) -> dict[str, Any]:
    """Both jobs, epoch by epoch in turn, and ours with kept vision features for its counts."""
    given = toy.rows(shape, Files(folder), pairs + heldout)
    stock = StockJob(shape, given, heldout, folder)
    ours = OurJob(shape, given, heldout, folder)
    cached = OurJob(shape, given, heldout, folder, cache=True)
    named: dict[str, Any] = {"stock": stock, "shared": ours, "shared_cached_vision": cached}
    seen = dict.fromkeys(named, 0)
    for stage in ["prepare", *["epoch", "validate"] * epochs]:
        for name, job in named.items():
            with job.way.seen() as pictures:
                started = time.process_time()
                getattr(job, stage)()
                job.seconds += time.process_time() - started
            seen[name] += sum(pictures)
    for one in (ours, cached):
        ways.require_equal_losses(one.way.losses, stock.way.losses)
        ways.require_equal_losses(one.validation, stock.validation)
    total = pairs + heldout
    return {
        "pairs": pairs,
        "heldout": heldout,
        "epochs": epochs,
        "prompt_tokens": shape.prompt,
        "answer_tokens": shape.answer,
        "seconds": {name: round(job.seconds, 2) for name, job in named.items()},
        "job_ratio": round(stock.seconds / ours.seconds, 2),
        "job_ratio_cached_vision": round(stock.seconds / cached.seconds, 2),
        # an epoch looks at every pair once, held-out ones in its validation
        "processor_calls_per_pair_and_epoch": {
            name: round(job.counted.pictures / total / epochs, 2) for name, job in named.items()
        },
        "vision_forwards_per_pair": {name: round(count / total, 2) for name, count in seen.items()},
        "validation_loss": round(stock.validation[-1], 5),
    }


def _count(images: Any) -> int:
    return sum(map(_count, images)) if isinstance(images, list | tuple) else 1
