"""What waits for a lead, and everything that was said about it.

A pair waits while it is contested after all its reviews, while a lead sent it here, or while
somebody reported it and no lead dismissed the report; not once a lead has decided it. Pairs whose
answers name their model are found by their words: see `labeling.referrals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.engine import Connection

from storage import identity, lead_log, reports, standing, tables
from storage.errors import ConflictError
from storage.rows import AssignmentKind, Json, Report, Verdict

# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000
_JUDGED = (AssignmentKind.NORMAL, AssignmentKind.GOLD, AssignmentKind.REPEAT)


@dataclass(frozen=True)
class Dispute:
    """A pair of a batch that waits for a lead. `position` is its place in the batch.

    `votes` are effective ones without skips, `votes_a` and `votes_b` those of them for an answer;
    `referred` is true where a lead sent it here, whatever its votes say.
    """

    batch_id: str
    pair_id: str
    position: str
    votes: int
    votes_a: int
    votes_b: int
    contested: bool
    referred: bool


@dataclass(frozen=True)
class Said:
    """An effective vote with all that came along, in canonical orientation.

    Attributes:
        event_id: a report that was made in its place has the same.
        rubric: criterion -> 1 to 5, under `a` and `b`; None when nothing was rated.
        failures: keys of what is wrong with the worse answer.
        confidence: 1 guess, 2 likely, 3 sure; None when not said.
        again: the pair was shown to this annotator a second time, as a check.
        received_at: microseconds; `active_ms`: milliseconds that the pair was looked at.
    """

    event_id: str
    annotator: str
    verdict: Verdict
    rubric: Json | None
    failures: Sequence[str]
    confidence: int | None
    note: str
    again: bool
    active_ms: int
    received_at: int


def waiting(
    db: Connection, batch_id: str | None = None, pair_id: str | None = None
) -> list[Dispute]:
    """What waits for a lead, of one batch or only one pair if given, by batch and position."""
    row = tables.batch_pairs.c
    within = row.batch_id == (row.batch_id if batch_id is None else batch_id)
    if pair_id is not None:
        within = and_(within, row.pair_id == pair_id)
    found = {
        (each.batch_id, each.pair_id): each
        for each in _disputes(db, and_(within, standing.waits_for_lead()))
    }
    reported = {(each.batch_id, each.pair_id) for each in open_reports(db, batch_id)}
    more = sorted({pair for _, pair in reported - found.keys()})
    for start in range(0, len(more), _CHUNK):
        chosen = and_(within, row.decided == 0, row.pair_id.in_(more[start : start + _CHUNK]))
        for each in _disputes(db, chosen):
            if (each.batch_id, each.pair_id) in reported:
                found.setdefault((each.batch_id, each.pair_id), each)
    return sorted(found.values(), key=lambda each: (each.batch_id, each.position))


def count(db: Connection, batch_id: str | None = None) -> int:
    """How many pairs `waiting` would list."""
    row = tables.batch_pairs.c
    within = row.batch_id == (row.batch_id if batch_id is None else batch_id)
    query = select(func.count()).where(within, standing.waits_for_lead())
    number = int(db.execute(query).scalar_one())
    reported = {(each.batch_id, each.pair_id) for each in open_reports(db, batch_id)}
    more = sorted({pair for _, pair in reported})
    for start in range(0, len(more), _CHUNK):
        chosen = and_(within, row.decided == 0, row.waits == 0)
        there = select(row.batch_id, row.pair_id).where(
            chosen, row.pair_id.in_(more[start : start + _CHUNK])
        )
        number += sum((batch, pair) in reported for batch, pair in db.execute(there))
    return number


def beginning(queue: Sequence[Dispute], batch_id: str, pair_id: str, behind: bool) -> list[Dispute]:
    """The same queue, beginning at a pair or behind it, then round from the start.

    The pair itself need not wait any more: its place in the batch counts.
    """
    place = (batch_id, identity.batch_position(batch_id, pair_id))
    first = [one for one in queue if (one.batch_id, one.position) > place]
    here = [one for one in queue if (one.batch_id, one.position) == place]
    before = [one for one in queue if (one.batch_id, one.position) < place]
    return [*first, *before, *here] if behind else [*here, *first, *before]


def open_reports(db: Connection, batch_id: str | None = None) -> list[Report]:
    """The reports that no lead has dismissed since, by the order in which they came."""
    found = reports.listed(db, batch_id)
    dismissed = lead_log.dismissals(db, batch_id) if found else {}
    return [
        report
        for report in found
        if report.received_at > dismissed.get((report.batch_id, report.pair_id), -1)
    ]


def check_reported(db: Connection, batch_id: str, pair_id: str) -> None:
    """Refuse to dismiss what is not there.

    Raises:
        ConflictError: no report is open on this pair of the batch.
    """
    if all(report.pair_id != pair_id for report in open_reports(db, batch_id)):
        raise ConflictError("No report is open on this pair.", "Nothing was changed.")


def said(db: Connection, batch_id: str, pair_id: str) -> list[Said]:
    """The effective votes of annotators on a pair of a batch, skips included, oldest first."""
    vote, assignment, who = tables.votes, tables.assignments, tables.annotators
    later = vote.alias("later")
    newer = select(later.c.event_id).where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    query = (
        select(vote, assignment.c.kind.label("of_kind"), who.c.name)
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(who, who.c.id == assignment.c.annotator_id)
        .where(assignment.c.batch_id == batch_id, assignment.c.pair_id == pair_id)
        .where(assignment.c.kind.in_([kind.value for kind in _JUDGED]))
        .where(vote.c.kind == "vote", ~newer.exists())
        .order_by(vote.c.received_at, vote.c.assignment_id)
    )
    return [_said(row) for row in db.execute(query)]


def _disputes(db: Connection, chosen: ColumnElement[bool]) -> list[Dispute]:
    row = tables.batch_pairs.c
    names = ("batch_id", "pair_id", "position", "votes", "votes_a", "votes_b")
    said = {"contested": _is_contested(), "referred": row.referred > 0}
    columns = [*(row[name] for name in names), *(found.label(name) for name, found in said.items())]
    rows = [dict(found._mapping) for found in db.execute(select(*columns).where(chosen))]
    # SQLite says true by 1
    return [Dispute(**{**found, **{name: bool(found[name]) for name in said}}) for found in rows]


def _is_contested() -> ColumnElement[bool]:
    row = tables.batch_pairs.c
    return and_(row.waits == 1, standing.is_contested(row.votes, row.votes_a, row.votes_b))


def _said(row: Any) -> Said:
    return Said(
        event_id=row.event_id,
        annotator=row.name,
        verdict=Verdict(row.verdict),
        rubric=row.rubric,
        failures=tuple(row.failures or ()),
        confidence=row.confidence,
        note=row.note,
        again=row.of_kind == AssignmentKind.REPEAT.value,
        active_ms=row.active_ms,
        received_at=row.received_at,
    )
