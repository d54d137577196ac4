"""Figures of an evaluation that come from the sums of every pair: rewards, flips, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.measuring import calibration, figures
from training.measuring.figures import TIE_NATS, Array, Figure
from training.modeling.logprobs import Sums

# of the distribution of rewards that a run shows at every evaluation
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def against_reference(
    policy: Sums, reference: Sums, beta: float, labels: str, groups: Sequence[int]
) -> dict[str, Figure]:
    """Rewards, drift, flips and calibration of a policy against a reference (sums in nats)."""
    chosen, rejected = policy.chosen - reference.chosen, policy.rejected - reference.rejected
    margins: Array = beta * (chosen - rejected)
    return {
        "reward_chosen": figures.mean(beta * chosen, labels, groups),
        "reward_rejected": figures.mean(beta * rejected, labels, groups),
        "chosen_drift": figures.mean(chosen, labels, groups),
        **flips(policy, reference, labels),
        "calibration_error": calibration.error(margins, labels, groups),
        "brier_score": calibration.brier(margins, labels, groups),
    }


def flips(policy: Sums, reference: Sums, labels: str) -> dict[str, Figure]:
    """Both ways, by log-probability: what the policy turned of the pairs that the reference had
    wrong (a tie counts as wrong), and what it lost of those that the reference had right."""
    ours = policy.chosen - policy.rejected > TIE_NATS
    theirs = reference.chosen - reference.rejected > TIE_NATS
    turned = np.where(ours[~theirs], 1.0, -1.0)
    lost = np.where(ours[theirs], -1.0, 1.0)
    return {
        "reference_wrong_turned": figures.accuracy(turned, labels, tie=0.0),
        "reference_right_lost": figures.accuracy(lost, labels, tie=0.0),
    }


def spread(policy: Sums, reference: Sums, beta: float) -> dict[str, Any]:
    """QUANTILES of the implicit rewards of chosen and rejected, and their number."""
    found: dict[str, Any] = {"n": len(policy.chosen), "quantiles": list(QUANTILES)}
    for name in ("chosen", "rejected"):
        rewards = beta * (getattr(policy, name) - getattr(reference, name))
        cut = np.quantile(rewards, QUANTILES) if len(rewards) else np.full(len(QUANTILES), np.nan)
        found[name] = [round(float(value), 6) for value in cut]
    return found


def by_category(
    policy: Sums,
    reference: Sums,
    beta: float,
    labels: str,
    categories: Sequence[str],
    groups: Sequence[int],
) -> dict[str, dict[str, Any]]:
    """category -> both accuracies, reward gap and the reference's own accuracy, as JSON."""
    margins = (policy.chosen - reference.chosen) - (policy.rejected - reference.rejected)
    differences = policy.chosen - policy.rejected
    theirs = reference.chosen - reference.rejected
    names, members = np.array(categories), np.array(groups)
    found = {}
    for name in sorted(set(categories)):
        inside = names == name
        told = {
            "preference_accuracy": figures.accuracy(differences[inside], labels),
            "reward_accuracy": figures.accuracy(margins[inside], labels),
            "reward_gap": figures.mean(beta * margins[inside], labels, members[inside].tolist()),
            "reference_preference_accuracy": figures.accuracy(theirs[inside], labels),
        }
        found[name] = {key: figure.as_json() for key, figure in told.items()}
    return found


def reliability(policy: Sums, reference: Sums, beta: float, labels: str) -> list[dict[str, Any]]:
    """The bins of `calibration.bins` as JSON; those without pairs are left out."""
    chosen, rejected = policy.chosen - reference.chosen, policy.rejected - reference.rejected
    return [
        {
            "from": round(one.low, 2),
            "to": round(one.high, 2),
            "confidence": round(one.confidence, 6),
            "accuracy": one.accuracy.as_json(),
        }
        for one in calibration.bins(beta * (chosen - rejected), labels)
        if one.confidence is not None
    ]
