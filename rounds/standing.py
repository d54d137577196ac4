"""Where a round stands: its stages, what is done, what blocks it, what comes next.

Nothing is ticked off by hand. A round has the batches that were given to it; its dataset versions
are those built from them, its checkpoints those trained on these, its figures those on the audit
set. A stage is done when what it makes is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from labeling import standings
from labeling.standings import Standing
from storage import (
    checkpoints,
    dataset_versions,
    disputes,
    evaluations,
    jobs,
    picks,
    round_log,
)
from storage.ledger import Connection
from storage.round_log import Round, RoundEvent, RoundEventKind
from storage.rows import Checkpoint, DatasetVersion, Evaluation, Job
from storage.workspace import Workspace


class Stage(StrEnum):
    """The stages of a round, in their order."""

    COLLECT = "collect"
    SETTLE = "settle"
    TRAIN = "train"
    EVALUATE = "evaluate"
    MINE = "mine"


@dataclass(frozen=True)
class RoundStanding:
    """A round with all that belongs to it.

    Attributes:
        start: name of what the round begins with.
        batches: with their progress.
        contested: pairs that wait for a lead.
        versions, checkpoints: made from the round's batches, oldest first.
        evaluations: of these checkpoints on the audit set, oldest first.
        start_measured: what the round begins with was measured on the newest version of it.
        unlabeled: pairs that nobody has judged in any batch, to choose from.
        working: jobs of the round that have not ended.
        audit: the newest version of the audit set, None without one.
    """

    round: Round
    start: str
    closed: bool
    batches: Sequence[Standing]
    contested: int
    versions: Sequence[DatasetVersion]
    checkpoints: Sequence[Checkpoint]
    evaluations: Sequence[Evaluation]
    start_measured: bool
    unlabeled: int
    working: Sequence[Job]
    audit: DatasetVersion | None
    events: Sequence[RoundEvent]

    @property
    def pairs(self) -> int:
        return sum(standing.pairs for standing in self.batches)

    @property
    def decided(self) -> int:
        """Pairs with a winner."""
        return sum(standing.settled for standing in self.batches)

    @property
    def waiting(self) -> int:
        """Pairs that lack votes."""
        return sum(standing.waiting for standing in self.batches)

    @property
    def mined(self) -> bool:
        """Whether the next round's pairs were chosen."""
        return any(event.kind is RoundEventKind.MINED for event in self.events)

    @property
    def stage(self) -> Stage | None:
        """The first stage that is not done; None when all are."""
        done = {
            Stage.COLLECT: self.pairs > 0 and not self.waiting,
            Stage.SETTLE: not self.contested,
            Stage.TRAIN: bool(self.checkpoints),
            Stage.EVALUATE: bool(self.evaluations) and self.start_measured,
            Stage.MINE: self.mined,
        }
        # who trained before everything was settled has settled for what there was
        passed = [stage for stage in Stage if done[stage]]
        if Stage.TRAIN in passed:
            done[Stage.COLLECT] = done[Stage.SETTLE] = True
        return next((stage for stage in Stage if not done[stage]), None)


@dataclass(frozen=True)
class _Shared:
    """What is the same for every round: checkpoints oldest first, jobs newest first."""

    versions: Sequence[DatasetVersion]
    checkpoints: Sequence[Checkpoint]
    unfinished: Sequence[Job]
    unlabeled: int

    @classmethod
    def read(cls, db: Connection) -> _Shared:
        return cls(
            versions=dataset_versions.listed(db),
            checkpoints=list(reversed(checkpoints.listed(db))),
            unfinished=[job for job in jobs.listed(db) if not job.state.is_final],
            unlabeled=picks.unlabeled_count(db),
        )


def of_round(workspace: Workspace, number: int) -> RoundStanding:
    """Where a round stands.

    Raises:
        NotFoundError: there is no such round.
    """
    with workspace.ledger.read() as db:
        found = round_log.get(db, number)
    [standing] = _of(workspace, [found])
    return standing


def current(workspace: Workspace) -> RoundStanding | None:
    """Where the open round stands, or None."""
    with workspace.ledger.read() as db:
        found = round_log.current(db)
    return None if found is None else of_round(workspace, found.number)


def of_all(workspace: Workspace) -> list[RoundStanding]:
    """Every round, the first one first."""
    with workspace.ledger.read() as db:
        found = round_log.listed(db)
    return _of(workspace, found)


def _of(workspace: Workspace, wanted: Sequence[Round]) -> list[RoundStanding]:
    """What rounds share is read once for all of them."""
    if not wanted:
        return []
    with workspace.ledger.read() as db:
        shared = _Shared.read(db)
        own = {one.number: round_log.batches_of(db, one.number) for one in wanted}
        counted = standings.of_batches(
            workspace, [batch for some in own.values() for batch in some]
        )
        by_id = {one.batch.id: one for one in counted}
        return [
            _standing(db, shared, one, [by_id[batch.id] for batch in own[one.number]])
            for one in wanted
        ]


def _standing(
    db: Connection, shared: _Shared, found: Round, batches: Sequence[Standing]
) -> RoundStanding:
    names = {one.batch.name for one in batches}
    own = [version for version in shared.versions if _is_of(version, found, names)]
    made = [one for one in shared.checkpoints if one.dataset_version in _ids(own)]
    audits = [version for version in shared.versions if version.policy.get("audit")]
    events = round_log.events(db, found.number)
    return RoundStanding(
        round=found,
        # a model has its name for an id
        start=next((one.name for one in shared.checkpoints if one.id == found.start), found.start),
        closed=round_log.is_closed(db, found.number),
        batches=batches,
        contested=sum(len(disputes.waiting(db, one.batch.id)) for one in batches),
        versions=own,
        checkpoints=made,
        evaluations=[
            one
            for checkpoint in made
            for one in reversed(evaluations.listed(db, checkpoint=checkpoint.id))
            if one.dataset_version in _ids(audits)
        ],
        start_measured=any(
            one.dataset_version == audits[-1].id
            for one in (evaluations.listed(db, checkpoint=found.start) if audits else ())
        ),
        unlabeled=shared.unlabeled,
        working=_working(shared.unfinished, events, own, made),
        audit=audits[-1] if audits else None,
        events=events,
    )


def _is_of(version: DatasetVersion, found: Round, batches: set[str]) -> bool:
    """Whether a version was built from a round: from a batch of it, or as the round's."""
    if version.policy.get("audit"):
        return False
    if version.policy.get("round") is not None:
        return bool(version.policy["round"] == found.number)
    return version.policy.get("batch") in batches


def _ids(versions: Sequence[DatasetVersion]) -> set[str]:
    return {version.id for version in versions}


def _working(
    unfinished: Sequence[Job],
    events: Sequence[RoundEvent],
    versions: Sequence[DatasetVersion],
    made: Sequence[Checkpoint],
) -> list[Job]:
    """Jobs that train on the round's versions, measure its checkpoints, or were queued for it."""
    queued = RoundEventKind.QUEUED
    asked = {one.subject for one in events if one.kind is queued}
    tips = {checkpoint.id for checkpoint in made}
    found = []
    for job in unfinished:
        begins = list(dict(job.spec.get("start") or {}).get("checkpoints") or [])
        told = tips.intersection(begins[-1:]) or job.id in asked
        if job.spec.get("dataset") in _ids(versions) or told:
            found.append(job)
    return found
