"""What was said about one pair, in words: its votes, decisions, and everything in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.views import pair_bulk, wording
from console.views.pairs import VERDICTS
from storage.exclusions import Exclusions
from storage.lead_log import Decision
from storage.pair_actions import PairAction
from storage.pair_history import PastEvent
from storage.rows import AssignmentKind, EffectiveVote, Verdict

SURE = {1: "guess", 2: "likely", 3: "sure"}


@dataclass(frozen=True)
class VoteLine:
    """A vote: `verdict` in canonical orientation, `shown` says on which side A stood, `counts` is
    `yes` or `excluded`, `why` the reason of that. A single vote `can_exclude` while it counts, and
    `can_readmit` when it alone was excluded."""

    annotator: str
    verdict: str
    shown: str
    batch: str
    when: str
    counts: str
    why: str
    assignment_id: str
    can_exclude: bool
    can_readmit: bool


@dataclass(frozen=True)
class EventLine:
    """Anything that was ever said about the pair. `said` is what came along: how sure, what is
    wrong with the worse answer, a report, a note."""

    when: str
    annotator: str
    what: str
    said: str
    batch: str


def votes(
    cast: Sequence[EffectiveVote], names: Mapping[str, str], left_out: Exclusions
) -> list[VoteLine]:
    """The votes that were not taken back. `names` are those of batches, by id."""
    return [_vote(vote, names, left_out) for vote in cast if not _is_dismissal(vote)]


def history(past: Sequence[PastEvent], actions: Sequence[PairAction]) -> list[EventLine]:
    """Votes and what leads did to the pair among others, oldest first."""
    said = [(event.received_at, _event(event)) for event in past]
    said += [(action.created_at, _done(action)) for action in actions]
    return [line for _, line in sorted(said, key=lambda one: one[0])]


def _done(action: PairAction) -> EventLine:
    return EventLine(
        when=wording.stamp(action.created_at),
        annotator=action.actor,
        what=pair_bulk.what(action),
        said=action.reason,
        batch="",
    )


def _event(event: PastEvent) -> EventLine:
    return EventLine(
        when=wording.stamp(event.received_at),
        annotator=event.annotator,
        what=_what(event),
        said=_said(event),
        batch=event.batch,
    )


def _what(event: PastEvent) -> str:
    """`A is better, taken back later`, `repeat: skipped`."""
    if event.verdict is None:
        return "took it back"
    kind = event.assignment_kind
    words = VERDICTS[event.verdict]
    if kind is not AssignmentKind.NORMAL:
        words = f"{'lead' if kind is AssignmentKind.ADJUDICATION else kind.value}: {words}"
    return words if event.stands else f"{words}, taken back later"


def _said(event: PastEvent) -> str:
    words = [SURE[event.confidence]] if event.confidence else []
    words += [", ".join(event.failures)] if event.failures else []
    words += [f"report: {event.report.replace('_', ' ')}"] if event.report else []
    words += [event.note] if event.note else []
    return "; ".join(words)


def _vote(vote: EffectiveVote, names: Mapping[str, str], left_out: Exclusions) -> VoteLine:
    is_excluded = left_out.covers(vote)
    is_vote = vote.kind is not AssignmentKind.ADJUDICATION
    other = "B" if vote.left == "a" else "A"
    return VoteLine(
        annotator=vote.annotator,
        verdict=VERDICTS[vote.verdict],
        shown=f"{vote.left.upper()} left, {other} right",
        batch=names.get(vote.batch_id, vote.batch_id),
        when=wording.stamp(vote.received_at),
        counts="excluded" if is_excluded else "yes",
        why=left_out.why(vote),
        assignment_id=vote.assignment_id,
        can_exclude=is_vote and not is_excluded,
        can_readmit=vote.assignment_id in left_out.single,
    )


def _is_dismissal(vote: EffectiveVote) -> bool:
    """A lead's skip: reports that need no decision."""
    return vote.kind is AssignmentKind.ADJUDICATION and vote.verdict is Verdict.SKIP


def decided(decision: Decision, names: Mapping[str, str]) -> str:
    said = decision.circumstances
    what = "withdrew the pair" if said and said.pair_withdrawn else VERDICTS[decision.outcome]
    seen = ""
    if said:
        seen = f", {'having seen' if said.names_seen else 'without seeing'} who voted"
    batch = names.get(decision.batch_id, decision.batch_id)
    why = f": {decision.reason}" if decision.reason else ""
    when = wording.stamp(decision.decided_at)
    return f"Decision by {decision.lead}, {when}, batch {batch}{seen}: {what}{why}"
