"""Failures as the Rounds page shows them: kinds with their trend, clusters with examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import wording
from rounds.failures import collecting, report
from rounds.failures.naming import NamedCluster
from rounds.failures.report import FailureReport, KindReport
from storage import batches, cluster_names
from storage.workspace import Workspace

DEFAULT_LEAD = "lead"


@dataclass(frozen=True)
class KindLine:
    """One kind of failure; `trend` is its share round by round."""

    kind: str
    pairs: int
    share: float
    by_notes: int
    clusters: int
    trend: str


@dataclass(frozen=True)
class ClusterLine:
    """One cluster. `stability` from -1 to 1, or why there is none."""

    id: str
    kind: str
    name: str
    pairs: int
    stability: str
    terms: str


@dataclass(frozen=True)
class Example:
    """A typical failure of a cluster."""

    pair_id: str
    question: str
    chosen: str
    rejected: str


@dataclass(frozen=True)
class FailuresPage:
    """What the view shows; `lines` of kinds is empty where nobody named a failure."""

    summary: str
    kinds: Sequence[KindLine]
    clusters: Sequence[ClusterLine]
    report: FailureReport


def choices(workspace: Workspace) -> list[str]:
    """The batches to look at."""
    with workspace.ledger.read() as db:
        return [batch.name for batch in batches.listed(db)]


def read(workspace: Workspace, batch: str) -> FailuresPage:
    """The failures of one batch, or (empty) of everything that is decided."""
    found = report.of_workspace(workspace, batch=batch or None)
    named = found.decided - found.unnamed
    return FailuresPage(
        summary=(
            f"{named:,} of {wording.count(found.decided, 'decided pair')} say what is wrong with "
            "the worse answer."
        ),
        kinds=[_kind(kind, named) for kind in found.kinds],
        clusters=[
            ClusterLine(
                id=f"{kind.kind}/{one.name}",
                kind=kind.kind,
                name=one.name,
                pairs=one.cluster.size,
                stability=(
                    "too few to cluster"
                    if one.cluster.stability is None
                    else f"{one.cluster.stability:.2f}"
                ),
                terms=" ".join(one.cluster.terms),
            )
            for kind in found.kinds
            for one in kind.clusters
        ],
        report=found,
    )


def examples(found: NamedCluster) -> list[Example]:
    """The most typical failures of a cluster."""
    return [
        Example(one.pair_id, wording.excerpt(one.words), one.chosen, one.rejected)
        for one in found.cluster.examples
    ]


def rename(workspace: Workspace, found: NamedCluster, name: str) -> None:
    """Name a cluster. Raises PairwrightError."""
    members = sorted(found.cluster.pair_ids)
    with workspace.ledger.write() as tx:
        cluster_names.give(tx, found.cluster.kind, name, members, actor=DEFAULT_LEAD)


def forget(workspace: Workspace, found: NamedCluster) -> None:
    """Take the name of a cluster back. Raises PairwrightError."""
    with workspace.ledger.write() as tx:
        cluster_names.forget(tx, found.cluster.kind, found.name, actor=DEFAULT_LEAD)


def collect(workspace: Workspace, found: NamedCluster, batch: str, size: int) -> str:
    """Make a batch for a cluster; what was done, in a sentence. Raises PairwrightError."""
    made = collecting.collect(workspace, found, batch, size=size, actor=DEFAULT_LEAD)
    with workspace.ledger.read() as db:
        count = batches.pair_count(db, made.id)
    return f"Batch {made.name} has {wording.count(count, 'pair')} like {found.name}."


def _kind(kind: KindReport, named: int) -> KindLine:
    trend = ", ".join(f"round {number} {share:.0%}" for number, share in kind.trend.items())
    return KindLine(
        kind=kind.label,
        pairs=kind.size,
        share=100 * kind.size / named,
        by_notes=kind.said_by_notes,
        clusters=len(kind.clusters),
        trend=trend or "no rounds",
    )
