"""What the Pairs page shows: a page of pairs that match a filter, and one pair in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.views import wording
from labeling import consensus
from labeling.consensus import Consensus, ConsensusPolicy
from storage import (
    analytics,
    annotators,
    batches,
    labels,
    lead_log,
    media,
    pairs,
    prompts,
    responses,
    votes,
)
from storage.analytics import labeling as figures
from storage.errors import NotFoundError
from storage.lead_log import Decision
from storage.pairs import PairFilter
from storage.rows import (
    AssignmentKind,
    EffectiveVote,
    ImportedLabel,
    Media,
    PairView,
    Source,
    Turn,
    Verdict,
)
from storage.workspace import Workspace

PAGE_SIZES = (25, 50)

VERDICTS = {
    Verdict.A: "A is better",
    Verdict.B: "B is better",
    Verdict.TIE: "too close to call",
    Verdict.BOTH_BAD: "both are bad",
    Verdict.SKIP: "skipped",
}


@dataclass(frozen=True)
class Choices:
    """What the filters offer. Empty `batches` means that the workspace has no pairs yet."""

    batches: Sequence[str]
    categories: Sequence[str]
    annotators: Sequence[str]


@dataclass(frozen=True)
class PairLine:
    """A row of the table."""

    id: str
    prompt: str
    category: str
    media: int
    answer_a: str
    answer_b: str
    votes: int
    consensus: str
    imported: str


@dataclass(frozen=True)
class PairsPage:
    """One page. `total` counts all that match; `page` is from 1 and inside `pages`."""

    lines: Sequence[PairLine]
    total: int
    page: int
    pages: int

    @property
    def position(self) -> str:
        """`Pairs 26 to 50 of 2,000`."""
        if not self.lines:
            return "No pairs"
        size = len(self.lines)
        first = self.total - size + 1 if self.page == self.pages else (self.page - 1) * size + 1
        return f"Pairs {first:,} to {first + size - 1:,} of {self.total:,}"


@dataclass(frozen=True)
class VoteLine:
    """A vote: `verdict` in canonical orientation, `shown` says on which side A stood."""

    annotator: str
    verdict: str
    shown: str
    batch: str
    when: str


@dataclass(frozen=True)
class Answer:
    """One of the two answers. `standing` is `chosen`, `rejected` or empty."""

    name: str
    text: str
    standing: str
    sources: Sequence[str]


@dataclass(frozen=True)
class PairDetail:
    id: str
    category: str
    turns: Sequence[Turn]
    media: dict[str, Media]
    answers: tuple[Answer, Answer]
    votes: Sequence[VoteLine]
    decisions: Sequence[str]
    consensus: str
    imported: Sequence[str]

    @property
    def names(self) -> dict[str, str]:
        """What each picture and video is called on the page: `picture 1`, `video 2`."""
        numbered = enumerate(self.media.values(), start=1)
        return {item.id: f"{item.kind} {number}" for number, item in numbered}


def choices(workspace: Workspace) -> Choices:
    """The names that the filters offer, each list in a stable order."""
    with workspace.ledger.read() as db:
        return Choices(
            batches=[batch.name for batch in batches.listed(db)],
            categories=prompts.categories(db),
            annotators=[annotator.name for annotator in annotators.listed(db)],
        )


def page(workspace: Workspace, wanted: PairFilter, number: int, size: int) -> PairsPage:
    """Page `number` (from 1, brought into range) of `size` pairs that match."""
    store = analytics.open(workspace)
    with store.reading() as view:
        words = None
        if wanted.text:
            words = store.kept(
                ("words", wanted.text),
                view.mark_of_pairs,
                lambda: figures.with_words(view, wanted.text),
            )
        matching = figures.matching(view, wanted, words)
        last = max(1, -(-len(matching) // size))
        inside = min(max(1, number), last)
        ids = view.coded.names_of(matching[(inside - 1) * size : inside * size])
    with workspace.ledger.read() as db:
        shown = pairs.views(db, ids)
        cast = _by_pair(votes.effective(db, pair_ids=ids))
        winners = _winners(labels.of_pairs(db, pair_ids=ids))
    lines = [_line(view, cast.get(view.pair.id, []), winners) for view in shown]
    return PairsPage(lines=lines, total=len(matching), page=inside, pages=last)


def detail(workspace: Workspace, pair_id: str) -> PairDetail:
    """Everything recorded about one pair.

    Raises:
        NotFoundError: no pair with this id.
    """
    with workspace.ledger.read() as db:
        view = pairs.view(db, pair_id)
        imported = labels.of_pairs(db, pair_ids=[pair_id])
        names = {batch.id: batch.name for batch in batches.listed(db)}
        shown = {item: media.get(db, item) for item in view.prompt.media}
        sources_a = responses.sources(db, view.pair.response_a)
        sources_b = responses.sources(db, view.pair.response_b)
        decided = lead_log.decisions(db, pair_id)
        cast = votes.effective(db, pair_ids=[pair_id])
    settled = consensus.settle(cast, ConsensusPolicy())
    return PairDetail(
        id=pair_id,
        category=view.prompt.category,
        turns=view.prompt.turns,
        media=shown,
        answers=(
            Answer("A", view.text_a, _standing(settled, Verdict.A), _sources(sources_a)),
            Answer("B", view.text_b, _standing(settled, Verdict.B), _sources(sources_b)),
        ),
        votes=[_vote(vote, names) for vote in cast if not _is_dismissal(vote)],
        decisions=[_decided(decision, names) for decision in decided],
        consensus=outcome(settled, len(cast)),
        imported=[_label(label, names) for label in imported],
    )


def content(workspace: Workspace, item: Media) -> bytes | None:
    """The bytes of a picture or video, or None when the store has lost them."""
    try:
        return workspace.media.read(item.id)
    except NotFoundError:
        return None


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


def _line(
    view: PairView, cast: list[EffectiveVote], winners: Mapping[str, Sequence[str]]
) -> PairLine:
    settled = consensus.settle(cast, ConsensusPolicy())
    return PairLine(
        id=view.pair.id,
        prompt=wording.excerpt(question(view.prompt.turns)),
        category=view.prompt.category,
        media=len(view.prompt.media),
        answer_a=wording.excerpt(view.text_a, 80),
        answer_b=wording.excerpt(view.text_b, 80),
        votes=len(cast),
        consensus=_short(settled),
        imported=" and ".join(winner.upper() for winner in winners.get(view.pair.id, ())),
    )


def _short(settled: Consensus) -> str:
    """`A 0.90`, or the reason why there is no winner; empty without votes."""
    if settled.settled:
        return f"{str(settled.outcome).upper()} {settled.confidence:.2f}"
    return settled.reason if settled.votes else ""


def question(turns: Sequence[Turn]) -> str:
    """The words of the last user turn: what the two answers answer."""
    for turn in reversed(turns):
        if turn.role == "user":
            return " ".join(part.text for part in turn.parts if part.type == "text")
    return ""


def _by_pair(cast: Sequence[EffectiveVote]) -> dict[str, list[EffectiveVote]]:
    found: dict[str, list[EffectiveVote]] = {}
    for vote in cast:
        found.setdefault(vote.pair_id, []).append(vote)
    return found


def _winners(found: Sequence[ImportedLabel]) -> dict[str, list[str]]:
    """Pair -> the winners (`a`, `b`) that imported labels name, both when they contradict."""
    winners: dict[str, list[str]] = {}
    for label in found:
        if label.winner not in winners.setdefault(label.pair_id, []):
            winners[label.pair_id].append(label.winner)
    return {pair_id: sorted(named) for pair_id, named in winners.items()}


def _standing(settled: Consensus, verdict: Verdict) -> str:
    if not settled.settled:
        return ""
    return "chosen" if settled.outcome == verdict else "rejected"


def _sources(found: Sequence[Source]) -> list[str]:
    return [f"{source.kind} {source.name}" for source in found]


def _vote(vote: EffectiveVote, names: dict[str, str]) -> VoteLine:
    other = "B" if vote.left == "a" else "A"
    return VoteLine(
        annotator=vote.annotator,
        verdict=VERDICTS[vote.verdict],
        shown=f"{vote.left.upper()} left, {other} right",
        batch=names.get(vote.batch_id, vote.batch_id),
        when=wording.stamp(vote.received_at),
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
