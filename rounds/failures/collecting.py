"""A batch for one cluster of failures: unlabeled pairs that are most like what went wrong there.

A fifth is drawn by lot from the unlabeled pairs of the same categories, so that what is found there
can be compared with pairs that nobody looked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rounds import batching
from rounds.batching import Wanted
from rounds.failures.naming import NamedCluster
from rounds.mining.strategies import RANDOM
from storage import pairs, picks
from storage.errors import WrongInputError
from storage.rows import Batch, PairView
from storage.workspace import Workspace

STRATEGY = "cluster"
RANDOM_SHARE = 0.2
_FEATURES = 2000


def collect(
    workspace: Workspace,
    found: NamedCluster,
    name: str,
    *,
    size: int,
    overlap: int = 1,
    seed: int = 0,
    actor: str = "lead",
) -> Batch:
    """Make a batch of at most `size` unlabeled pairs like those of a cluster.

    Raises:
        WrongInputError: no unlabeled pair has one of its categories.
        ConflictError: a batch of this name is there.
    """
    categories = {one.category for one in found.cluster.members}
    with workspace.ledger.read() as db:
        views = pairs.views(db, picks.unlabeled(db))
    open_pairs = [view for view in views if view.prompt.category in categories]
    if not open_pairs:
        named = ", ".join(sorted(categories)) or "no category"
        raise WrongInputError(
            f"No unlabeled pair is of the cluster's categories: {named}.",
            "Sample answers to prompts of them first: pairwright sample.",
        )
    detail = {"kind": found.cluster.kind, "cluster": found.name}
    wanted = _wanted(open_pairs, found, size, seed, detail)
    return batching.make(
        workspace, name, wanted, overlap=overlap, actor=actor, detail={**detail, "size": size}
    )


def _wanted(
    views: Sequence[PairView], found: NamedCluster, size: int, seed: int, detail: dict[str, str]
) -> list[Wanted]:
    ordered = sorted(views, key=lambda view: view.pair.id)
    count = min(size, len(ordered))
    lots = max(1, round(RANDOM_SHARE * count))
    random = np.random.default_rng(seed)
    drawn = set(random.choice(len(ordered), lots, replace=False).tolist())
    share = lots / len(ordered)
    wanted = [Wanted(ordered[at].pair.id, RANDOM, None, share, detail) for at in sorted(drawn)]
    likeness = _likeness(ordered, found)
    best = [at for at in np.argsort(-likeness, kind="stable").tolist() if at not in drawn]
    wanted += [
        Wanted(ordered[at].pair.id, STRATEGY, float(likeness[at]), 1.0, detail)
        for at in best[: count - lots]
    ]
    return wanted


def _likeness(views: Sequence[PairView], found: NamedCluster) -> NDArray[np.float64]:
    """Cosine, 0 to 1, of question and answers to the middle of the cluster's."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = [f"{one.words}\n{one.chosen}\n{one.rejected}" for one in found.cluster.members]
    asked = [f"{view.prompt.question}\n{view.text_a}\n{view.text_b}" for view in views]
    words = TfidfVectorizer(ngram_range=(1, 2), max_features=_FEATURES, sublinear_tf=True)
    middle = np.asarray(words.fit_transform(known).mean(axis=0)).ravel()
    length = float(np.linalg.norm(middle)) or 1.0
    likeness: NDArray[np.float64] = np.asarray(words.transform(asked) @ middle).ravel() / length
    return likeness
