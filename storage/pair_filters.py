"""Which pairs somebody wants to see, and what a filter means in the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, Text, and_, or_, select, type_coerce
from sqlalchemy.engine import Connection

from storage import clock, disputes, pair_tags, round_log, tables
from storage.errors import WrongInputError
from storage.rows import AssignmentKind, Verdict

LONGEST_SEARCH = 1000
OPEN, ANY = "open", "any"
REPORTS = (OPEN, ANY)
YES, NO = "yes", "no"
YES_OR_NO = (YES, NO)
_MOST_DIGITS = 10
_EVER = 2**63 - 1


@dataclass(frozen=True)
class PairFilter:
    """Which pairs to show; an empty field does not filter.

    What is asked of votes is asked of one effective vote: by this annotator, with this verdict,
    within these days.

    Attributes:
        batch: name of a batch.
        category: category of the prompt.
        annotator: name of an annotator whose effective vote is on the pair.
        verdict: verdict of a vote.
        text: part of the prompt or of an answer; letters A to Z match in both cases.
        source: name of the file or checkpoint that one of the answers comes from.
        report: `open` for a report that no lead has dismissed or decided, `any` for one at all.
        failure: key of what a vote says is wrong with the worse answer.
        voted_from, voted_to: first and last day of a vote, `2026-11-20`, in UTC.
        added_from, added_to: first and last day on which the pair came in, in UTC.
        tag: a tag of the pair.
        left_out: `yes` for pairs that a lead excluded, `no` for all others.
        round: number of a round that has a batch with the pair.
    """

    batch: str = ""
    category: str = ""
    annotator: str = ""
    verdict: str = ""
    text: str = ""
    source: str = ""
    report: str = ""
    failure: str = ""
    voted_from: str = ""
    voted_to: str = ""
    added_from: str = ""
    added_to: str = ""
    tag: str = ""
    left_out: str = ""
    round: str = ""

    @property
    def asks_for_votes(self) -> bool:
        """Whether only pairs with a certain vote match."""
        asked = (self.annotator, self.verdict, self.failure, self.voted_from, self.voted_to)
        return any(asked)

    @property
    def asks_for_days(self) -> bool:
        """Whether only pairs that came in on certain days match."""
        return bool(self.added_from or self.added_to)

    @property
    def voted_between(self) -> tuple[int, int]:
        """The first microsecond of a vote, and the first one after it.

        Raises:
            WrongInputError: one of the days is none.
        """
        return _between(self.voted_from, self.voted_to)

    @property
    def added_between(self) -> tuple[int, int]:
        """The first microsecond at which a pair came in, and the first one after it.

        Raises:
            WrongInputError: one of the days is none.
        """
        return _between(self.added_from, self.added_to)

    def check(self) -> None:
        """Refuse what cannot be searched for.

        Raises:
            WrongInputError: a field cannot be used; the message names its value.
        """
        if self.verdict and self.verdict not in set(Verdict):
            raise WrongInputError(
                f"{self.verdict[:40]!r} is no verdict.", f"Verdicts: {', '.join(Verdict)}."
            )
        if self.report and self.report not in REPORTS:
            raise WrongInputError(
                f"{self.report[:40]!r} is no state of a report.", f"Use {' or '.join(REPORTS)}."
            )
        if len(self.text) > LONGEST_SEARCH or "\0" in self.text:
            raise WrongInputError(
                f"A search for {len(self.text)} characters cannot be made.",
                f"Search for up to {LONGEST_SEARCH} characters, without NUL.",
            )
        self._check_marks()
        spans = {"Votes": self.voted_between, "Pairs": self.added_between}
        for what, (low, high) in spans.items():
            if low >= high:
                raise WrongInputError(
                    f"{what} cannot be of these days: the last comes before the first.",
                    "Exchange the two days.",
                )

    def _check_marks(self) -> None:
        """What leads and rounds put on pairs."""
        if self.tag:
            pair_tags.check(self.tag)
        if self.left_out and self.left_out not in YES_OR_NO:
            raise WrongInputError(
                f"{self.left_out[:40]!r} does not say whether a pair is excluded.",
                f"Use {' or '.join(YES_OR_NO)}.",
            )
        if self.round and not (self.round.isdecimal() and len(self.round) < _MOST_DIGITS):
            raise WrongInputError(
                f"{self.round[:40]!r} is no number of a round.", "Rounds are 1, 2, ..."
            )


def voted_on(chosen: PairFilter) -> Select[tuple[str]]:
    """Pairs with an effective vote as the filter asks for. In an assignment votes and undos take
    turns, so its last event is the effective vote unless it is an undo."""
    assignment, vote = tables.assignments, tables.votes
    later = tables.votes.alias("later")
    undone = select(later.c.event_id).where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    query = (
        select(assignment.c.pair_id)
        .join(vote, vote.c.assignment_id == assignment.c.id)
        .where(vote.c.kind == "vote", ~undone.exists())
        .where(assignment.c.kind != AssignmentKind.QUALIFICATION.value)
    )
    if chosen.batch:
        batch = tables.batches.alias("voted_batch")
        query = query.join(batch, batch.c.id == assignment.c.batch_id)
        query = query.where(batch.c.name == chosen.batch)
    if chosen.annotator:
        who = tables.annotators
        query = query.join(who, who.c.id == assignment.c.annotator_id)
        query = query.where(who.c.name == chosen.annotator)
    return query.where(*_of_vote(chosen))


def from_source(name: str) -> ColumnElement[bool]:
    """Whether an answer of a pair comes from this file or checkpoint."""
    table, pair = tables.response_sources, tables.pairs
    answers = select(table.c.response_id).where(table.c.name == name)
    return or_(pair.c.response_a.in_(answers), pair.c.response_b.in_(answers))


def in_round(db: Connection, number: str) -> Select[tuple[str]]:
    """The pairs in the batches of a round; none where there is no such round."""
    within = tables.batch_pairs
    ids = [batch.id for batch in round_log.batches_of(db, int(number))]
    return select(within.c.pair_id).where(within.c.batch_id.in_(ids))


def added(chosen: PairFilter) -> ColumnElement[bool]:
    """Whether a pair came in within the days of a filter."""
    low, high = chosen.added_between
    return and_(tables.pairs.c.created_at >= low, tables.pairs.c.created_at < high)


def reported(db: Connection, which: str) -> set[str]:
    """The pairs with a report, or only those whose report waits for a lead (`open`)."""
    if which == ANY:
        assignment, report = tables.assignments, tables.reports
        query = select(assignment.c.pair_id).join(report, report.c.assignment_id == assignment.c.id)
        return set(db.execute(query).scalars())
    within = tables.batch_pairs.c
    query = select(within.batch_id, within.pair_id).where(within.decided > 0)
    waiting = {(report.batch_id, report.pair_id) for report in disputes.open_reports(db)}
    if waiting:
        waiting -= {(row.batch_id, row.pair_id) for row in db.execute(query)}
    return {pair_id for _, pair_id in waiting}


def _of_vote(chosen: PairFilter) -> list[ColumnElement[bool]]:
    vote = tables.votes
    conditions: list[ColumnElement[bool]] = []
    if chosen.verdict:
        conditions.append(vote.c.verdict == chosen.verdict)
    if chosen.failure:
        # a list of keys as text: the key stands there in quotes
        said = type_coerce(vote.c.failures, Text)
        conditions.append(said.contains(json.dumps(chosen.failure), autoescape=True))
    low, high = chosen.voted_between
    if chosen.voted_from:
        conditions.append(vote.c.received_at >= low)
    if chosen.voted_to:
        conditions.append(vote.c.received_at < high)
    return conditions


def _between(first: str, last: str) -> tuple[int, int]:
    low = _midnight(first) if first else 0
    return low, _midnight(last, days=1) if last else _EVER


def _midnight(day: str, days: int = 0) -> int:
    try:
        found = date.fromisoformat(day) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise WrongInputError(
            f"{day[:40]!r} is no day.", "Write year, month and day, such as 2026-11-20."
        ) from None
    start = datetime(found.year, found.month, found.day, tzinfo=UTC)
    return int(start.timestamp()) * clock.SECOND
