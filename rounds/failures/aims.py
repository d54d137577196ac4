"""What a round about failures aims at: the clusters that are largest and growing, with weights.

A cluster weighs its share of all failures whose kind is known, times how its kind grew: the kind's
share in the last round over that in the round before, held between a half and twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rounds.failures import report
from rounds.failures.clusters import Cluster
from rounds.failures.likeness import likeness, told
from rounds.failures.report import FailureReport
from rounds.mining.candidates import Candidate
from storage.workspace import Workspace

# smaller ones are left to the part that is drawn by lot
MOST_AIMS = 6
STRONGEST_GROWTH = 2.0
# of a batch goes to categories in equal parts, so that none of them is lost from sight
EVEN_SHARE = 0.1
NONE_YET = "nobody said yet what is wrong with a worse answer, so there is no cluster of failures"


@dataclass(frozen=True)
class Aim:
    """One cluster; the weights of all aims add up to 1."""

    kind: str
    name: str
    weight: float
    cluster: Cluster


@dataclass(frozen=True)
class Near:
    """The aim that a pair is nearest to. `score` is likeness times weight, 0 to 1; the heaviest aim
    counts whole."""

    aim: Aim
    score: float


def of_workspace(workspace: Workspace) -> list[Aim]:
    """The aims of today, the heaviest first; empty while no failure has a kind.

    Raises:
        DamagedError: votes cannot be read.
    """
    return of_report(report.of_workspace(workspace))


def of_report(found: FailureReport) -> list[Aim]:
    """The aims that a report tells of."""
    heavy = [
        (one.cluster.size * growth(kind.trend), kind.kind, one.name, one.cluster)
        for kind in found.kinds
        for one in kind.clusters
    ]
    heavy = sorted(heavy, key=lambda one: (-one[0], one[1], one[2]))[:MOST_AIMS]
    total = sum(weight for weight, *_ in heavy)
    return [Aim(kind, name, weight / total, cluster) for weight, kind, name, cluster in heavy]


def growth(trend: Mapping[int, float]) -> float:
    """How a kind's share of the failures went from the round before to the last: 0.5 to 2."""
    shares = [trend[number] for number in sorted(trend)]
    if len(shares) < 2 or shares[-1] == shares[-2]:
        return 1.0
    if not shares[-2]:
        return STRONGEST_GROWTH
    return min(STRONGEST_GROWTH, max(1 / STRONGEST_GROWTH, shares[-1] / shares[-2]))


def weights(aims: Sequence[Aim], categories: Iterable[str]) -> dict[str, float]:
    """Category -> its part of a batch: where the failures of the aims are, and some for each."""
    names = sorted(set(categories))
    found = dict.fromkeys(names, EVEN_SHARE / max(1, len(names)))
    for aim in aims:
        counts = Counter(one.category for one in aim.cluster.members)
        for name, count in counts.items():
            if name in found:
                found[name] += (1 - EVEN_SHARE) * aim.weight * count / aim.cluster.size
    return found


def near(aims: Sequence[Aim], candidates: Sequence[Candidate]) -> dict[str, Near]:
    """Pair id -> the aim it is nearest to."""
    if not aims or not candidates:
        return {}
    asked = [told(one.words, *one.answers) for one in candidates]
    heaviest = max(aim.weight for aim in aims)
    scores = np.stack([likeness(asked, one.cluster) * one.weight / heaviest for one in aims])
    best = scores.argmax(axis=0)
    return {
        one.pair_id: Near(aims[int(at)], float(scores[at, number]))
        for number, (one, at) in enumerate(zip(candidates, best, strict=True))
    }
