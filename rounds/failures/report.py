"""Failures of decided pairs: by kind, in clusters, with their trend over the rounds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rounds import dataset
from rounds.dataset import BuildSettings
from rounds.failures import clusters, kinds, naming
from rounds.failures.kinds import UNNAMED, Failure
from rounds.failures.naming import NamedCluster
from storage import batches, cluster_names, failings, pairs, round_log
from storage.errors import NotFoundError
from storage.failings import Failing
from storage.ledger import Connection
from storage.rows import DatasetRow
from storage.workspace import Workspace


@dataclass(frozen=True)
class KindReport:
    """One kind of failure.

    Attributes:
        said_by_notes: failures whose kind only a note tells.
        trend: round -> share of its failures that are of this kind, 0 to 1; rounds without
            failures are not in.
        clusters: the largest first.
    """

    kind: str
    label: str
    size: int
    said_by_notes: int
    trend: Mapping[int, float]
    clusters: Sequence[NamedCluster]


@dataclass(frozen=True)
class FailureReport:
    """All failures. `decided` = failures of all kinds + `unnamed`.

    Attributes:
        unnamed: decided pairs of which nobody said what is wrong with the worse answer.
    """

    decided: int
    unnamed: int
    kinds: Sequence[KindReport]

    def find(self, kind: str, name: str) -> NamedCluster:
        """The cluster of a kind by its name.

        Raises:
            NotFoundError: there is none; the message names those that are.
        """
        known = [one for each in self.kinds if each.kind == kind for one in each.clusters]
        for one in known:
            if one.name == name:
                return one
        there = "; ".join(one.name for one in known) or "none"
        raise NotFoundError(
            f"There is no cluster {name[:100]!r} of {kind!r}.", f"Clusters of it: {there}."
        )


def of_workspace(
    workspace: Workspace, *, batch: str | None = None, round_number: int | None = None
) -> FailureReport:
    """The failures of one batch, of one round, or of everything that is decided.

    Raises:
        NotFoundError: no such batch or round.
        WrongInputError: a batch and a round are both named.
    """
    found = dataset.preview(workspace, BuildSettings(batch=batch, round=round_number, holdout=0.0))
    with workspace.ledger.read() as db:
        failures = _failures(db, list(found.rows))
        names = cluster_names.listed(db)
        rounds = _rounds(db)
    by_kind: dict[str, list[Failure]] = defaultdict(list)
    for one in failures:
        by_kind[one.kind].append(one)
    unnamed = len(by_kind.pop(UNNAMED, []))
    trends = _trends(failures, rounds)
    reports = [
        KindReport(
            kind=kind,
            label=kinds.label(kind),
            size=len(members),
            said_by_notes=sum(one.said_by == "notes" for one in members),
            trend=trends.get(kind, {}),
            clusters=naming.named(clusters.of_kind(kind, members), names),
        )
        for kind, members in by_kind.items()
    ]
    ordered = sorted(reports, key=lambda one: (-one.size, one.kind))
    return FailureReport(len(failures), unnamed, ordered)


def _failures(db: Connection, rows: Sequence[DatasetRow]) -> list[Failure]:
    said: dict[str, list[Failing]] = defaultdict(list)
    for one in failings.listed(db):
        said[one.pair_id].append(one)
    views = {view.pair.id: view for view in pairs.views(db, [row.pair_id for row in rows])}
    failures = []
    for row in rows:
        view = views[row.pair_id]
        worse = "b" if row.chosen == view.text_a else "a"
        kind, said_by = kinds.kind_of(said[row.pair_id], worse)
        failures.append(
            Failure(
                pair_id=row.pair_id,
                category=row.prompt.category,
                kind=kind,
                said_by=said_by,
                words=row.prompt.question,
                chosen=row.chosen,
                rejected=row.rejected,
                at=max((one.received_at for one in said[row.pair_id]), default=0),
            )
        )
    return failures


def _rounds(db: Connection) -> dict[str, int]:
    """Pair -> the last round that collected it."""
    found: dict[str, int] = {}
    for one in round_log.listed(db):
        for batch in round_log.batches_of(db, one.number):
            found.update(dict.fromkeys(batches.pairs_in(db, batch.id), one.number))
    return found


def _trends(failures: Sequence[Failure], rounds: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """Kind -> round -> its share of the failures there that have a kind."""
    named = [one for one in failures if one.kind != UNNAMED and one.pair_id in rounds]
    totals = Counter(rounds[one.pair_id] for one in named)
    counts = Counter((one.kind, rounds[one.pair_id]) for one in named)
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for kind in {one.kind for one in named}:
        for number in sorted(totals):
            found[kind][number] = counts[kind, number] / totals[number]
    return found
