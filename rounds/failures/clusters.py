"""Clusters inside a kind of failure, from the words in which rejected and chosen answers differ.

TF-IDF of the differing words, reduced and put into clusters by k-means; the number of clusters is
the one with the best silhouette (Rousseeuw, 1987). Seeds are fixed: the same failures give the same
clusters. How far to rely on them is told by their stability: the mean adjusted Rand index (Hubert
and Arabie, 1985) of clusterings of resampled failures with the one shown.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rounds.failures.kinds import Failure

# fewer failures than this are one cluster
FEWEST = 12
MOST_CLUSTERS = 8
_RESAMPLINGS = 10
_FEATURES = 500
_TERMS = 4
_EXAMPLES = 3
_WORDS = re.compile(r"\w+", re.UNICODE)

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """Failures that differ from the better answer in like words.

    Attributes:
        terms: the words that mark it most; `+` was only in the rejected answer, `-` only in the
            chosen one.
        members: by pair id.
        examples: the most typical ones.
        stability: of the clustering of its kind, -1 to 1 (1: always the same); None where there
            was nothing to cluster.
    """

    kind: str
    terms: tuple[str, ...]
    members: tuple[Failure, ...]
    examples: tuple[Failure, ...]
    stability: float | None

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def pair_ids(self) -> frozenset[str]:
        return frozenset(one.pair_id for one in self.members)


def of_kind(kind: str, failures: Sequence[Failure], seed: int = 0) -> list[Cluster]:
    """The clusters of one kind, the largest first."""
    members = sorted(failures, key=lambda one: one.pair_id)
    told = [differing(one.chosen, one.rejected) for one in members]
    if len(members) < FEWEST or len({" ".join(words) for words in told}) < 2:
        return [_cluster(kind, members, told, np.arange(len(members)), None)] if members else []
    features = _features(told)
    labels = _best(features, seed)
    stability = _stability(features, labels, seed)
    found = [
        _cluster(kind, members, told, np.flatnonzero(labels == number), stability, features)
        for number in np.unique(labels)
    ]
    return sorted(found, key=lambda one: (-one.size, one.terms))


def differing(chosen: str, rejected: str) -> list[str]:
    """The words only the rejected answer has, as `+word`, and only the chosen one, as `-word`."""
    good, bad = (_WORDS.findall(text.casefold()) for text in (chosen, rejected))
    found: list[str] = []
    for what, low, high, new_low, new_high in SequenceMatcher(None, good, bad).get_opcodes():
        if what != "equal":
            found += [f"-{word}" for word in good[low:high]]
            found += [f"+{word}" for word in bad[new_low:new_high]]
    return found


def _features(told: Sequence[Sequence[str]]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(analyzer=list, max_features=_FEATURES, sublinear_tf=True)
    return words.fit_transform(told)


def _best(features: Any, seed: int) -> Labels:
    from sklearn.metrics import silhouette_score

    best, labels = -1.0, np.zeros(features.shape[0], dtype=np.int64)
    for count in range(2, min(MOST_CLUSTERS, features.shape[0] // 4) + 1):
        found = _clustered(features, count, seed)
        if len(np.unique(found)) < 2:
            continue
        score = float(silhouette_score(features, found))
        if score > best:
            best, labels = score, found
    return labels


def _clustered(features: Any, count: int, seed: int) -> Labels:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # fewer different rows than clusters: it makes fewer, which is right
        warnings.simplefilter("ignore", ConvergenceWarning)
        found: Labels = KMeans(count, n_init=4, random_state=seed).fit_predict(features)
    return found.astype(np.int64)


def _stability(features: Any, labels: Labels, seed: int) -> float:
    from sklearn.metrics import adjusted_rand_score

    count = len(np.unique(labels))
    random = np.random.default_rng(seed)
    scores = []
    for number in range(_RESAMPLINGS):
        rows = np.unique(random.integers(0, len(labels), len(labels)))
        again = _clustered(features[rows], min(count, len(rows)), seed + number)
        scores.append(adjusted_rand_score(labels[rows], again))
    return float(np.mean(scores))


def _cluster(
    kind: str,
    members: Sequence[Failure],
    told: Sequence[Sequence[str]],
    rows: NDArray[np.intp],
    stability: float | None,
    features: Any = None,
) -> Cluster:
    typical = rows
    if features is not None:
        center = np.asarray(features[rows].mean(axis=0)).ravel()
        typical = rows[np.argsort(-np.asarray(features[rows] @ center).ravel(), kind="stable")]
    return Cluster(
        kind=kind,
        terms=_marking(told, rows),
        members=tuple(members[at] for at in rows),
        examples=tuple(members[at] for at in typical[:_EXAMPLES]),
        stability=stability,
    )


def _marking(told: Sequence[Sequence[str]], rows: NDArray[np.intp]) -> tuple[str, ...]:
    """The words that are more frequent in these rows than in all, by share of rows."""
    inside = set(rows.tolist())
    counts: dict[str, list[int]] = {}
    for number, words in enumerate(told):
        for word in dict.fromkeys(words):
            tally = counts.setdefault(word, [0, 0])
            tally[0] += 1
            tally[1] += number in inside

    def weight(word: str) -> float:
        everywhere, here = counts[word]
        # squared share here over share everywhere: frequent here, and rarer elsewhere
        return (here / len(rows)) ** 2 / (everywhere / len(told))

    seen = [word for word, (_, here) in counts.items() if here]
    return tuple(sorted(seen, key=lambda word: (-weight(word), word))[:_TERMS])
