"""Qualification rounds: gold pairs that a new annotator of a batch judges first, told the answer.

A round is the batch's first gold pairs that the person never had. Their votes say only whether the
person may go on: they are of a kind of their own that nothing else counts, and none of these pairs
comes to the person again. How somebody stands is derived from those votes and the batch's mark.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.engine import Connection

from storage import annotators, assignment_queries, assignments, checks, clock, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import Annotator, Assignment, AssignmentKind, Batch, Verdict

LONGEST_EXPLANATION = 2000
MOST_PAIRS = 100

_KIND = AssignmentKind.QUALIFICATION
_LABELING = (AssignmentKind.NORMAL.value, AssignmentKind.GOLD.value, AssignmentKind.REPEAT.value)
# a mark such as 0.55 of 20 is a little more than 11 in binary
_ROUNDING = 1e-9


class Outcome(StrEnum):
    """How a qualification round stands; only `under_way` and `not_passed` keep a person out."""

    UNDER_WAY = "under_way"
    PASSED = "passed"
    NOT_PASSED = "not_passed"
    ADMITTED = "admitted"


class Decision(StrEnum):
    """What a lead decides about somebody who did not pass."""

    ADMIT = "admit"
    RETRY = "retry"


@dataclass(frozen=True)
class Judged:
    """A gold pair that was judged in a round."""

    assignment: Assignment
    verdict: Verdict
    right: Verdict
    explanation: str

    @property
    def is_right(self) -> bool:
        return self.verdict is self.right


@dataclass(frozen=True)
class Standing:
    """How an annotator stands in the round of a batch, in pairs.

    Attributes:
        wanted: pairs of the round.
        needed: right ones that pass.
        judged: those judged so far, by the order in which they came.
        open: the one that waits for a judgement.
        labels: whether the person was ever offered a pair of the batch itself.
    """

    wanted: int
    needed: int
    judged: Sequence[Judged]
    open: Assignment | None
    outcome: Outcome
    labels: bool

    @property
    def right(self) -> int:
        return sum(each.is_right for each in self.judged)

    @property
    def keeps_out(self) -> bool:
        """Whether the person gets no pair of the batch itself now."""
        return not self.labels and self.outcome in (Outcome.UNDER_WAY, Outcome.NOT_PASSED)


def ask(tx: Connection, batch_id: str, pairs: int, passing: float) -> None:
    """Make new annotators of a batch judge `pairs` gold pairs first, 0 for none; `passing` is the
    share of them, above 0 and up to 1, to be right on. Who labels the batch already goes on.

    Raises:
        WrongInputError: the numbers cannot be used, or the batch has fewer gold pairs.
    """
    if not 0 <= pairs <= MOST_PAIRS or not 0 < passing <= 1:
        raise WrongInputError(
            f"A round of {pairs} pairs with {passing:g} to pass cannot be used.",
            f"Use 0 to {MOST_PAIRS} pairs, and a share above 0 and up to 1, such as 0.8.",
        )
    gold = tx.execute(_GOLD_PAIRS, {"batch": batch_id}).scalar_one()
    if gold < pairs:
        raise WrongInputError(
            f"The batch has {gold} gold pairs, and the round wants {pairs}.",
            "Mark more with `pairwright batch gold NAME --labeled-by WHO`, or ask for fewer.",
        )
    table = tables.batches
    asked = {"qualification_pairs": pairs, "qualification_pass": passing}
    tx.execute(table.update().where(table.c.id == batch_id).values(**asked))


def explain(tx: Connection, batch_id: str, pair_id: str, explanation: str) -> None:
    """Say why the answer of a gold pair is right; it is told after the pair was judged in a round.

    Raises:
        WrongInputError: it is longer than 2000 characters or holds a NUL.
        NotFoundError: this is no gold pair of the batch.
    """
    if len(explanation) > LONGEST_EXPLANATION or "\0" in explanation:
        raise WrongInputError(
            f"An explanation of {len(explanation)} characters cannot be kept.",
            f"Write up to {LONGEST_EXPLANATION}, without NUL.",
        )
    table = tables.batch_pairs
    of_pair = table.update().where(table.c.batch_id == batch_id, table.c.pair_id == pair_id)
    of_gold = of_pair.where(table.c.gold.is_not(None))
    if tx.execute(of_gold.values(explanation=explanation.strip() or None)).rowcount != 1:
        raise NotFoundError(
            f"{pair_id[:80]!r} is no gold pair of the batch.",
            "`pairwright batch qualification NAME` shows its gold pairs.",
        )


def explanations(db: Connection, batch_id: str) -> dict[str, str]:
    """Pair -> why its answer is right, where that was said."""
    within = tables.batch_pairs
    query = select(within.c.pair_id, within.c.explanation).where(
        within.c.batch_id == batch_id, within.c.explanation.is_not(None)
    )
    return {row.pair_id: row.explanation for row in db.execute(query)}


def standing(db: Connection, batch: Batch, annotator_id: str) -> Standing | None:
    """How an annotator stands in the batch's round; None when it has none."""
    if batch.qualification_pairs == 0:
        return None
    mine = {"batch": batch.id, "annotator": annotator_id}
    decision = db.execute(_LAST_DECISION, mine).one_or_none()
    after = decision.after_sequence if decision is not None else 0
    open_, judged = _round(db, mine, after)
    labels = db.execute(_LABELS, mine).scalar() is not None
    # counting gold pairs walks the batch, so not for those who are through
    fresh = 0 if labels else _fresh(db, mine)
    wanted = min(batch.qualification_pairs, len(judged) + (open_ is not None) + fresh)
    needed = math.ceil(batch.qualification_pass * max(wanted, len(judged)) - _ROUNDING)
    admitted = decision is not None and decision.kind == Decision.ADMIT
    outcome = Outcome.ADMITTED if admitted else _outcome(wanted, needed, judged)
    return Standing(wanted, needed, judged, open_, outcome, labels)


