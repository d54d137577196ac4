"""What the Overview shows: what needs someone now, and how everything stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from console.views import needs, wording
from console.views.figures import reading
from console.views.needs import Need, Situation
from labeling import standings
from labeling.standings import Standing
from storage import (
    annotators,
    batches,
    checkpoints,
    clock,
    dataset_versions,
    jobs,
    links,
    models,
    round_log,
    workers,
)
from storage.ledger import Connection
from storage.round_log import RoundEvent
from storage.rows import Checkpoint, DatasetVersion, Job, Link
from storage.workspace import Workspace

MOST_JOBS = 10

_Made = TypeVar("_Made", DatasetVersion, Checkpoint)


@dataclass(frozen=True)
class BatchLine:
    batch: str
    percent: int
    pairs: int
    votes: str
    settled: int
    unsettled: int
    disputes: int
    ties: int
    imported: int


@dataclass(frozen=True)
class LinkLine:
    annotator: str
    batch: str
    state: str
    expires: str
    last_seen: str


@dataclass(frozen=True)
class JobLine:
    job: str
    kind: str
    state: str
    progress: str
    created: str


@dataclass(frozen=True)
class NewestLine:
    """The newest dataset version or checkpoint."""

    what: str
    name: str
    about: str
    made: str


@dataclass(frozen=True)
class Overview:
    """Everything on the page. `needs` is never empty: the last line says what comes next."""

    needs: Sequence[Need]
    batches: Sequence[BatchLine]
    links: Sequence[LinkLine]
    jobs: Sequence[JobLine]
    newest: Sequence[NewestLine]
    workers: int
    home: str


def prepare(workspace: Workspace) -> Overview:
    """Read the workspace once and put it into lines."""
    with workspace.ledger.read() as db:
        listed = batches.listed(db)
    counted = standings.of_batches(workspace, listed)
    with workspace.ledger.read() as db:
        situation = _situation(db, workspace, counted)
        people = {link.annotator_id for link in situation.links}
        names = {person: annotators.by_id(db, person).name for person in people}
    batch_names = {s.batch.id: s.batch.name for s in situation.standings}
    now = situation.now
    return Overview(
        needs=needs.of(situation),
        batches=[_batch(standing) for standing in situation.standings],
        links=[_link(link, names, batch_names, now) for link in situation.links],
        jobs=[_job(job, now) for job in situation.jobs[:MOST_JOBS]],
        newest=[
            *(_dataset(version, now) for version in situation.datasets[:1]),
            *(_checkpoint(checkpoint, now) for checkpoint in situation.checkpoints[:1]),
        ],
        workers=situation.workers,
        home=str(workspace.home),
    )


def _situation(db: Connection, workspace: Workspace, counted: Sequence[Standing]) -> Situation:
    return Situation(
        home=workspace.home,
        now=clock.now(db),
        standings=counted,
        links=links.listed(db),
        jobs=sorted(jobs.listed(db), key=lambda job: job.created_at, reverse=True),
        workers=workers.live(db),
        datasets=_newest_first(dataset_versions.listed(db)),
        checkpoints=_newest_first(checkpoints.listed(db)),
        models=[model.name for model in models.listed(db)],
        told=_told(db),
    )


def _told(db: Connection) -> list[RoundEvent]:
    running = round_log.current(db)
    return [] if running is None else round_log.events(db, running.number)


def _newest_first(rows: Sequence[_Made]) -> list[_Made]:
    return sorted(rows, key=lambda row: row.created_at, reverse=True)


def _batch(standing: Standing) -> BatchLine:
    return BatchLine(
        batch=standing.batch.name,
        percent=int(100 * standing.progress),
        pairs=standing.pairs,
        votes=f"{standing.counted:,} of {standing.wanted:,}",
        settled=standing.settled,
        unsettled=standing.unsettled,
        disputes=standing.disputes,
        ties=standing.ties,
        imported=standing.imported,
    )


def _link(link: Link, names: dict[str, str], batch_names: dict[str, str], now: int) -> LinkLine:
    state = links.state(link, now)
    return LinkLine(
        annotator=names[link.annotator_id],
        batch=batch_names.get(link.batch_id, link.batch_id),
        state=state,
        expires=wording.until(link.expires_at, now) if state == "active" else "",
        last_seen=wording.ago(link.last_seen_at, now),
    )


def _job(job: Job, now: int) -> JobLine:
    return JobLine(
        job=job.id,
        kind=wording.job_kind(job.kind),
        state=job.state.value,
        progress="" if job.state.is_final else wording.progress(job.progress),
        created=wording.ago(job.created_at, now),
    )


def _dataset(version: DatasetVersion, now: int) -> NewestLine:
    rows = wording.count(version.rows, "row")
    about = f"{rows} ({version.train:,} train, {version.holdout:,} hold-out), {version.labels}"
    return NewestLine("dataset version", version.id, about, wording.ago(version.created_at, now))


def _checkpoint(made: Checkpoint, now: int) -> NewestLine:
    measured = reading(made.metrics.get("preference_accuracy"))
    about = f"{made.kind}, trained on {made.dataset_version}"
    if measured.value is not None:
        about += f", preference accuracy {wording.share(measured.value)}"
        about += f" (n {measured.n:,})" if measured.n else ""
    return NewestLine("checkpoint", made.name, about, wording.ago(made.created_at, now))
