"""How often each annotator is right, from the votes alone: one number per person.

Dawid and Skene's model with one coin: annotator j gives the true one of two answers with
probability p_j, whichever it is. With p_j ~ Beta(3, 1) before the first vote, whose mean is 0.75,
people with few votes stay near what the confidence of a pair assumes until it is estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars

from labeling.agreement.intervals import wilson_interval
from labeling.agreement.table import Numbers, RatingTable, from_columns
from labeling.annotator_models import alike
from labeling.annotator_models.alike import Alike

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


def of_votes(said: polars.DataFrame, truth: Mapping[str, str]) -> dict[str, Accuracy]:
    """The accuracy of every annotator of these votes for one of two answers.

    Args:
        said: columns `pair_id`, `annotator` and `outcome` (`a` or `b`), one row of each annotator
            on a pair. Ties and skips say nothing.
        truth: pair -> its answer, where a lead decided it or it is gold.
    """
    if said.is_empty():
        return {}
    table = from_columns(said["pair_id"], said["annotator"], said["outcome"])
    return estimate(table, known_places(table, said["pair_id"], truth))


def known_places(
    table: RatingTable, items: polars.Series, truth: Mapping[str, str] | Mapping[int, str]
) -> dict[int, int]:
    """Positions of the items whose truth is known -> position of its label, as `estimate` wants
    them. `items` are the names or numbers that the table was made from, one for each judgement."""
    labels = {name: table.labels.index(won) for name, won in truth.items() if won in table.labels}
    if not labels:
        return {}
    places = items.unique().sort().alias("name").to_frame().with_row_index("place")
    known = places.filter(polars.col("name").is_in(list(labels)))
    return {place: labels[name] for place, name in known.iter_rows()}


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
    marks = np.zeros(table.items, np.int64)
    for item, label in (known or {}).items():
        marks[item] = 1 + label
    groups = alike.of_table(table, marks)
    mark = np.zeros(len(groups.times), np.int64)
    mark[groups.group] = marks
    accuracy = np.full(groups.raters, _RIGHT_BEFORE / (_RIGHT_BEFORE + _WRONG_BEFORE))
    counts = groups.counts.sum(axis=1)
    truth = groups.shares()
    for _ in range(_MOST_STEPS):
        truth[mark > 0] = np.eye(groups.labels)[mark[mark > 0] - 1]
        right = np.trace(groups.expected(truth), axis1=1, axis2=2)
        following = (right + _RIGHT_BEFORE) / (counts + _RIGHT_BEFORE + _WRONG_BEFORE)
        still = float(np.abs(following - accuracy).max()) < _STILL
        accuracy = following
        truth = _truth(groups, accuracy)
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


def _truth(groups: Alike, accuracy: Numbers) -> Numbers:
    """(groups, labels): the probability of each label, both equally likely before."""
    lean = np.log(accuracy / (1 - accuracy))
    scores = groups.scores(lean[:, None, None] * np.eye(groups.labels))
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Numbers = weights / weights.sum(axis=1, keepdims=True)
    return found