def _outcome(wanted: int, needed: int, judged: Sequence[Judged]) -> Outcome:
    if len(judged) < wanted:
        return Outcome.UNDER_WAY
    right = sum(each.is_right for each in judged)
    return Outcome.PASSED if right >= needed else Outcome.NOT_PASSED


def offer(tx: Connection, batch: Batch, blank: Assignment) -> Assignment | None:
    """Assign the round's next pair to an annotator who is in it; the open one again if there is
    one, None when the round is over or there is none.

    Args:
        blank: a normal assignment to fill in: pair, kind and sequence.
    """
    assignments.lock_batch(tx, batch.id)
    found = standing(tx, batch, blank.annotator_id)
    if found is None or found.outcome is not Outcome.UNDER_WAY or found.labels:
        return None
    if found.open is not None:
        return found.open
    mine = {"batch": batch.id, "annotator": blank.annotator_id}
    pair_id = tx.execute(checks.NEXT_GOLD, mine).scalar_one()
    return assignments.assign(tx, replace(blank, pair_id=pair_id, kind=_KIND))


def decide(tx: Connection, batch: Batch, annotator_id: str, decision: Decision) -> None:
    """Let somebody who did not pass in, or let them try again on other gold pairs.

    Raises:
        ConflictError: the person has not failed a round, or too few gold pairs are left for one.
    """
    assignments.lock_batch(tx, batch.id)
    found = standing(tx, batch, annotator_id)
    who = annotators.by_id(tx, annotator_id).name
    if found is None or not found.keeps_out:
        raise ConflictError(f"{who} may label batch {batch.name} already.", "Nothing was changed.")
    mine = {"batch": batch.id, "annotator": annotator_id}
    if decision is Decision.RETRY:
        _check_retry(tx, batch, mine, who, found)
    last = tx.execute(assignment_queries.LAST_SEQUENCE, mine).scalar() or 0
    row: dict[str, str | int] = {
        "batch_id": batch.id,
        "annotator_id": annotator_id,
        "kind": decision.value,
    }
    row |= {"id": uuid.uuid4().hex, "after_sequence": last, "created_at": clock.now(tx)}
    tx.execute(tables.qualification_decisions.insert(), row)


