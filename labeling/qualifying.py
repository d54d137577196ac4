"""What an annotator sees, the qualification round before a batch included.

In the round there is one pair at a time, and after each what is right. Only here is anything said
about a pair that was judged; once the annotator has judged a pair of the batch itself, nothing of
the round is sent any more.
"""

from __future__ import annotations

from dataclasses import replace

from labeling import presentation, sides, wire
from labeling.access import Seat
from labeling.presentation import Known, Picture
from storage import pairs, qualifications
from storage.ledger import Connection
from storage.qualifications import Judged, Outcome, Standing
from storage.rows import Assignment, Verdict

_OUTCOMES: dict[Outcome, wire.QualificationOutcome] = {
    Outcome.UNDER_WAY: "under_way",
    Outcome.PASSED: "passed",
    Outcome.NOT_PASSED: "not_passed",
}
_OTHERS: dict[Verdict, wire.Choice] = {
    Verdict.TIE: "tie",
    Verdict.SKIP: "skip",
    Verdict.BOTH_BAD: "both_bad",
}


def draw(db: Connection, seat: Seat, secret: bytes, known: Known | None = None) -> Picture:
    """The annotator's progress and the pairs on the desk, of the round or of the batch itself.
    `secret` is the workspace's own; `known` is about the batch itself."""
    stands = qualifications.standing(db, seat.batch, seat.annotator_id)
    if stands is not None and stands.keeps_out:
        return _draw_round(db, seat, secret, stands)
    picture = presentation.draw(db, seat, secret, known)
    passed = stands is not None and stands.outcome is Outcome.PASSED
    if stands is None or not passed or not stands.judged or picture.state.done:
        return picture
    told = {"qualification": _told(db, stands)}
    return replace(picture, state=picture.state.model_copy(update=told))


def _draw_round(db: Connection, seat: Seat, secret: bytes, stands: Standing) -> Picture:
    under_way = stands.outcome is Outcome.UNDER_WAY
    judged = len(stands.judged)
    current = _pair(db, stands.open, judged + 1) if stands.open and under_way else None
    state = wire.State(
        desk=presentation.desk_name(seat, secret),
        batch=presentation.batch_info(seat.batch, None),
        done=judged,
        total=max(stands.wanted, judged),
        finished=False,
        can_undo=False,
        undo=None,
        current=current,
        upcoming=None,
        qualification=_told(db, stands),
    )
    return Picture(state, lacks_pairs=under_way and current is None)


def _told(db: Connection, stands: Standing) -> wire.Qualification:
    judged = len(stands.judged)
    return wire.Qualification(
        pairs=max(stands.wanted, judged),
        judged=judged,
        right=stands.right,
        needed=stands.needed,
        outcome=_OUTCOMES[stands.outcome],
        feedback=_feedback(db, stands.judged[-1], judged) if judged else None,
    )


def _feedback(db: Connection, judged: Judged, position: int) -> wire.Feedback:
    chosen = judged.verdict
    return wire.Feedback(
        pair=_pair(db, judged.assignment, position),
        right=judged.is_right,
        chosen=_OTHERS.get(chosen) or sides.place_of(judged.assignment, chosen),
        better=sides.place_of(judged.assignment, judged.right),
        explanation=judged.explanation,
    )


def _pair(db: Connection, assignment: Assignment, position: int) -> wire.ShownPair:
    view = pairs.view(db, assignment.pair_id)
    known = presentation.media_of(db, [view])
    return presentation.shown_pair(assignment, view, position, known)
