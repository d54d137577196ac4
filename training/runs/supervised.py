"""TRL's SFTTrainer over chosen answers that are encoded already, and how it is measured.

The loss is TRL's, unchanged: the mean over all answer tokens of an update. What is measured on the
held-out answers is the same mean, by our own forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from trl import SFTConfig, SFTTrainer

from training.jobs.journal import StopRequestedError
from training.measuring import figures
from training.measuring.figures import Figure
from training.modeling import logprobs
from training.modeling.encoding import Batch, EncodedPair, Encoder
from training.modeling.models import Loaded
from training.runs import sharding, shares, trainer
from training.runs.dealing import Share
from training.runs.ranks import ALONE, Ranks
from training.runs.reference_scores import Heartbeat
from training.runs.trainer import OurWay
from training.settings.spec import DPOSpec


class AnswerCollator:
    """Rows of the trainer's dataset (positions of answers) as batches with labels."""

    def __init__(self, encoder: Encoder, pairs: Sequence[EncodedPair]) -> None:
        self._encoder = encoder
        self.pairs = pairs

    def __call__(self, examples: Sequence[Mapping[str, int]]) -> Batch:
        batch = self._encoder.collate_chosen([self.pairs[one["position"]] for one in examples])
        learned = batch.pop("completion_mask")
        return batch | {"labels": batch["input_ids"].masked_fill(learned == 0, -100)}


class AnswerTrainer(OurWay, SFTTrainer):  # type: ignore[misc]
    """See the module."""

    def _dealt(self, dealt: Sequence[Share]) -> dict[str, Any]:
        batch = super()._dealt(dealt)
        if dealt[0].weight == 0:
            # what is only repeated has no token to learn
            batch["labels"] = torch.full_like(batch["labels"], -100)
        return batch

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        share: Share | None = (inputs := dict(inputs)).pop(shares.SHARE, None)
        if self.meter is not None and (share is None or share.weight > 0):
            self.meter.add_answers(inputs)
        return super().compute_loss(model, inputs, *args, **kwargs)


class HeldoutAnswers:
    """Measures policies on the chosen answers of held-out rows."""

    def __init__(
        self,
        encoder: Encoder,
        pairs: Sequence[EncodedPair],
        labels: str,
        heartbeat: Heartbeat = lambda done, total: None,
    ) -> None:
        self._encoder = encoder
        self._pairs = tuple(pairs)
        self._labels = labels
        self._heartbeat = heartbeat
        self._plan = logprobs.batches_of(pairs)

    def measure(self, policy: Any, ranks: Ranks = ALONE) -> dict[str, Figure]:
        """`validation_loss` (nats) and `token_accuracy` (0 to 1), both per answer token.

        The policy's mode (training or not) is as before afterwards. Of several processes each
        measures all of it.
        """
        was_training = policy.training
        policy.eval()
        nats, hits, tokens = (np.zeros(len(self._pairs)) for _ in range(3))
        try:
            for number, positions in enumerate(self._plan):
                beat = partial(self._heartbeat, number, len(self._plan))
                ranks.together(beat, StopRequestedError)
                batch = self._encoder.collate_chosen([self._pairs[at] for at in positions])
                said = logprobs.answers(policy, batch)
                by_token = logprobs.by_token(said)
                right = (said.logits.argmax(dim=-1) == said.targets).cpu().numpy()
                nats[positions] = [-float(one.sum(dtype=np.float64)) for one in by_token]
                tokens[positions] = [len(one) for one in by_token]
                hits[positions] = np.bincount(said.rows, weights=right, minlength=len(positions))
        finally:
            policy.train(was_training)
            sharding.rest(policy)
        groups = [pair.row.group for pair in self._pairs]
        return {
            "validation_loss": figures.ratio(nats, tokens, self._labels, groups),
            "token_accuracy": figures.ratio(hits, tokens, self._labels, groups),
        }


def build(
    settings: DPOSpec,
    loaded: Loaded,
    collator: AnswerCollator,
    output: Path,
    dtype: torch.dtype,
    ranks: Ranks = ALONE,
) -> AnswerTrainer:
    """A trainer for these answers. With LoRA the adapter is added here, drawn with the seed."""
    told = trainer.common(settings, len(collator.pairs), output, loaded.model, dtype)
    config = SFTConfig(**told)
    made: AnswerTrainer = trainer.assembled(
        AnswerTrainer, settings, loaded, collator, config, ranks
    )
    return made
