"""What a lead sees now: the queue, and of the pair at hand every vote without its author.

Answers stand as in the console, A on the left: votes are translated to these sides, wherever the
annotator saw them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labeling import presentation, rubrics, self_naming
from labeling.adjudication.access import LeadSeat
from labeling.adjudication.desk import Place
from labeling.adjudication.wire import (
    DisputedPair,
    LeadState,
    ShownRating,
    ShownReport,
    ShownVote,
)
from labeling.wire import Choice
from storage import batches, disputes, lead_log, pairs, reports
from storage.disputes import Dispute, Said
from storage.ledger import Connection
from storage.rows import Batch, PairView, Report, Verdict

_CHOICES: Mapping[Verdict, Choice] = {
    Verdict.A: "left",
    Verdict.B: "right",
    Verdict.TIE: "tie",
    Verdict.BOTH_BAD: "both_bad",
    Verdict.SKIP: "skip",
}
# the pair on the screen and the one that is loaded ahead
_SHOWN = 2
_MICROS_PER_MS = 1000


@dataclass(frozen=True)
class Where:
    """Where the queue begins for a lead: at a pair, or behind it; None for its own start."""

    place: Place | None = None
    behind: bool = False


def draw(db: Connection, seat: LeadSeat, secret: bytes, where: Where | None = None) -> LeadState:
    """The state of a lead's queue. `secret` is the workspace's own."""
    queue = disputes.waiting(db, seat.batch_id)
    place = where.place if where else None
    if where and place:
        queue = disputes.beginning(queue, place.batch_id, place.pair_id, where.behind)
    done = lead_log.count_decided(db, seat.lead.id, seat.batch_id)
    shown: list[DisputedPair | None] = [
        _pair(db, seat, dispute, done + number)
        for number, dispute in enumerate(queue[:_SHOWN], start=1)
    ]
    current, upcoming = [*shown, None, None][:_SHOWN]
    last = lead_log.last_of(db, seat.lead.id, seat.batch_id)
    return LeadState(
        desk=_desk_name(seat, secret),
        done=done,
        total=done + len(queue),
        finished=not queue,
        undo=Place(last.batch_id, last.pair_id).item if last else None,
        current=current,
        upcoming=upcoming,
    )


def _pair(db: Connection, seat: LeadSeat, dispute: Dispute, position: int) -> DisputedPair:
    place = Place(dispute.batch_id, dispute.pair_id)
    batch = batches.by_id(db, place.batch_id)
    view = pairs.view(db, place.pair_id)
    spoken = _Spoken(
        batch=batch,
        votes=disputes.said(db, place.batch_id, place.pair_id),
        reports=[each for each in reports.listed(db, batch.id) if each.pair_id == dispute.pair_id],
        dismissed_at=lead_log.dismissals(db, batch.id).get((batch.id, dispute.pair_id), -1),
        names_seen=lead_log.names_seen(db, place.batch_id, place.pair_id, seat.lead.id),
    )
    media_at = f"/api/lead/media/{batch.id}/{view.pair.id}"
    return DisputedPair(
        assignment=place.item,
        position=position,
        messages=presentation.messages(view.prompt, media_at, presentation.media_of(db, [view])),
        left=view.text_a,
        right=view.text_b,
        batch=batch.name,
        guidelines=batch.guidelines or None,
        reasons=_reasons(dispute, view),
        contested=dispute.contested,
        reports=spoken.shown_reports(),
        votes=spoken.shown_votes(),
        names_seen=spoken.names_seen,
    )


@dataclass(frozen=True)
class _Spoken:
    """What annotators said about one pair. They are numbered by the order in which they came."""

    batch: Batch
    votes: Sequence[Said]
    reports: Sequence[Report]
    dismissed_at: int
    names_seen: bool

    def shown_votes(self) -> list[ShownVote]:
        """All but the skips that reports stand for."""
        reported = {report.event_id for report in self.reports}
        return [self._vote(vote) for vote in self.votes if vote.event_id not in reported]

    def shown_reports(self) -> list[ShownReport]:
        return [
            ShownReport(
                annotator=self._number(report.annotator),
                name=report.annotator if self.names_seen else None,
                kind=report.kind,
                note=report.note,
                dismissed=report.received_at <= self.dismissed_at,
                at=report.received_at // _MICROS_PER_MS,
            )
            for report in self.reports
        ]

    def _vote(self, vote: Said) -> ShownVote:
        return ShownVote(
            annotator=self._number(vote.annotator),
            name=vote.annotator if self.names_seen else None,
            choice=_CHOICES[vote.verdict],
            again=vote.again,
            ratings=_ratings(self.batch, vote),
            failures=_failures(self.batch, vote),
            confidence=vote.confidence,
            note=vote.note,
            active_ms=vote.active_ms,
            at=vote.received_at // _MICROS_PER_MS,
        )

    def _number(self, annotator: str) -> int:
        came = [(vote.received_at, vote.annotator) for vote in self.votes]
        came += [(report.received_at, report.annotator) for report in self.reports]
        names = list(dict.fromkeys(name for _, name in sorted(came)))
        return names.index(annotator) + 1


def _reasons(dispute: Dispute, view: PairView) -> list[str]:
    found: list[str] = []
    if dispute.contested:
        neither = dispute.votes - dispute.votes_a - dispute.votes_b
        parts = ((dispute.votes_a, "A"), (dispute.votes_b, "B"), (neither, "neither"))
        found.append("Contested: " + ", ".join(f"{n} for {side}" for n, side in parts if n))
    if dispute.referred:
        found.append("Sent here by a lead")
    for side, text in (("A", view.text_a), ("B", view.text_b)):
        name = self_naming.find(text)
        if name is not None:
            found.append(f"Answer {side} says that it is by {name}")
    return found


def _ratings(batch: Batch, vote: Said) -> list[ShownRating]:
    """The criteria that were rated, in the order of the batch's rubric, with its words."""
    of_a, of_b = ((vote.rubric or {}).get(side, {}) for side in ("a", "b"))
    rubric = rubrics.of(batch.rubric)
    labels = {each.key: each.label for each in rubric.criteria} if rubric else {}
    # the batch may have asked something else when this was rated
    keys = dict.fromkeys([*labels, *of_a, *of_b])
    return [
        ShownRating(label=labels.get(key, key), left=of_a.get(key), right=of_b.get(key))
        for key in keys
        if key in of_a or key in of_b
    ]


def _failures(batch: Batch, vote: Said) -> list[str]:
    rubric = rubrics.of(batch.rubric)
    labels = {each.key: each.label for each in rubric.failure_kinds} if rubric else {}
    return [labels.get(key, key) for key in vote.failures]


def _desk_name(seat: LeadSeat, secret: bytes) -> str:
    """The same for every link of this lead to this queue, and telling nothing of either."""
    named = f"queue of a lead/{seat.lead.id}/{seat.batch_id}".encode()
    return hmac.new(secret, named, hashlib.sha256).hexdigest()[:24]
