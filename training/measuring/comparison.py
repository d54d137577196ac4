"""One evaluation of a run against an earlier one on the same held-out pairs, pair by pair.

Read from the scores that every evaluation leaves, so that a run that was killed and goes on
compares as one that never was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.measuring import figures, paired
from training.measuring.figures import Figure
from training.modeling.logprobs import Sums
from training.runs.losses import Loss


@dataclass(frozen=True)
class Scored:
    """Per pair, in the order of the file: the run's loss, and whether the policy gives the chosen
    answer the higher log-probability."""

    losses: NDArray[np.float64]
    right: NDArray[np.bool_]


def read(path: Path, loss: Loss) -> Scored | None:
    """The scores of an evaluation as `Evaluator.write_scores` left them; None without the file."""
    if not path.is_file():
        return None
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def column(name: str) -> NDArray[np.float64]:
        return np.array([row[name] for row in rows], dtype=np.float64)

    policy = Sums(column("chosen_logp"), column("rejected_logp"))
    reference = Sums(column("reference_chosen_logp"), column("reference_rejected_logp"))
    tokens = column("chosen_tokens"), column("rejected_tokens")
    return Scored(loss.per_pair(policy, reference, tokens), policy.chosen > policy.rejected)


def loss_change(now: Scored, before: Scored, groups: Sequence[int], labels: str) -> Figure:
    """Loss now minus loss before, mean over pairs, with a bootstrap interval over groups."""
    return figures.mean(now.losses - before.losses, labels, groups)


def accuracy_change(now: Scored, before: Scored, labels: str) -> Figure:
    """Preference accuracy now minus before, with the interval for paired proportions."""
    found = paired.compare(before.right, now.right)
    return Figure(found.difference, found.ci95, found.n, labels)
