"""One pair of the Pairs page in full: content, votes with their history, scores, its datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.views import answers, diff, wording
from console.views.answers import RewardLine
from console.views.pairs import VERDICTS
from labeling import consensus
from labeling.consensus import Consensus, ConsensusPolicy
from storage import (
    batches,
    checkpoints,
    dataset_rows,
    dataset_versions,
    exclusions,
    labels,
    lead_log,
    media,
    pair_history,
    pairs,
    responses,
    scores,
    votes,
)
from storage.errors import DamagedError
from storage.lead_log import Decision
from storage.pair_history import PastEvent
from storage.rows import (
    AssignmentKind,
    Checkpoint,
    DatasetVersion,
    EffectiveVote,
    ImportedLabel,
    Media,
    Source,
    Turn,
    Verdict,
)
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

SURE = {1: "guess", 2: "likely", 3: "sure"}


@dataclass(frozen=True)
class VoteLine:
    """A vote: `verdict` in canonical orientation, `shown` says on which side A stood, `counts` is
    `yes` or `excluded`."""

    annotator: str
    verdict: str
    shown: str
    batch: str
    when: str
    counts: str


@dataclass(frozen=True)
class EventLine:
    """Anything that was ever said about the pair. `said` is what came along: how sure, what is
    wrong with the worse answer, a report, a note."""

    when: str
    annotator: str
    what: str
    said: str
    batch: str


@dataclass(frozen=True)
class Answer:
    """One of the two answers. `standing` is `chosen`, `rejected` or empty."""

    name: str
    text: str
    standing: str
    sources: Sequence[str]


@dataclass(frozen=True)
class PairDetail:
    """Everything recorded about a pair.

    Attributes:
        difference: from answer A to answer B, word by word.
        used: the dataset versions that contain the pair: `v1 (train)`.
    """

    id: str
    category: str
    turns: Sequence[Turn]
    media: dict[str, Media]
    answers: tuple[Answer, Answer]
    difference: str
    votes: Sequence[VoteLine]
    decisions: Sequence[str]
    consensus: str
    imported: Sequence[str]
    history: Sequence[EventLine]
    rewards: Sequence[RewardLine]
    used: Sequence[str]

    @property
    def names(self) -> dict[str, str]:
        """What each picture and video is called on the page: `picture 1`, `video 2`."""
        numbered = enumerate(self.media.values(), start=1)
        return {item.id: f"{item.kind} {number}" for number, item in numbered}


def detail(workspace: Workspace, pair_id: str) -> PairDetail:
    """Everything recorded about one pair.

    Raises:
        NotFoundError: no pair with this id.
        DamagedError: scores or a dataset version cannot be read.
    """
    with workspace.ledger.read() as db:
        view = pairs.view(db, pair_id)
        imported = labels.of_pairs(db, pair_ids=[pair_id])
        names = {batch.id: batch.name for batch in batches.listed(db)}
        shown = {item: media.get(db, item) for item in view.prompt.media}
        sources_a = responses.sources(db, view.pair.response_a)
        sources_b = responses.sources(db, view.pair.response_b)
        decided = lead_log.decisions(db, pair_id)
        cast = votes.cast(db, pair_ids=[pair_id])
        left_out = exclusions.in_force(db)
        past = pair_history.of_pair(db, pair_id)
        made, versions = checkpoints.listed(db), dataset_versions.listed(db)
    counted = [vote for vote in cast if not left_out.covers(vote)]
    settled = consensus.settle(counted, ConsensusPolicy())
    return PairDetail(
        id=pair_id,
        category=view.prompt.category,
        turns=view.prompt.turns,
        media=shown,
        answers=(
            Answer("A", view.text_a, _standing(settled, Verdict.A), _sources(sources_a)),
            Answer("B", view.text_b, _standing(settled, Verdict.B), _sources(sources_b)),
        ),
        difference=diff.difference(view.text_a, view.text_b),
        votes=[
            _vote(vote, names, left_out.covers(vote)) for vote in cast if not _is_dismissal(vote)
        ],
        decisions=[_decided(decision, names) for decision in decided],
        consensus=outcome(settled, len(counted)),
        imported=[_label(label, names) for label in imported],
        history=[_event(event) for event in past],
        rewards=_rewards(scores.of_pairs(workspace, [pair_id]), made),
        used=_used(workspace, versions, pair_id),
    )


def outcome(settled: Consensus, cast: int) -> str:
    """How a pair stands in a few words: `A, confidence 0.90 from 2 votes`."""
    if not cast:
        return consensus.NO_VOTES
    if not settled.settled:
        return settled.reason
    name = str(settled.outcome).upper()
    return (
        f"{name}, confidence {settled.confidence:.2f} from {wording.count(settled.votes, 'vote')}"
    )


def _standing(settled: Consensus, verdict: Verdict) -> str:
    if not settled.settled:
        return ""
    return "chosen" if settled.outcome == verdict else "rejected"


def _sources(found: Sequence[Source]) -> list[str]:
    return [f"{source.kind} {source.name}" for source in found]


def _vote(vote: EffectiveVote, names: dict[str, str], is_excluded: bool) -> VoteLine:
    other = "B" if vote.left == "a" else "A"
    return VoteLine(
        annotator=vote.annotator,
        verdict=VERDICTS[vote.verdict],
        shown=f"{vote.left.upper()} left, {other} right",
        batch=names.get(vote.batch_id, vote.batch_id),
        when=wording.stamp(vote.received_at),
        counts="excluded" if is_excluded else "yes",
    )


def _is_dismissal(vote: EffectiveVote) -> bool:
    """A lead's skip: reports that need no decision."""
    return vote.kind is AssignmentKind.ADJUDICATION and vote.verdict is Verdict.SKIP


def _decided(decision: Decision, names: dict[str, str]) -> str:
    said = decision.circumstances
    what = "withdrew the pair" if said and said.pair_withdrawn else VERDICTS[decision.outcome]
    seen = ""
    if said:
        seen = f", {'having seen' if said.names_seen else 'without seeing'} who voted"
    batch = names.get(decision.batch_id, decision.batch_id)
    why = f": {decision.reason}" if decision.reason else ""
    when = wording.stamp(decision.decided_at)
    return f"Decision by {decision.lead}, {when}, batch {batch}{seen}: {what}{why}"


def _label(label: ImportedLabel, names: dict[str, str]) -> str:
    record = f", record {label.record_id}" if label.record_id else ""
    batch = names.get(label.batch_id, label.batch_id)
    where = f"{label.source} line {label.line}{record}, batch {batch}"
    return f"Imported label ({label.labeled_by}): {label.winner.upper()} is better. {where}"


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


def _rewards(frame: polars.DataFrame, made: Sequence[Checkpoint]) -> list[RewardLine]:
    """Bare models first, then checkpoints, the oldest first."""
    if frame.is_empty():
        return []
    scored = set(frame["checkpoint"].to_list())
    known = {one.id: one.name for one in reversed(made) if one.id in scored}
    bare = {name: name for name in sorted(scored - known.keys())}
    return answers.rewards(frame, {**bare, **known})


def _used(workspace: Workspace, versions: Sequence[DatasetVersion], pair_id: str) -> list[str]:
    found = []
    for version in versions:
        try:
            split = dataset_rows.split_of(workspace.home / version.path, pair_id)
        except DamagedError:
            found.append(f"{version.id} (its file cannot be read)")
            continue
        if split:
            found.append(f"{version.id} ({split})")
    return found
