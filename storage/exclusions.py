"""Annotators and votes that do not count: events with a reason, each of which can be taken back.

An annotator is excluded in one batch or everywhere, with the votes that are there and those to
come; a single vote is excluded by its assignment; `storage.excluded_pairs` leaves out whole pairs.
Nothing leaves the log of votes: a vote that is excluded was cast all the same, but no figure and no
dataset version rests on it. Decisions of leads are no votes: they are taken back, not excluded. Of
the events about one place the last one stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, excluded_pairs, inserts, numbered, tables
from storage.annotators import LONGEST_NAME
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import AssignmentKind, EffectiveVote, Verdict


class ExclusionKind(StrEnum):
    """Whether an event excludes, or takes that back."""

    EXCLUDE = "exclude"
    READMIT = "readmit"


@dataclass(frozen=True)
class Exclusion:
    """One event.

    Attributes:
        number: 1, 2, ... in the order in which they came.
        annotator: whose votes.
        batch_id, batch: where, by id and by name; None and empty for everywhere.
        assignment_id: of a single vote; None for all votes of the annotator there.
        pair_id, assignment_kind: of that single vote, else empty.
        actor: who said so.
        created_at: microseconds.
    """

    number: int
    kind: ExclusionKind
    annotator: str
    batch_id: str | None
    batch: str
    assignment_id: str | None
    pair_id: str
    assignment_kind: str
    actor: str
    reason: str
    created_at: int

    @property
    def place(self) -> tuple[str, str | None, str | None]:
        """What the event is about: the last one about it stands."""
        return (self.annotator, self.batch_id, self.assignment_id)


@dataclass(frozen=True)
class Exclusions:
    """The exclusions in force, oldest first.

    Attributes:
        standing: of annotators and of single votes.
        pairs: pair id -> why it is left out, see `storage.excluded_pairs`.
    """

    standing: Sequence[Exclusion] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.standing or self.pairs)

    @cached_property
    def everywhere(self) -> frozenset[str]:
        """Names of annotators whose votes count nowhere."""
        found = (one.annotator for one in self.standing if one.batch_id is None)
        return frozenset(found)

    @cached_property
    def in_batches(self) -> frozenset[tuple[str, str]]:
        """Batch id and annotator whose votes do not count there."""
        return frozenset(
            (one.batch_id, one.annotator)
            for one in self.standing
            if one.batch_id is not None and one.assignment_id is None
        )

    @cached_property
    def single(self) -> Mapping[str, Exclusion]:
        """Assignment -> why its vote does not count."""
        return {one.assignment_id: one for one in self.standing if one.assignment_id is not None}

    def covers(self, vote: EffectiveVote) -> bool:
        """Whether a vote does not count."""
        if vote.pair_id in self.pairs:
            return True
        if vote.kind is AssignmentKind.ADJUDICATION:
            return False
        return (
            vote.annotator in self.everywhere
            or (vote.batch_id, vote.annotator) in self.in_batches
            or vote.assignment_id in self.single
        )

    def why(self, vote: EffectiveVote) -> str:
        """The reason why a vote does not count, empty when it does."""
        if vote.pair_id in self.pairs:
            return self.pairs[vote.pair_id]
        if not self.covers(vote):
            return ""
        own = self.single.get(vote.assignment_id)
        return (own or self.of(vote.annotator, vote.batch_id)[0]).reason

    def of(self, annotator: str, batch_id: str | None = None) -> list[Exclusion]:
        """What keeps an annotator out everywhere, and in a batch if one is given, else in any."""
        return [
            one
            for one in self.standing
            if one.annotator == annotator
            and one.assignment_id is None
            and one.batch_id in (None, batch_id or one.batch_id)
        ]

    def counted(self, cast: Iterable[EffectiveVote]) -> dict[str, int]:
        """Annotator -> how many of these votes do not count; skips are no votes."""
        left_out = (
            vote.annotator
            for vote in cast
            if vote.verdict is not Verdict.SKIP and self.covers(vote)
        )
        return dict(sorted(Counter(left_out).items()))


def exclude(
    tx: Connection, annotator: str, *, actor: str, reason: str, batch_id: str | None = None
) -> Exclusion:
    """Let the votes of an annotator not count any more, in a batch or everywhere.

    Args:
        annotator: name of the person.
        actor: who says so.
        reason: 1 to 2000 characters.

    Raises:
        NotFoundError: no annotator has this name.
        ConflictError: that is so already.
        WrongInputError: the reason or the actor cannot be kept.
    """
    return _add(tx, ExclusionKind.EXCLUDE, _person(tx, annotator), batch_id, None, actor, reason)


def readmit(
    tx: Connection, annotator: str, *, actor: str, reason: str, batch_id: str | None = None
) -> Exclusion:
    """Take back an exclusion of an annotator, in a batch or everywhere, as it was made.

    Raises:
        NotFoundError: no annotator has this name.
        ConflictError: there is no such exclusion.
        WrongInputError: the reason or the actor cannot be kept.
    """
    return _add(tx, ExclusionKind.READMIT, _person(tx, annotator), batch_id, None, actor, reason)


def exclude_votes(
    tx: Connection, assignment_ids: Sequence[str], *, actor: str, reason: str
) -> list[Exclusion]:
    """Let single votes not count any more; all of them or, after an error, none.

    Raises:
        NotFoundError: there is no such assignment.
        ConflictError: one is excluded already.
        WrongInputError: one is a lead's decision; the reason or the actor cannot be kept.
    """
    return [_of_vote(tx, ExclusionKind.EXCLUDE, one, actor, reason) for one in assignment_ids]


def readmit_votes(
    tx: Connection, assignment_ids: Sequence[str], *, actor: str, reason: str
) -> list[Exclusion]:
    """Take back the exclusions of single votes. Raises as `exclude_votes`."""
    return [_of_vote(tx, ExclusionKind.READMIT, one, actor, reason) for one in assignment_ids]


def history(db: Connection) -> list[Exclusion]:
    """Every event, oldest first."""
    table, who = tables.exclusions, tables.annotators
    batch, assignment = tables.batches, tables.assignments
    names = ("number", "kind", "batch_id", "assignment_id", "actor", "reason", "created_at")
    query = (
        select(
            *(table.c[name] for name in names),
            who.c.name.label("annotator"),
            func.coalesce(batch.c.name, "").label("batch"),
            func.coalesce(assignment.c.pair_id, "").label("pair_id"),
            func.coalesce(assignment.c.kind, "").label("assignment_kind"),
        )
        .join(who, who.c.id == table.c.annotator_id)
        .outerjoin(batch, batch.c.id == table.c.batch_id)
        .outerjoin(assignment, assignment.c.id == table.c.assignment_id)
        .order_by(table.c.number)
    )
    return [_exclusion(row) for row in db.execute(query)]


def in_force(db: Connection, pair_ids: Sequence[str] | None = None) -> Exclusions:
    """The exclusions that stand now; of those of pairs only these, where some are given."""
    return Exclusions(_standing(history(db)), excluded_pairs.reasons(db, pair_ids))


def stood(db: Connection, until: int) -> Exclusions:
    """The exclusions of annotators and single votes that stood at a time, in microseconds."""
    return Exclusions(_standing(event for event in history(db) if event.created_at <= until))


def _standing(events: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    last = {event.place: event for event in events}
    standing = (event for event in last.values() if event.kind is ExclusionKind.EXCLUDE)
    return tuple(sorted(standing, key=lambda event: event.number))


def _person(tx: Connection, name: str) -> str:
    table = tables.annotators
    found: str | None = tx.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if found is None:
        raise NotFoundError(
            f"No annotator is named {name[:LONGEST_NAME]!r}.",
            "`pairwright annotator list` says who voted.",
        )
    return found


def _of_vote(
    tx: Connection, kind: ExclusionKind, assignment_id: str, actor: str, reason: str
) -> Exclusion:
    table = tables.assignments
    query = select(table.c.annotator_id, table.c.batch_id, table.c.kind)
    row = tx.execute(query.where(table.c.id == assignment_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No assignment has the id {assignment_id[:80]!r}.", "The page of a pair names them."
        )
    if row.kind == AssignmentKind.ADJUDICATION.value:
        raise WrongInputError(
            "This is a lead's decision, no vote.",
            "Take it back: pairwright pair withdraw PAIR --reason TEXT",
        )
    return _add(tx, kind, row.annotator_id, row.batch_id, assignment_id, actor, reason)


def _add(
    tx: Connection,
    kind: ExclusionKind,
    annotator_id: str,
    batch_id: str | None,
    assignment_id: str | None,
    actor: str,
    reason: str,
) -> Exclusion:
    numbered.check_words(actor, reason)
    # without a lock two events could get the same number on PostgreSQL
    inserts.wait_for_turn(tx, inserts.EXCLUDING)
    table = tables.exclusions
    of_place = [table.c.annotator_id == annotator_id]
    of_place += [
        table.c[name].is_not_distinct_from(value)
        for name, value in (("batch_id", batch_id), ("assignment_id", assignment_id))
    ]
    latest = select(table.c.kind).where(*of_place).order_by(table.c.number.desc()).limit(1)
    before = tx.execute(latest).scalar() or ExclusionKind.READMIT.value
    if before == kind.value:
        raise _nothing_to_do(kind)
    record(tx, kind, annotator_id, batch_id, assignment_id, actor, reason)
    return history(tx)[-1]


def record(
    tx: Connection,
    kind: ExclusionKind,
    annotator_id: str,
    batch_id: str | None,
    assignment_id: str | None,
    actor: str,
    reason: str,
) -> None:
    """Write an event down, whatever stands before it."""
    inserts.wait_for_turn(tx, inserts.EXCLUDING)
    table = tables.exclusions
    number = int(tx.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one()) + 1
    row: dict[str, int | str | None] = {
        "number": number,
        "kind": kind.value,
        "annotator_id": annotator_id,
    }
    row |= {"batch_id": batch_id, "assignment_id": assignment_id}
    row |= {"actor": actor, "reason": reason, "created_at": clock.now(tx)}
    tx.execute(table.insert(), row)


def _nothing_to_do(kind: ExclusionKind) -> ConflictError:
    if kind is ExclusionKind.EXCLUDE:
        return ConflictError("These votes are excluded already.", "Nothing was changed.")
    return ConflictError(
        "There is no such exclusion to take back.",
        "An exclusion is taken back where it was made: in the same batch, or everywhere.",
    )


def _exclusion(row: Any) -> Exclusion:
    values = dict(row._mapping)
    return Exclusion(**{**values, "kind": ExclusionKind(values["kind"])})
