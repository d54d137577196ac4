"""A batch for one cluster of failures: unlabeled pairs that are most like what went wrong there.

A fifth is drawn by lot from the unlabeled pairs of the same categories, so that what is found there
can be compared with pairs that nobody looked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rounds import batching
from rounds.batching import Wanted
from rounds.failures.likeness import likeness, told
from rounds.failures.naming import NamedCluster
from rounds.mining.strategies import RANDOM
from storage import pairs, picks
from storage.errors import WrongInputError
from storage.rows import Batch, PairView
from storage.workspace import Workspace

STRATEGY = "cluster"
RANDOM_SHARE = 0.2


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
        open_pairs = pairs.views(db, picks.unlabeled(db, categories=categories))
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
    asked = [told(view.prompt.question, view.text_a, view.text_b) for view in ordered]
    alike = likeness(asked, found.cluster)
    best = [at for at in np.argsort(-alike, kind="stable").tolist() if at not in drawn]
    wanted += [
        Wanted(ordered[at].pair.id, STRATEGY, float(alike[at]), 1.0, detail)
        for at in best[: count - lots]
    ]
    return wanted
