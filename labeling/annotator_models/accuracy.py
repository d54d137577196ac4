"""How often each annotator is right, from the votes alone: one number per person.

Dawid and Skene's model with one coin: annotator j gives the true one of two answers with
probability p_j, whichever it is. With p_j ~ Beta(3, 1) before the first vote, whose mean is 0.75,
people with few votes stay near what the confidence of a pair assumes until it is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labeling.agreement.intervals import wilson_interval
from labeling.agreement.table import Numbers, RatingTable, from_columns
from labeling.consensus import decided, voices
from storage.rows import EffectiveVote, Verdict

# Beta(3, 1): worth four votes
_RIGHT_BEFORE, _WRONG_BEFORE = 3.0, 1.0
_MOST_STEPS = 100
_STILL = 1e-5


@dataclass(frozen=True)
class Accuracy:
    """One annotator's estimated accuracy.

    Attributes:
        value: 0 to 1, the mean after the votes.
        ci95: Wilson's interval on the expected number of right votes; it takes the truth of the
            items as estimated, so with few shared items it is too narrow.
        votes: judgements it rests on.
    """

    value: float
    ci95: tuple[float, float]
    votes: int


def of_votes(
    cast: Mapping[str, Sequence[EffectiveVote]], right: Mapping[str, str] | None = None
) -> dict[str, Accuracy]:
    """The accuracy of every annotator of these votes (pair -> its votes) for one of two answers.

    Ties and skips say nothing. The truth of a pair is known where a lead decided it, or `right`
    names its answer (gold), `a` or `b`.
    """
    told = [
        (pair, annotator, str(verdict))
        for pair, votes in cast.items()
        for annotator, verdict in voices(votes).items()
        if verdict is not Verdict.TIE
    ]
    if not told:
        return {}
    table = from_columns(*map(list, zip(*told, strict=True)))
    truth = {pair: str(decided(votes) or "") for pair, votes in cast.items()} | dict(right or {})
    return estimate(table, known_places(table, {pair for pair, _, _ in told}, truth))


def known_places(
    table: RatingTable, items: Iterable[str], truth: Mapping[str, str]
) -> dict[int, int]:
    """Positions of the items whose truth is known -> position of its label, as `estimate` wants
    them. `items` are the names that the table was made from, each once."""
    return {
        place: table.labels.index(truth[name])
        for place, name in enumerate(sorted(items))
        if truth.get(name) in table.labels
    }


def estimate(table: RatingTable, known: Mapping[int, int] | None = None) -> dict[str, Accuracy]:
    """The accuracy of every rater of a table with at most two labels (leave ties out first).

    Args:
        table: judgements; with fewer than two labels in use nobody ever disagreed.
        known: item -> label, positions of items whose truth is known (gold, adjudicated).

    Source: EM for the one-coin model of Dawid and Skene (1979) with a Beta prior; at the start the
    truth is the mean of the votes.
    """
    if not table.votes:
        return {}
    truth = table.counts / table.counts.sum(axis=1, keepdims=True)
    fixed = dict(known or {})
    accuracy = np.full(len(table.raters), _RIGHT_BEFORE / (_RIGHT_BEFORE + _WRONG_BEFORE))
    counts = np.bincount(table.rater, minlength=len(table.raters))
    for _ in range(_MOST_STEPS):
        for item, label in fixed.items():
            truth[item] = np.arange(truth.shape[1]) == label
        right = np.bincount(table.rater, truth[table.item, table.label], len(table.raters))
        following = (right + _RIGHT_BEFORE) / (counts + _RIGHT_BEFORE + _WRONG_BEFORE)
        still = float(np.abs(following - accuracy).max()) < _STILL
        accuracy = following
        truth = _truth(table, accuracy)
        if still:
            break
    return {
        name: Accuracy(
            float(accuracy[rater]),
            wilson_interval(float(right[rater] / counts[rater]), int(counts[rater])),
            int(counts[rater]),
        )
        for rater, name in enumerate(table.raters)
    }


def _truth(table: RatingTable, accuracy: Numbers) -> Numbers:
    """(items, labels): the probability of each label, both equally likely before."""
    lean = np.log(accuracy / (1 - accuracy))[table.rater]
    scores = np.stack(
        [
            np.bincount(table.item, np.where(table.label == label, lean, 0.0), table.items)
            for label in range(len(table.labels))
        ],
        axis=1,
    )
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Numbers = weights / weights.sum(axis=1, keepdims=True)
    return found
