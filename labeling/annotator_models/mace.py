"""MACE: how often does an annotator answer by looking, and what do they answer otherwise?

D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, Learning whom to trust with MACE, NAACL-HLT
2013. Annotator j looks with probability theta_j and then gives the true label; else the answer is
drawn from xi_j, whatever the truth. Priors as in the paper: Beta(0.5, 0.5) on theta, and a
symmetric Dirichlet(10) on xi, by variational Bayes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from labeling.agreement.table import Numbers, RatingTable

_LOOKS, _GUESSES, _ANSWERS = 0.5, 0.5, 10.0
_STEPS, _RESTARTS = 50, 10


@dataclass(frozen=True, eq=False)
class Mace:
    """The model at its best start.

    Attributes:
        posterior: (items, labels), the probability that a label is an item's true one.
        competence: (raters,), the mean probability of answering by looking.
        guesses: (raters, labels), what they answer otherwise.
    """

    posterior: Numbers
    competence: Numbers
    guesses: Numbers


def fit(table: RatingTable, seed: int = 0) -> Mace:
    """Estimate from several random starts, and keep the one with the largest likelihood."""
    random = np.random.default_rng(seed)
    found = [_from_start(table, random) for _ in range(_RESTARTS)]
    return max(found, key=lambda each: each[0])[1]


def _from_start(table: RatingTable, random: np.random.Generator) -> tuple[float, Mace]:
    raters, labels = len(table.raters), len(table.labels)
    looks = _means(np.stack([0.5 + random.random(raters), 0.5 + random.random(raters)], axis=1))
    guesses = _means(_ANSWERS / labels + random.random((raters, labels)))
    likelihood, posterior = -np.inf, np.zeros((table.items, labels))
    for _ in range(_STEPS):
        likelihood, posterior, looked = _expect(table, looks, guesses)
        seen = np.bincount(table.rater, looked, raters)
        cells = np.bincount(table.rater * labels + table.label, 1 - looked, raters * labels)
        guessed: Numbers = cells.reshape(raters, labels).astype(np.float64)
        counts = np.bincount(table.rater, minlength=raters)
        looks = _means(np.stack([seen + _LOOKS, counts - seen + _GUESSES], axis=1))
        guesses = _means(guessed + _ANSWERS)
    share = looks[:, 0] / looks.sum(axis=1)
    return likelihood, Mace(posterior, share, guesses / guesses.sum(axis=1, keepdims=True))


def _expect(table: RatingTable, looks: Numbers, guesses: Numbers) -> tuple[float, Numbers, Numbers]:
    """Log-likelihood, truth of the items, and how likely each judgement came by looking."""
    by_guess = looks[table.rater, 1] * guesses[table.rater, table.label]
    by_look = looks[table.rater, 0]
    matching, other = np.log(by_guess + by_look), np.log(by_guess)
    scores = np.stack(
        [
            np.bincount(table.item, np.where(table.label == label, matching, other), table.items)
            for label in range(len(table.labels))
        ],
        axis=1,
    )
    top = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - top)
    totals = weights.sum(axis=1, keepdims=True)
    posterior = weights / totals
    looked = posterior[table.item, table.label] * by_look / (by_look + by_guess)
    return float((np.log(totals) + top).sum()), posterior, looked


def _means(counts: Numbers) -> Numbers:
    """The geometric means of Dirichlet rows: what variational Bayes uses for probabilities."""
    found: Numbers = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    return found
