"""Measuring a policy on held-out pairs, from our own log-probability of every answer.

Two accuracies, always both: preference accuracy (the policy gives the chosen answer the higher
log-probability) and reward accuracy (the higher implicit reward, beta times the log-ratio to the
reference). Beside them stand the reference's own preference accuracy and "the longer one wins". In
all of them a tie counts half, so a policy that equals its reference has reward accuracy 0.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from training import figures, logprobs
from training.encoding import EncodedPair, Encoder
from training.figures import Figure
from training.logprobs import Array, Divergence, Sums
from training.reference import Reference
from training.rows import draw_key
from training.shared_prompts import Attention

# the KL is measured on at most this many pairs, always the same ones
KL_PAIRS = 256

Heartbeat = Callable[[int, int], None]


@dataclass(frozen=True)
class Measurement:
    """The figures of one evaluation by name, and the sums behind them in the order of the pairs."""

    figures: Mapping[str, Figure]
    sums: Sums

    def as_json(self) -> dict[str, Any]:
        return {name: figure.as_json() for name, figure in self.figures.items()}


class Evaluator:
    """Measures policies on one set of pairs against one reference.

    The reference's sums are computed once and kept. With `attention` both models compute the
    prompt of a pair once for both answers. `heartbeat` is called before every batch with
    its number and the count of batches, and may raise to stop.
    """

    def __init__(
        self,
        encoder: Encoder,
        pairs: Sequence[EncodedPair],
        reference: Reference,
        *,
        labels: str,
        reference_name: str,
        beta: float,
        heartbeat: Heartbeat = lambda done, total: None,
        attention: Attention | None = None,
    ) -> None:
        self.pairs = tuple(pairs)
        self._attention = attention
        self._encoder = encoder
        self._reference = reference
        self._labels = labels
        self._reference_name = reference_name
        self._beta = beta
        self._heartbeat = heartbeat
        ranked = sorted(range(len(pairs)), key=lambda at: draw_key(0, pairs[at].row.pair_id))
        with_kl, without = self._batches(ranked[:KL_PAIRS]), self._batches(ranked[KL_PAIRS:])
        self._plan, self._kl_batches = [*with_kl, *without], len(with_kl)
        # the same batches for both models: equal models then have equal sums to the last bit
        self.reference_sums = reference_sums(
            encoder, self.pairs, reference, heartbeat, self._plan, attention
        )

    def measure(self, policy: Any) -> Measurement:
        """Figures and sums of a policy. Its mode (training or not) is as before afterwards."""
        was_training = policy.training
        policy.eval()
        try:
            chosen, rejected = np.zeros(len(self.pairs)), np.zeros(len(self.pairs))
            divergences: list[Divergence] = []
            measured: list[int] = []
            for number, positions in enumerate(self._plan):
                self._heartbeat(number, len(self._plan))
                found, divergence = self._run(policy, positions, number < self._kl_batches)
                chosen[positions], rejected[positions] = found.chosen, found.rejected
                if divergence is not None:
                    divergences.append(divergence)
                    measured.extend(positions)
        finally:
            policy.train(was_training)
        sums = Sums(chosen, rejected)
        return Measurement(self._figures(sums, divergences, measured), sums)

    def write_scores(self, path: Path, measurement: Measurement) -> None:
        """One JSON line per pair: its sums under policy and reference (nats), tokens, margin."""
        margins = self._margins(measurement.sums)
        lines = []
        for at, pair in enumerate(self.pairs):
            score = {
                "pair_id": pair.row.pair_id,
                "split": pair.row.split,
                "category": pair.row.category,
                "chosen_logp": float(measurement.sums.chosen[at]),
                "rejected_logp": float(measurement.sums.rejected[at]),
                "reference_chosen_logp": float(self.reference_sums.chosen[at]),
                "reference_rejected_logp": float(self.reference_sums.rejected[at]),
                "chosen_tokens": len(pair.chosen),
                "rejected_tokens": len(pair.rejected),
                "margin": float(margins[at]),
            }
            lines.append(json.dumps(score) + "\n")
        temporary = path.with_name(f".{path.name}.partial")
        temporary.write_text("".join(lines), encoding="utf-8")
        temporary.replace(path)

    def _batches(self, positions: Sequence[int]) -> list[list[int]]:
        some = [self.pairs[at] for at in positions]
        return [[positions[at] for at in batch] for batch in logprobs.batches_of(some)]

    def _run(
        self, policy: Any, positions: Sequence[int], with_kl: bool
    ) -> tuple[Sums, Divergence | None]:
        some = [self.pairs[at] for at in positions]
        batch = self._encoder.collate(some, pictures_once=self._attention is not None)
        said = logprobs.answers(policy, batch, self._attention)
        if not with_kl:
            return logprobs.sums(said), None
        with self._reference.active() as reference:
            theirs = logprobs.answers(reference, batch, self._attention)
        return logprobs.sums(said), logprobs.divergence(said, theirs)

    def _margins(self, sums: Sums) -> Array:
        """Implicit reward of chosen minus that of rejected, per pair."""
        chosen = sums.chosen - self.reference_sums.chosen
        rejected = sums.rejected - self.reference_sums.rejected
        margins: Array = self._beta * (chosen - rejected)
        return margins

    def _figures(
        self, sums: Sums, divergences: Sequence[Divergence], measured: Sequence[int]
    ) -> dict[str, Figure]:
        labels, rows = self._labels, [pair.row for pair in self.pairs]
        groups = [row.group for row in rows]
        margins = self._margins(sums)
        gap = figures.mean(margins, labels, groups)
        nats = np.concatenate([one.nats for one in divergences]) if divergences else np.zeros(0)
        tokens = np.concatenate([one.tokens for one in divergences]) if divergences else np.zeros(0)
        kl = figures.ratio(nats, tokens, labels, [groups[at] for at in measured])
        against_reference = {
            "reward_accuracy": figures.accuracy(margins / self._beta, labels),
            "reward_gap": gap,
            "margin": gap,
            "validation_loss": figures.mean(np.logaddexp(0, -margins), labels, groups),
            "kl_per_token": replace(kl, on="data"),
            "reference_preference_accuracy": figures.accuracy(
                self.reference_sums.chosen - self.reference_sums.rejected, labels
            ),
        }
        named = {
            name: replace(figure, reference=self._reference_name)
            for name, figure in against_reference.items()
        }
        lengths = [len(row.chosen) for row in rows], [len(row.rejected) for row in rows]
        differences = sums.chosen - sums.rejected
        return {
            "preference_accuracy": figures.accuracy(differences, labels),
            "log_probability_difference": figures.mean(differences, labels, groups),
            "longer_wins_accuracy": figures.longer_wins(*lengths, labels),
            **named,
        }


def reference_sums(
    encoder: Encoder,
    pairs: Sequence[EncodedPair],
    reference: Reference,
    heartbeat: Heartbeat = lambda done, total: None,
    plan: Sequence[Sequence[int]] | None = None,
    attention: Attention | None = None,
) -> Sums:
    """The reference's log-probability of both answers of every pair, in the order of the pairs.

    `plan` holds the positions of every batch; by default pairs of similar length go together. With
    `attention` the prompt of a pair is computed once for both answers.
    """
    chosen, rejected = np.zeros(len(pairs)), np.zeros(len(pairs))
    batches = logprobs.batches_of(pairs) if plan is None else plan
    with reference.active() as model:
        for number, positions in enumerate(batches):
            heartbeat(number, len(batches))
            some = [pairs[at] for at in positions]
            batch = encoder.collate(some, pictures_once=attention is not None)
            found = logprobs.sums(logprobs.answers(model, batch, attention))
            chosen[positions], rejected[positions] = found.chosen, found.rejected
    return Sums(chosen, rejected)
