"""Which pairs come first: each strategy gives every candidate a score, the highest is taken first.

`margin` is the product's own: the closest to 50/50. It is contested: a close call may be one that
experts cannot make either, and large predicted gaps did better in other hands (ActiveUltraFeedback,
2026). So others stand beside it, and a random part is always drawn to measure all of them by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rounds.mining.candidates import Candidate, Labeled, texts
from storage.errors import WrongInputError

Scores = NDArray[np.float64]

MARGIN, ENTROPY, DISAGREEMENT = "margin", "entropy", "disagreement"
DIVERSE, LARGE_GAP, RANDOM = "diverse", "large_gap", "random"
FAILURES = "failures"

# words that say what a strategy looks for
MEANINGS: Mapping[str, str] = {
    MARGIN: "the model is closest to 50/50",
    ENTROPY: "the model's answers are the least predictable",
    DISAGREEMENT: "simple models of the labels so far disagree most",
    DIVERSE: "unsure, and unlike what was chosen before",
    LARGE_GAP: "the model sees the largest difference",
    FAILURES: "like the largest and growing clusters of failures",
    RANDOM: "drawn by lot",
}

_ENSEMBLE = 16
_FEATURES = 2000
# fewer labels teach an ensemble nothing
FEWEST_LABELS = 30
# how many of the least sure are looked at for diversity, as a multiple of what is wanted
_POOL = 4


def score(
    name: str,
    candidates: Sequence[Candidate],
    *,
    seed: int = 0,
    labeled: Sequence[Labeled] = (),
    wanted: int = 0,
    near: Mapping[str, float] | None = None,
) -> Scores:
    """A score for every candidate, the highest first to be taken.

    Args:
        labeled: pairs decided so far; only `disagreement` looks at them.
        wanted: how many will be taken; only `diverse` looks at it, 0 for all.
        near: pair id -> nearness to clusters of failures; only `failures` looks at it.

    Raises:
        WrongInputError: no such strategy, or too few labels for it.
    """
    if name not in MEANINGS:
        raise WrongInputError(f"There is no strategy {name!r}.", f"Use {', '.join(MEANINGS)}.")
    if not candidates:
        return np.zeros(0)
    if name == FAILURES:
        return np.array([(near or {}).get(one.pair_id, 0.0) for one in candidates])
    if name == DISAGREEMENT:
        return disagreement(candidates, labeled, seed)
    if name == DIVERSE:
        return diverse(candidates, wanted or len(candidates))
    if name == RANDOM:
        return np.random.default_rng(seed).random(len(candidates))
    return np.array([_SIMPLE[name](one) for one in candidates], dtype=np.float64)


_SIMPLE: Mapping[str, Callable[[Candidate], float]] = {
    MARGIN: lambda one: 1 - one.confidence,
    ENTROPY: lambda one: one.entropy,
    LARGE_GAP: lambda one: abs(one.beta * one.delta),
}


def disagreement(candidates: Sequence[Candidate], labeled: Sequence[Labeled], seed: int) -> Scores:
    """Variance of the predictions of an ensemble, each fitted to the labels drawn with replacement:
    what is unknown for lack of labels, not for being a close call (Houlsby et al., BALD, 2011).

    Each is a logistic regression on the difference of the answers' words; it has no constant, so
    that swapping the answers swaps the prediction.
    """
    if len(labeled) < FEWEST_LABELS:
        raise WrongInputError(
            f"The strategy disagreement learns from labels, and there are {len(labeled)}.",
            f"Label {FEWEST_LABELS} pairs and more, or use another strategy.",
        )
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known_a, known_b = texts(labeled)
    words = TfidfVectorizer(ngram_range=(1, 2), max_features=_FEATURES, sublinear_tf=True)
    words.fit([*known_a, *known_b])
    known = words.transform(known_a) - words.transform(known_b)
    asked_a, asked_b = texts(candidates)
    asked = words.transform(asked_a) - words.transform(asked_b)
    signs = np.array([1 if one.winner == "a" else -1 for one in labeled])
    random = np.random.default_rng(seed)
    votes = []
    for _ in range(_ENSEMBLE):
        rows = random.integers(0, len(labeled), len(labeled))
        # each pair turned about at random: both classes are there, and no side is learned
        turned = random.choice((-1, 1), len(rows))
        model = LogisticRegression(fit_intercept=False, max_iter=500)
        model.fit(known[rows].multiply(turned[:, None]).tocsr(), signs[rows] * turned)
        votes.append(1 / (1 + np.exp(-model.decision_function(asked))))
    spread: Scores = np.var(np.array(votes), axis=0)
    return spread


def diverse(candidates: Sequence[Candidate], wanted: int) -> Scores:
    """Among the least sure, each time the one farthest from all that were taken (k-center greedy,
    Sener and Savarese, 2018), over what question and answers say; the others follow by margin."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    unsure = np.array([1 - one.confidence for one in candidates])
    pool = np.argsort(-unsure, kind="stable")[: _POOL * wanted]
    first, second = texts([candidates[at] for at in pool])
    both = [f"{one}\n{other}" for one, other in zip(first, second, strict=True)]
    places = TfidfVectorizer(max_features=_FEATURES, sublinear_tf=True).fit_transform(both)
    scores = unsure.copy()
    for rank, at in enumerate(_farthest_first(places, min(wanted, len(pool)))):
        # above every margin, in the order in which they were taken
        scores[pool[at]] = 1 + wanted - rank
    return scores


def _farthest_first(places: Any, count: int) -> list[int]:
    """Rows of a sparse matrix of unit length, beginning with the first, each the farthest from
    those before it by cosine."""
    taken = [0]
    nearest = np.full(places.shape[0], np.inf)
    while len(taken) < count:
        alike = (places @ places[taken[-1]].T).toarray().ravel()
        nearest = np.minimum(nearest, 1 - alike)
        nearest[taken] = -1.0
        taken.append(int(np.argmax(nearest)))
    return taken