def of_batch(db: Connection, batch: Batch) -> list[tuple[Annotator, Standing]]:
    """Everybody who began the batch's round or was let in without it, by name."""
    began = select(_table.c.annotator_id).where(
        _table.c.batch_id == batch.id, _table.c.kind == _KIND.value
    )
    let_in = select(_decisions.c.annotator_id).where(_decisions.c.batch_id == batch.id)
    people = [annotators.by_id(db, each) for each in db.execute(began.union(let_in)).scalars()]
    found = ((who, standing(db, batch, who.id)) for who in people)
    named = ((who, stands) for who, stands in found if stands is not None)
    return sorted(named, key=lambda each: each[0].name)


def _check_retry(
    tx: Connection, batch: Batch, mine: dict[str, str], who: str, found: Standing
) -> None:
    if found.outcome is not Outcome.NOT_PASSED:
        raise ConflictError(f"The round of {who} is still under way.", "Wait for its end.")
    left = _fresh(tx, mine)
    if left < batch.qualification_pairs:
        raise ConflictError(
            f"Batch {batch.name} has {left} gold pairs that {who} has not seen, and a round wants "
            f"{batch.qualification_pairs}.",
            "Mark more gold pairs, ask for fewer, or let the person in.",
        )


def _round(
    db: Connection, mine: dict[str, str], after: int
) -> tuple[Assignment | None, list[Judged]]:
    """The open pair and the judged ones since a sequence number."""
    open_, judged = None, []
    for row in db.execute(_ROUND, {**mine, "after": after}):
        values = dict(row._mapping)
        right, explanation, verdict = (
            values.pop(name) for name in ("gold", "explanation", "verdict")
        )
        assignment = Assignment(**{**values, "kind": _KIND})
        if verdict is None:
            open_ = assignment
        else:
            judged.append(Judged(assignment, Verdict(verdict), Verdict(right), explanation or ""))
    return open_, judged


def _fresh(db: Connection, mine: dict[str, str]) -> int:
    return int(db.execute(checks.FRESH_GOLD, mine).scalar_one())


_table, _within, _votes = tables.assignments, tables.batch_pairs, tables.votes
_decisions = tables.qualification_decisions
_of_batch: BindParameter[str] = bindparam("batch")
_of_annotator: BindParameter[str] = bindparam("annotator")
_mine = (_table.c.batch_id == _of_batch, _table.c.annotator_id == _of_annotator)

_GOLD_PAIRS = (
    select(func.count())
    .select_from(_within)
    .where(_within.c.batch_id == _of_batch, _within.c.gold.is_not(None))
)
# a later decision has a later sequence, or the same one when a retry was not begun
_LAST_DECISION = (
    select(_decisions.c.kind, _decisions.c.after_sequence)
    .where(_decisions.c.batch_id == _of_batch, _decisions.c.annotator_id == _of_annotator)
    .order_by(_decisions.c.after_sequence.desc(), _decisions.c.created_at.desc(), _decisions.c.kind)
    .limit(1)
)
_LABELS = select(_table.c.id).where(*_mine, _table.c.kind.in_(_LABELING)).limit(1)
# nothing of a round can be undone, so its only event is the effective vote; a pair that is no gold
# pair any more says nothing
_ROUND = (
    select(
        *(column for column in _table.c if column.name != "answered_at"),
        _within.c.gold,
        _within.c.explanation,
        _votes.c.verdict,
    )
    .join(
        _within,
        (_within.c.batch_id == _table.c.batch_id) & (_within.c.pair_id == _table.c.pair_id),
    )
    .outerjoin(_votes, _votes.c.assignment_id == _table.c.id)
    .where(*_mine, _table.c.kind == _KIND.value, _table.c.sequence > bindparam("after"))
    .where(_within.c.gold.is_not(None))
    .order_by(_table.c.sequence)
)
