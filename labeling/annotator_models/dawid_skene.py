"""Dawid and Skene's model: every annotator confuses labels in a way of their own.

A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM
algorithm, Applied Statistics 28 (1979) 20-28.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.agreement.table import Numbers, RatingTable

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
    posterior: Numbers = table.counts / table.counts.sum(axis=1, keepdims=True)
    before = -np.inf
    while True:
        shares = posterior.mean(axis=0)
        errors = _errors(table, posterior, smoothing)
        posterior, likelihood = _posterior(table, shares, errors)
        if likelihood - before <= _STILL * table.votes:
            return DawidSkene(posterior, shares, errors, likelihood)
        before = likelihood


def _nothing(labels: int) -> DawidSkene:
    return DawidSkene(np.zeros((0, labels)), np.zeros(labels), np.zeros((0, labels, labels)), 0.0)


def _errors(table: RatingTable, posterior: Numbers, smoothing: float) -> Numbers:
    raters, labels = len(table.raters), len(table.labels)
    cells = (table.rater * labels + table.label).astype(np.int64)
    columns = [
        np.bincount(cells, posterior[table.item, true], minlength=raters * labels)
        for true in range(labels)
    ]
    given = np.stack(columns, axis=1).reshape(raters, labels, labels)
    counts: Numbers = given.transpose(0, 2, 1).astype(np.float64) + smoothing
    totals = counts.sum(axis=2, keepdims=True)
    even = np.full_like(counts, 1 / labels)
    found: Numbers = np.divide(counts, totals, out=even, where=totals > 0)
    return found


def _posterior(table: RatingTable, shares: Numbers, errors: Numbers) -> tuple[Numbers, float]:
    """Truth given errors, and the log-likelihood of all judgements."""
    with np.errstate(divide="ignore"):
        logs, start = np.log(errors), np.log(shares)
    said = logs[table.rater, :, table.label]
    found = np.stack(
        [
            start[true] + np.bincount(table.item, _finite(said[:, true]), minlength=table.items)
            for true in range(len(table.labels))
        ],
        axis=1,
    )
    top = found.max(axis=1, keepdims=True)
    weights = np.exp(found - top)
    totals = weights.sum(axis=1, keepdims=True)
    return weights / totals, float((np.log(totals) + top).sum())


def _finite(values: Numbers) -> Numbers:
    """Impossible stays impossible, without the minus infinities that a sum turns into NaN."""
    return np.maximum(values, -1e9)
