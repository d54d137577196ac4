"""KL on policy: how far the policy is from its reference on answers that it gives itself.

Two answers are drawn at temperature 1 for each of a fixed set of held-out prompts. At every token
of theirs the KL is exact, over the whole vocabulary: summed over an answer it is an unbiased
estimate of the KL between the two models' distributions of answers, with less variance than the
log-ratio of the drawn tokens (Amini, Vieira and Cotterell 2025, arXiv 2504.10637).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from training.answers import drawing
from training.answers.drawing import AnswerTokens
from training.jobs.journal import StopRequestedError
from training.measuring import figures
from training.measuring.figures import Figure
from training.measuring.measurement import fixed_order
from training.modeling import logprobs
from training.modeling.encoding import EncodedPair, Encoder
from training.runs.ranks import ALONE, Ranks
from training.runs.reference import Reference
from training.runs.reference_scores import Heartbeat
from training.runs.shared_prompts import Attention

# prompts that answers are drawn for at a time, two for each
_AT_ONCE = 16
# an answer is drawn no longer than the longest of these pairs, and never longer than this
_MOST_TOKENS = 256
# a KL over the policy's own answers asks nobody which is better
LABELS = "none (own answers)"


@dataclass(frozen=True)
class OnPolicy:
    """Draws answers and measures. `pairs` are those of `asked`; their own answers are not used.

    `heartbeat` is called before every batch and may raise to stop.
    """

    encoder: Encoder
    pairs: Sequence[EncodedPair]
    reference: Reference
    reference_name: str
    tokens: AnswerTokens
    seed: int
    heartbeat: Heartbeat
    attention: Attention | None = None

    def measure(self, policy: Any, step: int, ranks: Ranks = ALONE) -> dict[str, Figure]:
        """KL(policy || reference) in nats per token and per answer; n counts prompts.

        The same step draws the same answers, and the random state is as before afterwards. Of
        several processes every one draws and measures all of it, on the answers of the first.
        """
        was_training = policy.training
        policy.eval()
        try:
            drawn = self._drawn(policy, step, ranks)
            # in shares the models must be run alike, and equal draws are not sure to be
            drawn = ranks.decide(partial(list, drawn))
            found = [self._divergence(policy, some, ranks) for some in self._batches(drawn)]
        finally:
            policy.train(was_training)
        nats = np.concatenate([one.nats for one, _ in found])
        tokens = np.concatenate([one.tokens for one, _ in found])
        groups = [pair.row.group for _, some in found for pair in some]
        told = {
            "kl_per_token_on_policy": figures.ratio(nats, tokens, LABELS, groups),
            "kl_per_answer_on_policy": figures.mean(nats / 2, LABELS, groups),
        }
        return {
            name: replace(figure, reference=self.reference_name, on="policy")
            for name, figure in told.items()
        }

    def _batches(self, pairs: Sequence[EncodedPair]) -> list[list[EncodedPair]]:
        return [[pairs[at] for at in batch] for batch in logprobs.batches_of(pairs)]

    def _divergence(
        self, policy: Any, pairs: list[EncodedPair], ranks: Ranks
    ) -> tuple[logprobs.Divergence, list[EncodedPair]]:
        ranks.together(partial(self.heartbeat, 0, len(self.pairs)), StopRequestedError)
        batch = self.encoder.collate(pairs, pictures_once=self.attention is not None)
        ours = logprobs.answers(policy, batch, self.attention)
        with self.reference.active() as reference:
            theirs = logprobs.answers(reference, batch, self.attention)
        return logprobs.divergence(ours, theirs), pairs

    def _drawn(self, policy: Any, step: int, ranks: Ranks) -> list[EncodedPair]:
        """The pairs with two drawn answers in the place of theirs."""
        device = next(policy.parameters()).device
        found: list[EncodedPair] = []
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.seed * 1_000_003 + step)
            for start in range(0, len(self.pairs), _AT_ONCE):
                beat = partial(self.heartbeat, start, len(self.pairs))
                ranks.together(beat, StopRequestedError)
                some = self.pairs[start : start + _AT_ONCE]
                answers = self._answers(policy, [pair for pair in some for _ in range(2)])
                found += [
                    replace(
                        pair,
                        chosen=answers[2 * at],
                        rejected=answers[2 * at + 1],
                        thoughts=((), ()),
                    )
                    for at, pair in enumerate(some)
                ]
        return found

    def _answers(self, policy: Any, asked: Sequence[EncodedPair]) -> list[tuple[int, ...]]:
        longest = max(max(len(one.chosen), len(one.rejected)) for one in self.pairs)
        prompts, most = [pair.prompt for pair in asked], min(longest, _MOST_TOKENS)
        return drawing.answers(policy, self.encoder, prompts, self.tokens, most, greedy=False)


def asked(pairs: Sequence[EncodedPair], most: int) -> list[EncodedPair]:
    """The first pairs of the fixed order with `most` different prompts."""
    found: dict[tuple[Any, ...], EncodedPair] = {}
    for at in fixed_order(pairs):
        found.setdefault((pairs[at].prompt.ids, pairs[at].prompt.shown), pairs[at])
    return list(found.values())[:most]
