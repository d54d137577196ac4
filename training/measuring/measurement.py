"""Measuring a policy on held-out pairs, from our own log-probability of every answer.

Two accuracies, always both: preference accuracy (the policy gives the chosen answer the higher
log-probability) and reward accuracy (the higher implicit reward, beta times the log-ratio to the
reference). Beside them stand the reference's own preference accuracy and "the longer one wins". In
all of them a tie counts half, so a policy that equals its reference has reward accuracy 0.5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from training.jobs.journal import StopRequestedError
from training.measuring import figures, pair_figures
from training.measuring.figures import Figure
from training.modeling import logprobs
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.logprobs import Array, Divergence, Sums
from training.modeling.rows import draw_key
from training.runs.losses import Loss
from training.runs.ranks import ALONE, Ranks
from training.runs.reference import Reference
from training.runs.reference_scores import Heartbeat, KeptScores, reference_sums
from training.runs.shared_prompts import Attention

# the KL is measured on at most this many pairs, always the same ones
KL_PAIRS = 256


@dataclass(frozen=True)
class Measurement:
    """The figures of one evaluation by name, and the sums behind them in the order of the pairs."""

    figures: Mapping[str, Figure]
    sums: Sums

    def as_json(self) -> dict[str, Any]:
        return {name: figure.as_json() for name, figure in self.figures.items()}


@dataclass(frozen=True)
class Beside:
    """Another reference that rewards and KL are shown against, under its name.

    Attributes:
        name: `base` or `round_start`.
        kept: where its scores are kept.
        stays: whether it costs nothing to keep. If not, it is let go when the rewards' data are
            computed, and its KL is not measured.
    """

    name: str
    reference: Reference
    kept: KeptScores
    stays: bool


class Evaluator:
    """Measures policies on one set of pairs against one reference.

    The reference's sums are computed once and kept. With `attention` both models compute the
    prompt of a pair once for both answers. `heartbeat` is called before every batch with
    its number and the count of batches, and may raise to stop. `kept` is where the reference's
    scores are read from and left for later jobs.
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
        kept: KeptScores | None = None,
        beside: Sequence[Beside] = (),
        loss: Loss | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.pairs = tuple(pairs)
        self._attention = attention
        self._encoder = encoder
        self.labels = labels
        self._reference_name = reference_name
        self._beta = beta
        self._loss = loss or Loss(beta=beta)
        self._heartbeat = heartbeat
        ranked = fixed_order(pairs)
        with_kl, without = self._batches(ranked[:KL_PAIRS]), self._batches(ranked[KL_PAIRS:])
        self._plan, self._kl_batches = [*with_kl, *without], len(with_kl)
        # the same batches for both models: equal models then have equal sums to the last bit
        self.reference_sums = reference_sums(
            encoder, self.pairs, reference, heartbeat, self._plan, attention, kept, ranks
        )
        self._sums_beside = {
            one.name: reference_sums(
                encoder,
                self.pairs,
                one.reference,
                heartbeat,
                self._plan,
                attention,
                one.kept,
                ranks,
            )
            for one in beside
        }
        # the first is the reference itself
        self._diverged = {"": reference} | {one.name: one.reference for one in beside if one.stays}

    def measure(self, policy: Any, ranks: Ranks = ALONE) -> Measurement:
        """Figures and sums of a policy. Its mode (training or not) is as before afterwards.

        Several processes share the batches, and each of them gets all of it.
        """
        was_training = policy.training
        policy.eval()
        try:
            found = [one for part in ranks.gather(self._part(policy, ranks)) for one in part]
        finally:
            policy.train(was_training)
        chosen, rejected = np.zeros(len(self.pairs)), np.zeros(len(self.pairs))
        divergences: dict[str, list[Divergence]] = {name: [] for name in self._diverged}
        measured: list[int] = []
        for number, said, diverged in sorted(found, key=lambda one: one[0]):
            positions = self._plan[number]
            chosen[positions], rejected[positions] = said.chosen, said.rejected
            for name, divergence in diverged.items():
                divergences[name].append(divergence)
            measured.extend(positions if diverged else ())
        sums = Sums(chosen, rejected)
        return Measurement(self._figures(sums, divergences, measured), sums)

    def _part(self, policy: Any, ranks: Ranks) -> list[tuple[int, Sums, dict[str, Divergence]]]:
        """What this process measures, by the number of the batch."""
        found, numbers = [], range(len(self._plan))
        # apart: every process must go through the models as often as the others
        for some in (numbers[: self._kl_batches], numbers[self._kl_batches :]):
            for number, counts in ranks.rounds(some):
                beat = partial(self._heartbeat, number, len(self._plan))
                ranks.together(beat, StopRequestedError)
                said = self._run(policy, self._plan[number], number < self._kl_batches)
                if counts:
                    found.append((number, *said))
        return found

    def spread(self, sums: Sums) -> dict[str, Any]:
        """How the implicit rewards of a measurement lie, as `pair_figures.spread` says it."""
        return pair_figures.spread(sums, self.reference_sums, self._beta)

    def reliability(self, sums: Sums) -> list[dict[str, Any]]:
        """The bins of a measurement's calibration, from the least to the most confident."""
        return pair_figures.reliability(sums, self.reference_sums, self._beta, self.labels)

    def by_category(self, sums: Sums) -> dict[str, dict[str, Any]]:
        """Figures of a measurement by the category of the prompts."""
        rows = [pair.row for pair in self.pairs]
        categories, groups = [row.category for row in rows], [row.group for row in rows]
        return pair_figures.by_category(
            sums, self.reference_sums, self._beta, self.labels, categories, groups
        )

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
                "chosen_tokens": pair.chosen_tokens,
                "rejected_tokens": pair.rejected_tokens,
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
    ) -> tuple[Sums, dict[str, Divergence]]:
        some = [self.pairs[at] for at in positions]
        batch = self._encoder.collate(some, pictures_once=self._attention is not None)
        said = logprobs.answers(policy, batch, self._attention)
        if not with_kl:
            return logprobs.sums(said), {}
        found = {}
        for name, one in self._diverged.items():
            with one.active() as reference:
                theirs = logprobs.answers(reference, batch, self._attention)
            found[name] = logprobs.divergence(said, theirs)
        return logprobs.sums(said), found

    def _margins(self, sums: Sums, reference: Sums | None = None) -> Array:
        """Implicit reward of chosen minus that of rejected, per pair."""
        against = reference or self.reference_sums
        chosen = sums.chosen - against.chosen
        rejected = sums.rejected - against.rejected
        margins: Array = self._beta * (chosen - rejected)
        return margins

    def _figures(
        self, sums: Sums, divergences: Mapping[str, Sequence[Divergence]], measured: Sequence[int]
    ) -> dict[str, Figure]:
        labels, rows = self.labels, [pair.row for pair in self.pairs]
        groups = [row.group for row in rows]
        margins = self._margins(sums)
        gap = figures.mean(margins, labels, groups)
        kl = self._kl(divergences[""], [groups[at] for at in measured])
        against_reference = {
            "reward_accuracy": figures.accuracy(margins / self._beta, labels),
            "reward_gap": gap,
            "margin": gap,
            "validation_loss": figures.mean(self._losses(sums), labels, groups),
            "kl_per_token": kl,
            **pair_figures.against_reference(sums, self.reference_sums, self._beta, labels, groups),
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
            **self._beside(sums, divergences, measured),
        }

    def _losses(self, sums: Sums) -> Array:
        """What is trained, on every pair."""
        chosen = np.array([pair.chosen_tokens for pair in self.pairs], dtype=np.float64)
        rejected = np.array([pair.rejected_tokens for pair in self.pairs], dtype=np.float64)
        return self._loss.per_pair(sums, self.reference_sums, (chosen, rejected))

    def _beside(
        self, sums: Sums, divergences: Mapping[str, Sequence[Divergence]], measured: Sequence[int]
    ) -> dict[str, Figure]:
        """Rewards and KL against the other references, as `<figure>_<name>`."""
        groups = [pair.row.group for pair in self.pairs]
        found = {}
        for name, against in self._sums_beside.items():
            margins = self._margins(sums, against)
            figures_of = {
                "reward_accuracy": figures.accuracy(margins / self._beta, self.labels),
                "reward_gap": figures.mean(margins, self.labels, groups),
            }
            if name in divergences:
                of_measured = [groups[at] for at in measured]
                figures_of["kl_per_token"] = self._kl(divergences[name], of_measured)
            for figure, value in figures_of.items():
                found[f"{figure}_{name}"] = replace(value, reference=name)
        return found

    def _kl(self, divergences: Sequence[Divergence], groups: Sequence[int]) -> Figure:
        nats = np.concatenate([one.nats for one in divergences]) if divergences else np.zeros(0)
        tokens = np.concatenate([one.tokens for one in divergences]) if divergences else np.zeros(0)
        return replace(figures.ratio(nats, tokens, self.labels, groups), on="data")


def fixed_order(pairs: Sequence[EncodedPair]) -> list[int]:
    """Positions of pairs in an order that depends on their ids alone: the KL takes the first."""
    return sorted(range(len(pairs)), key=lambda at: draw_key(0, pairs[at].row.pair_id))
