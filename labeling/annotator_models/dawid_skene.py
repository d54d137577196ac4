"""Dawid and Skene's model: every annotator confuses labels in a way of their own.

A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM
algorithm, Applied Statistics 28 (1979) 20-28.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.agreement.table import Numbers, RatingTable
from labeling.annotator_models import alike
from labeling.annotator_models.alike import Alike

# change of the log-likelihood per judgement at which the estimation ends
_STILL = 1e-9


@dataclass(frozen=True, eq=False)
class DawidSkene:
    """The model at a maximum of its likelihood.

    Attributes:
        posterior: (items, labels), the probability that a label is an item's true one.
        shares: (labels,), the estimated share of items whose true label it is.
        errors: (raters, labels, labels), the probability that a rater gives the second label where
            the first one is true. A row of a label that was never true for a rater's items is even.
        log_likelihood: of all judgements, in nats.
    """

    posterior: Numbers
    shares: Numbers
    errors: Numbers
    log_likelihood: float

    @property
    def accuracy(self) -> Numbers:
        """(raters,), the probability that a rater gives the true label, over all labels."""
        right = np.diagonal(self.errors, axis1=1, axis2=2)
        found: Numbers = right @ self.shares
        return found


def fit(table: RatingTable, smoothing: float = 0.0) -> DawidSkene:
    """Estimate by EM from the mean of the votes on each item, as the paper does.

    Args:
        table: a rater may judge an item several times.
        smoothing: pseudo-judgements added to every cell of a confusion matrix; 0 is maximum
            likelihood, a little keeps raters with few judgements from looking perfect.
    """
    if not table.votes:
        return _nothing(len(table.labels))
    groups = alike.of_table(table)
    posterior = groups.shares()
    before = -np.inf
    while True:
        shares: Numbers = groups.times @ posterior / groups.times.sum()
        errors = _errors(groups, posterior, smoothing)
        posterior, likelihood = _posterior(groups, shares, errors)
        if likelihood - before <= _STILL * table.votes:
            return DawidSkene(posterior[groups.group], shares, errors, likelihood)
        before = likelihood


def _nothing(labels: int) -> DawidSkene:
    return DawidSkene(np.zeros((0, labels)), np.zeros(labels), np.zeros((0, labels, labels)), 0.0)


def _errors(groups: Alike, posterior: Numbers, smoothing: float) -> Numbers:
    counts = groups.expected(posterior).transpose(0, 2, 1) + smoothing
    totals = counts.sum(axis=2, keepdims=True)
    even = np.full(counts.shape, 1 / groups.labels)
    found: Numbers = np.divide(counts, totals, out=even, where=totals > 0)
    return found


def _posterior(groups: Alike, shares: Numbers, errors: Numbers) -> tuple[Numbers, float]:
    """Truth given errors, and the log-likelihood of all judgements."""
    with np.errstate(divide="ignore"):
        logs, start = np.log(errors), np.log(shares)
    found = start + groups.scores(_finite(logs).transpose(0, 2, 1))
    top = found.max(axis=1, keepdims=True)
    weights = np.exp(found - top)
    totals = weights.sum(axis=1, keepdims=True)
    return weights / totals, float(groups.times @ (np.log(totals) + top)[:, 0])


def _finite(values: Numbers) -> Numbers:
    """Impossible stays impossible, without the minus infinities that a sum turns into NaN."""
    return np.maximum(values, -1e9)
