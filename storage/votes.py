"""Votes: an append-only log of votes and undos on assignments.

In an assignment votes and undos take turns, so its last event is the effective vote unless it is
an undo. The counters of `batch_pairs` (see `storage.standing`) and `assignments.answered_at` follow
the log in the same transaction. A vote after its lease counts while its pair wants one; see
`storage.late_votes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, literal_column, select
from sqlalchemy.engine import Connection

from storage import clock, exclusions, late_votes, standing, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import AssignmentKind, EffectiveVote, Json, Verdict, VoteEvent

KINDS = ("vote", "undo")
# a repeat says how far an annotator agrees with themselves; the first vote is the one that counts.
# In a qualification round the answer is told afterwards
COUNTED = (
    *(AssignmentKind.NORMAL, AssignmentKind.GOLD),
    *(AssignmentKind.ADJUDICATION, AssignmentKind.FOREIGN),
)
LARGEST_REMARK = 64 * 1024
_TOO_LATE = 2**63
# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000

# built once: building them for every vote costs more than running them
_table, _votes = tables.assignments, tables.votes
_of_assignment: BindParameter[str] = bindparam("assignment")
# two posts about one assignment take turns on PostgreSQL; SQLite has one writer and ignores this
_LOCKED = (
    select(
        *(_table.c[name] for name in ("id", "batch_id", "pair_id", "annotator_id", "kind")),
        _table.c.leased_until,
    )
    .where(_table.c.id == _of_assignment)
    .with_for_update()
)
_of_event: BindParameter[str] = bindparam("event")
_IS_RECORDED = select(_votes.c.event_id).where(
    _votes.c.event_id == _of_event, _votes.c.assignment_id == _of_assignment
)
# few rows, by two indices: sorting them here is cheaper than a second statement
_KNOWN = select(_votes).where(
    (_votes.c.event_id == _of_event) | (_votes.c.assignment_id == _of_assignment)
)
_INSERT = _votes.insert()
_ANSWER = _table.update().where(_table.c.id == _of_assignment).values(answered_at=bindparam("at"))
_END_LEASE = (
    _table.update()
    .where(_table.c.id == _of_assignment, _table.c.leased_until > bindparam("at"))
    .values(leased_until=bindparam("at"))
)


def append(
    tx: Connection,
    *,
    event_id: str,
    assignment_id: str,
    kind: str,
    verdict: Verdict | None,
    note: str = "",
    rubric: Json | None = None,
    failures: Sequence[str] | None = None,
    confidence: int | None = None,
    shown_at: int,
    decided_at: int,
    active_ms: int,
    guidelines_version: int | None = None,
    received_at: int | None = None,
) -> VoteEvent:
    """Record a vote or an undo; the same event again returns what is stored. Late: `late_votes`.
    Arguments are fields of VoteEvent; `received_at` is this transaction's `clock.now`, if known.
    Raises:
        WrongInputError: kind and verdict do not fit together, or a value cannot be stored.
        NotFoundError: there is no such assignment.
        ConflictError: a vote where one stands, an undo where none may be, or another's event id.
    """
    _check_sense(kind, verdict)
    whole = (shown_at, decided_at, active_ms, confidence or 0, guidelines_version or 0)
    _check_values(note, [rubric, failures], whole)
    assignment = _lock_assignment(tx, assignment_id)
    known = [_event(row) for row in tx.execute(_KNOWN, {"event": event_id, **_of(assignment_id)})]
    if stored := _stored(known, event_id, assignment_id):
        return stored
    last = max(known, key=lambda event: event.sequence, default=None)
    event = VoteEvent(
        event_id=event_id,
        assignment_id=assignment_id,
        sequence=_turn(kind, last, assignment),
        kind=kind,
        verdict=verdict,
        note=note,
        rubric=rubric,
        failures=failures,
        confidence=confidence,
        shown_at=shown_at,
        decided_at=decided_at,
        active_ms=active_ms,
        received_at=received_at or clock.now(tx),
        guidelines_version=guidelines_version,
    )
    _record(tx, assignment, event, undone=None if last is None else last.verdict)
    return event


def is_recorded(db: Connection, event_id: str, assignment_id: str) -> bool:
    """Whether this very event is on this assignment."""
    found = db.execute(_IS_RECORDED, {"event": event_id, **_of(assignment_id)})
    return found.one_or_none() is not None


def effective(
    db: Connection,
    batch_id: str | None = None,
    pair_ids: Sequence[str] | None = None,
    kinds: Sequence[AssignmentKind] = COUNTED,
) -> list[EffectiveVote]:
    """Votes that count and decisions of leads, by the order in which they came: those that were not
    undone and are not excluded (see `storage.exclusions`). Arguments are those of `cast`."""
    found = cast(db, batch_id, pair_ids, kinds)
    left_out = exclusions.in_force(db, pair_ids)
    if not left_out:
        return found
    return [vote for vote in found if not left_out.covers(vote)]


def cast(
    db: Connection,
    batch_id: str | None = None,
    pair_ids: Sequence[str] | None = None,
    kinds: Sequence[AssignmentKind] = COUNTED,
    until: int | None = None,
) -> list[EffectiveVote]:
    """Votes and decisions of leads that were not undone, excluded ones too, by the order in which
    they came.

    Args:
        batch_id: only of this batch.
        pair_ids: only on these pairs.
        kinds: only of assignments of these kinds; by default all but repeats.
        until: as they stood at this time, microseconds; by default as they stand now.
    """
    query = _effective(until).where(tables.assignments.c.kind.in_([kind.value for kind in kinds]))
    if AssignmentKind.NORMAL not in kinds:
        # the words of a small index: without them every vote of a batch is looked at
        query = query.where(tables.assignments.c.kind != literal_column("'normal'"))
    if batch_id is not None:
        query = query.where(tables.assignments.c.batch_id == batch_id)
    if pair_ids is None:
        found = [_effective_vote(row) for row in db.execute(query)]
    else:
        # the index of assignments by pair begins with the batch
        query = query.where(tables.assignments.c.batch_id.in_(select(tables.batches.c.id)))
        found = [
            _effective_vote(row)
            for chunk in _chunks(pair_ids)
            for row in db.execute(query.where(tables.assignments.c.pair_id.in_(chunk)))
        ]
    return sorted(found, key=lambda vote: (vote.received_at, vote.assignment_id))


def events(db: Connection, pair_id: str) -> list[VoteEvent]:
    """Every vote and undo on a pair, by the order in which they came."""
    vote, assignment = tables.votes, tables.assignments
    query = (
        select(vote)
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .where(assignment.c.pair_id == pair_id)
        .order_by(vote.c.received_at, vote.c.assignment_id, vote.c.sequence)
    )
    return [_event(row) for row in db.execute(query)]


def _check_sense(kind: str, verdict: Verdict | None) -> None:
    if kind not in KINDS or (verdict is None) == (kind == "vote"):
        raise WrongInputError(
            f"An event of kind {kind[:20]!r} with verdict {verdict!s} cannot be recorded.",
            "A vote has a verdict, an undo has none.",
        )


def _check_values(note: str, said: Sequence[Any], numbers: Sequence[int]) -> None:
    """Refuse what comes from a browser and one of the databases cannot hold."""
    try:
        words = note + json.dumps(said, ensure_ascii=False, allow_nan=False)
        storable = "\0" not in note and len(words.encode("utf-8")) <= LARGEST_REMARK
    except (TypeError, ValueError):
        storable = False
    if not storable:
        raise WrongInputError(
            "The note or rubric of this vote cannot be stored.",
            f"Send JSON and Unicode text without NUL, up to {LARGEST_REMARK} bytes together.",
        )
    if not all(0 <= number < _TOO_LATE for number in numbers):
        raise WrongInputError(
            "A time of this vote is out of range.", "Send microseconds since 1970 and milliseconds."
        )


def _of(assignment_id: str) -> dict[str, str]:
    return {"assignment": assignment_id}


def _lock_assignment(tx: Connection, assignment_id: str) -> Any:
    row = tx.execute(_LOCKED, _of(assignment_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No assignment has the id {assignment_id[:80]!r}.", "Load the page again."
        )
    return row


def _stored(known: Sequence[VoteEvent], event_id: str, assignment_id: str) -> VoteEvent | None:
    stored = next((event for event in known if event.event_id == event_id), None)
    if stored is not None and stored.assignment_id != assignment_id:
        raise ConflictError(
            "This event belongs to another assignment.", "Load the page again and vote once more."
        )
    return stored


def _turn(kind: str, last: VoteEvent | None, assignment: Any) -> int:
    """The sequence number of the next event, when it may come now."""
    if kind == "undo" and assignment.kind == AssignmentKind.QUALIFICATION:
        raise ConflictError(
            "A qualification pair is judged once: its answer was told.", "Nothing was changed."
        )
    voted = last is not None and last.kind == "vote"
    if kind == "vote" and voted:
        raise ConflictError("This pair has your vote already.", "Undo it first to vote again.")
    if kind == "undo" and not voted:
        raise ConflictError("There is no vote on this pair to undo.", "Nothing was changed.")
    return 1 if last is None else last.sequence + 1


def _record(tx: Connection, assignment: Any, event: VoteEvent, undone: Verdict | None) -> None:
    """Write to the log, and keep what is derived from it in step."""
    tx.execute(_INSERT, vars(event))
    answered_at = event.received_at if event.kind == "vote" else None
    tx.execute(_ANSWER, {"assignment": event.assignment_id, "at": answered_at})
    if event.verdict is Verdict.SKIP:
        # another one may have the place by the time the skip is undone
        tx.execute(_END_LEASE, {"assignment": event.assignment_id, "at": answered_at})
    verdict, step = (event.verdict, 1) if event.kind == "vote" else (undone, -1)
    if verdict is None or verdict is Verdict.SKIP:
        return
    if assignment.kind == AssignmentKind.NORMAL:
        if late_votes.set_aside(tx, assignment, event):
            return
        steps = {"votes": step}
        if verdict in (Verdict.A, Verdict.B):
            steps[f"votes_{verdict.value}"] = step
        standing.count(tx, assignment.batch_id, assignment.pair_id, **steps)
    elif assignment.kind == AssignmentKind.ADJUDICATION:
        standing.count(tx, assignment.batch_id, assignment.pair_id, decided=step)


def _effective(until: int | None = None) -> Select[Any]:
    vote, assignment, annotator = tables.votes, tables.assignments, tables.annotators
    query = (
        select(
            assignment.c.id,
            assignment.c.batch_id,
            assignment.c.pair_id,
            annotator.c.name,
            vote.c.verdict,
            assignment.c.left,
            assignment.c.kind,
            vote.c.received_at,
        )
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(annotator, annotator.c.id == assignment.c.annotator_id)
        .where(vote.c.kind == "vote", _is_last(until))
    )
    return query if until is None else query.where(vote.c.received_at <= until)


def _is_last(until: int | None) -> ColumnElement[bool]:
    vote, later = tables.votes, tables.votes.alias("later")
    newer = select(later.c.event_id).where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    if until is not None:
        newer = newer.where(later.c.received_at <= until)
    return ~newer.exists()


def _effective_vote(row: Any) -> EffectiveVote:
    return EffectiveVote(
        assignment_id=row.id,
        batch_id=row.batch_id,
        pair_id=row.pair_id,
        annotator=row.name,
        verdict=Verdict(row.verdict),
        left=row.left,
        received_at=row.received_at,
        kind=AssignmentKind(row.kind),
    )


def _event(row: Any) -> VoteEvent:
    values = dict(row._mapping)
    verdict = values.pop("verdict")
    return VoteEvent(**values, verdict=None if verdict is None else Verdict(verdict))


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
