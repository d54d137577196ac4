"""What an annotator sees now, as it goes over the wire: only words, sides and opaque addresses."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from labeling import desk, rubrics, sides, totals, wire
from labeling.access import Seat
from storage import assignments, batches, browser_sizes, checks, media, pairs
from storage.ledger import Connection
from storage.rows import Assignment, Batch, Media, PairView, Prompt, Turn


@dataclass(frozen=True)
class Picture:
    """The state to send, and whether a pair could be offered that is not in it yet."""

    state: wire.State
    lacks_pairs: bool


@dataclass(frozen=True)
class Known:
    """What need not be asked again: the result of `assignments.open_for`, and the total if it was
    counted some seconds ago."""

    open: Sequence[Assignment]
    total: int | None = None


def draw(db: Connection, seat: Seat, secret: bytes, known: Known | None = None) -> Picture:
    """The annotator's progress and the pairs on the desk. `secret` is the workspace's own."""
    batch, annotator = seat.batch, seat.annotator_id
    known = known or Known(assignments.open_for(db, batch.id, annotator, seat.now))
    done = assignments.done(db, batch.id, annotator)
    room = desk.room_after(seat, done)
    last = assignments.last_answered(db, batch.id, annotator)
    shown = _shown(db, known.open[: min(room, desk.ON_THE_DESK)], done)
    current, upcoming = [*shown, None, None][: desk.ON_THE_DESK]
    left = _left(db, seat, secret, known, done)
    finished = left == 0
    state = wire.State(
        desk=desk_name(seat, secret),
        batch=batch_info(batch, batches.pair_count(db, batch.id) if finished else None),
        done=done,
        total=done + left,
        finished=finished,
        can_undo=last is not None,
        undo=last.id if last else None,
        current=current,
        upcoming=upcoming,
        quota=seat.link.quota,
    )
    open_ = len(known.open)
    return Picture(state, lacks_pairs=open_ < min(room, desk.ON_THE_DESK) and left > open_)


def _left(db: Connection, seat: Seat, secret: bytes, known: Known, done: int) -> int:
    """Pairs that are open or will still be offered."""
    is_full = len(known.open) >= desk.ON_THE_DESK
    if is_full and known.total is not None and known.total - done > totals.FAR:
        return known.total - done
    batch, annotator = seat.batch, seat.annotator_id
    progress = assignments.progress(db, batch.id, annotator, known.open, seat.now)
    available = progress.available + checks.left(db, batch, annotator, progress, secret)
    return min(progress.open + available, desk.room_after(seat, done))


def ahead(db: Connection, seat: Seat) -> list[wire.ShownPair]:
    """All pairs that were offered to the annotator and are not answered, in their order."""
    done = assignments.done(db, seat.batch.id, seat.annotator_id)
    open_ = assignments.open_for(db, seat.batch.id, seat.annotator_id)
    return _shown(db, open_[: min(desk.room_after(seat, done), desk.STOCK)], done)


def _shown(db: Connection, open_: Sequence[Assignment], done: int) -> list[wire.ShownPair]:
    views = pairs.views(db, [assignment.pair_id for assignment in open_])
    known = media_of(db, views)
    return [
        shown_pair(assignment, view, done + place, known)
        for place, (assignment, view) in enumerate(zip(open_, views, strict=True), start=1)
    ]


def media_of(db: Connection, views: Sequence[PairView]) -> Mapping[str, Media]:
    """The facts of all that these pairs show, by id."""
    return media.facts(db, [shown for view in views for shown in view.prompt.media])


def shown_pair(
    assignment: Assignment, view: PairView, position: int, known: Mapping[str, Media]
) -> wire.ShownPair:
    """A pair with sides as drawn and media under addresses of this assignment alone.

    `known` has the facts of its media.
    """
    left, right = sides.answers(assignment, view.text_a, view.text_b)
    return wire.ShownPair(
        assignment=assignment.id,
        position=position,
        messages=messages(view.prompt, f"/media/{assignment.id}", known),
        left=left,
        right=right,
    )


def batch_info(batch: Batch, pair_count: int | None) -> wire.BatchInfo:
    """What the batch asks; `pair_count` is told when nothing is left."""
    rubric = rubrics.of(batch.rubric)
    criteria, kinds = (rubric.criteria, rubric.failure_kinds) if rubric else ((), ())
    return wire.BatchInfo(
        pairs=pair_count,
        guidelines=batch.guidelines or None,
        both_bad=batch.both_bad,
        rubric=[wire.CriterionInfo(**vars(each)) for each in criteria] or None,
        failure_kinds=[wire.FailureKindInfo(**vars(each)) for each in kinds],
        confidence=batch.confidence,
        guidelines_version=batch.guidelines_version,
    )


def desk_name(seat: Seat, secret: bytes) -> str:
    """The same for every link of this annotator to this batch, and telling nothing of either."""
    named = f"{seat.annotator_id}/{seat.batch.id}".encode()
    return hmac.new(secret, named, hashlib.sha256).hexdigest()[:24]


def messages(prompt: Prompt, media_at: str, known: Mapping[str, Media]) -> list[wire.Message]:
    """The turns of a prompt; its media are at `media_at/0`, `media_at/1`, ..."""
    addresses = (f"{media_at}/{place}" for place in range(len(prompt.media)))
    return [_message(turn, addresses, known) for turn in prompt.turns]


def _message(turn: Turn, addresses: Iterator[str], known: Mapping[str, Media]) -> wire.Message:
    parts: list[wire.TextPart | wire.MediaPart] = []
    for part in turn.parts:
        if part.type == "text":
            parts.append(wire.TextPart(text=part.text))
        else:
            parts.append(_media_part(known[part.media], next(addresses)))
    return wire.Message(role=turn.role, parts=parts)


def _media_part(shown: Media, address: str) -> wire.MediaPart:
    return wire.MediaPart(
        type="video" if shown.kind == "video" else "image",
        src=address,
        full=f"{address}/full" if browser_sizes.is_large(shown) else None,
        width=shown.width,
        height=shown.height,
    )
