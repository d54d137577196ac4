"""How much pairs are like a cluster of failures, by the words of question and answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rounds.failures.clusters import Cluster

_FEATURES = 2000


def likeness(asked: Sequence[str], cluster: Cluster) -> NDArray[np.float64]:
    """Cosine, 0 to 1, of each text to the middle of the cluster's; a text is what `told` makes."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = [told(one.words, one.chosen, one.rejected) for one in cluster.members]
    words = TfidfVectorizer(
        # answers of one letter are words, too
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106 (no password)
        ngram_range=(1, 2),
        max_features=_FEATURES,
        sublinear_tf=True,
    )
    if not any(map(words.build_analyzer(), known)):
        return np.zeros(len(asked))
    middle = np.asarray(words.fit_transform(known).mean(axis=0)).ravel()
    length = float(np.linalg.norm(middle)) or 1.0
    found: NDArray[np.float64] = np.asarray(words.transform(asked) @ middle).ravel() / length
    return found


def told(question: str, *answers: str) -> str:
    """A question and its answers as one text."""
    return "\n".join((question, *answers))
