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
from labeling.annotator_models import alike
from labeling.annotator_models.alike import Alike

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
    groups = alike.of_table(table)
    found = [_from_start(groups, random) for _ in range(_RESTARTS)]
    return max(found, key=lambda each: each[0])[1]


def _from_start(groups: Alike, random: np.random.Generator) -> tuple[float, Mace]:
    raters, labels = groups.raters, groups.labels
    looks = _means(np.stack([0.5 + random.random(raters), 0.5 + random.random(raters)], axis=1))
    guesses = _means(_ANSWERS / labels + random.random((raters, labels)))
    counts = groups.counts
    likelihood, posterior = -np.inf, np.zeros((len(groups.times), labels))
    for _ in range(_STEPS):
        likelihood, posterior, looked = _expect(groups, looks, guesses)
        seen = looked.sum(axis=1)
        looks = _means(np.stack([seen + _LOOKS, counts.sum(axis=1) - seen + _GUESSES], axis=1))
        guesses = _means(counts - looked + _ANSWERS)
    share = looks[:, 0] / looks.sum(axis=1)
    guessed = guesses / guesses.sum(axis=1, keepdims=True)
    return likelihood, Mace(posterior[groups.group], share, guessed)


def _expect(groups: Alike, looks: Numbers, guesses: Numbers) -> tuple[float, Numbers, Numbers]:
    """Log-likelihood, truth of the groups, and how many of each rater's judgements with each label
    came by looking."""
    by_guess, by_look = looks[:, 1:] * guesses, looks[:, :1]
    same = np.eye(groups.labels)[None]
    worth = np.where(same, np.log(by_guess + by_look)[:, :, None], np.log(by_guess)[:, :, None])
    scores = groups.scores(worth)
    top = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - top)
    totals = weights.sum(axis=1, keepdims=True)
    posterior = weights / totals
    right = np.diagonal(groups.expected(posterior), axis1=1, axis2=2)
    looked = right * by_look / (by_look + by_guess)
    return float(groups.times @ (np.log(totals) + top)[:, 0]), posterior, looked


def _means(counts: Numbers) -> Numbers:
    """The geometric means of Dirichlet rows: what variational Bayes uses for probabilities."""
    found: Numbers = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    return found
