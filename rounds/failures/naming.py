"""Names that leads gave, carried over to the clusters of today.

A cluster takes the name of its kind with which it shares most pairs, where that is at least half of
the smaller of the two. Clusters that take the same name are one: that is how leads merge them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rounds.failures.clusters import Cluster
from storage.cluster_names import ClusterName

LEAST_SHARED = 0.5


@dataclass(frozen=True)
class NamedCluster:
    """A cluster as it is shown: with the lead's name, else the words that mark it."""

    name: str
    given: bool
    cluster: Cluster


def named(clusters: Sequence[Cluster], names: Sequence[ClusterName]) -> list[NamedCluster]:
    """The clusters with their names, those of one name as one, the largest first."""
    together: dict[tuple[str, str], list[Cluster]] = {}
    for number, cluster in enumerate(clusters):
        name = _name_of(cluster, names)
        # without a name every cluster stays its own
        together.setdefault((name, "" if name else str(number)), []).append(cluster)
    found = [
        NamedCluster(name or _by_words(members[0]), bool(name), _merged(members))
        for (name, _), members in together.items()
    ]
    return sorted(found, key=lambda one: (-one.cluster.size, one.name))


def _name_of(cluster: Cluster, names: Sequence[ClusterName]) -> str:
    best, name = LEAST_SHARED, ""
    for one in names:
        if one.kind != cluster.kind:
            continue
        smaller = min(len(one.pairs), cluster.size)
        shared = len(one.pairs & cluster.pair_ids) / smaller
        if shared > best or (shared == best and not name):
            best, name = shared, one.name
    return name


def _merged(members: Sequence[Cluster]) -> Cluster:
    if len(members) == 1:
        return members[0]
    known = [one.stability for one in members if one.stability is not None]
    return Cluster(
        kind=members[0].kind,
        terms=tuple(dict.fromkeys(term for one in members for term in one.terms)),
        members=tuple(failure for one in members for failure in one.members),
        examples=tuple(one.examples[0] for one in members),
        stability=min(known, default=None),
    )


def _by_words(cluster: Cluster) -> str:
    return ", ".join(cluster.terms) or cluster.kind
