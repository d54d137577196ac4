"""What an annotator sees now, as it goes over the wire: only words, sides and opaque addresses."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labeling import desk, rubrics, sides, wire
from labeling.access import Seat
from storage import assignments, batches, checks, pairs
from storage.ledger import Connection
from storage.rows import Assignment, Batch, PairView, Turn


@dataclass(frozen=True)
class Picture:
    """The state to send, and whether a pair could be offered that is not in it yet."""

    state: wire.State
    lacks_pairs: bool


def draw(db: Connection, seat: Seat, secret: bytes) -> Picture:
    """The annotator's progress and the pairs on the desk. `secret` is the workspace's own."""
    batch, annotator = seat.batch, seat.annotator_id
    on_desk = assignments.open_for(db, batch.id, annotator)[: desk.ON_THE_DESK]
    progress = assignments.progress(db, batch.id, annotator)
    last = assignments.last_answered(db, batch.id, annotator)
    views = pairs.views(db, [assignment.pair_id for assignment in on_desk])
    shown: list[wire.ShownPair | None] = [
        shown_pair(assignment, view, progress.done + place)
        for place, (assignment, view) in enumerate(zip(on_desk, views, strict=True), start=1)
    ]
    current, upcoming = [*shown, None, None][: desk.ON_THE_DESK]
    available = progress.available + checks.left(db, batch, annotator, progress, secret)
    finished = progress.open + available == 0
    state = wire.State(
        desk=desk_name(seat, secret),
        batch=_batch_info(batch, batches.pair_count(db, batch.id) if finished else None),
        done=progress.done,
        total=progress.done + progress.open + available,
        finished=finished,
        can_undo=last is not None,
        undo=last.id if last else None,
        current=current,
        upcoming=upcoming,
    )
    lacks_pairs = progress.open < desk.ON_THE_DESK and available > 0
    return Picture(state, lacks_pairs)


def shown_pair(assignment: Assignment, view: PairView, position: int) -> wire.ShownPair:
    """A pair with sides as drawn and media under addresses of this assignment alone."""
    left, right = sides.answers(assignment, view.text_a, view.text_b)
    place = iter(range(len(view.prompt.media)))
    return wire.ShownPair(
        assignment=assignment.id,
        position=position,
        messages=[_message(turn, assignment.id, place) for turn in view.prompt.turns],
        left=left,
        right=right,
    )


def _batch_info(batch: Batch, pair_count: int | None) -> wire.BatchInfo:
    rubric = rubrics.of(batch.rubric)
    criteria, kinds = (rubric.criteria, rubric.failure_kinds) if rubric else ((), ())
    return wire.BatchInfo(
        pairs=pair_count,
        guidelines=batch.guidelines or None,
        both_bad=batch.both_bad,
        rubric=[wire.CriterionInfo(**vars(each)) for each in criteria] or None,
        failure_kinds=[wire.FailureKindInfo(**vars(each)) for each in kinds],
        confidence=batch.confidence,
    )


def desk_name(seat: Seat, secret: bytes) -> str:
    """The same for every link of this annotator to this batch, and telling nothing of either."""
    named = f"{seat.annotator_id}/{seat.batch.id}".encode()
    return hmac.new(secret, named, hashlib.sha256).hexdigest()[:24]


def _message(turn: Turn, assignment_id: str, place: Iterator[int]) -> wire.Message:
    parts: list[wire.TextPart | wire.MediaPart] = []
    for part in turn.parts:
        if part.type == "text":
            parts.append(wire.TextPart(text=part.text))
        else:
            kind: Literal["image", "video"] = "video" if part.type == "video" else "image"
            parts.append(wire.MediaPart(type=kind, src=f"/media/{assignment_id}/{next(place)}"))
    return wire.Message(role=turn.role, parts=parts)
