"""What the Pairs page lists: a page of pairs that match, and what the filters offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from console.views import wording
from labeling import consensus, explorer, rubrics
from labeling.consensus import Consensus, ConsensusPolicy
from labeling.explorer import Search
from storage import annotators, batches, labels, pairs, prompts, votes
from storage.errors import NotFoundError
from storage.rows import Batch, EffectiveVote, ImportedLabel, Media, PairView, Turn, Verdict
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
    sources: Sequence[str]
    failures: Sequence[str]


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


def choices(workspace: Workspace) -> Choices:
    """The names that the filters offer, each list in a stable order."""
    with workspace.ledger.read() as db:
        known = batches.listed(db)
        found = Choices(
            batches=[batch.name for batch in known],
            categories=prompts.categories(db),
            annotators=[annotator.name for annotator in annotators.listed(db)],
            sources=[],
            failures=_failures(known),
        )
    return replace(found, sources=explorer.sources(workspace))


def page(workspace: Workspace, wanted: Search, number: int, size: int) -> PairsPage:
    """Page `number` (from 1, brought into range) of `size` pairs that match.

    Raises:
        WrongInputError: something cannot be searched for.
    """
    found = explorer.find(workspace, wanted)
    last = max(1, -(-len(found.numbers) // size))
    inside = min(max(1, number), last)
    ids = found.ids((inside - 1) * size, inside * size)
    with workspace.ledger.read() as db:
        shown = pairs.views(db, ids)
        cast = _by_pair(votes.effective(db, pair_ids=ids))
        winners = _winners(labels.of_pairs(db, pair_ids=ids))
    lines = [_line(view, cast.get(view.pair.id, []), winners) for view in shown]
    return PairsPage(lines=lines, total=len(found.numbers), page=inside, pages=last)


def content(workspace: Workspace, item: Media) -> bytes | None:
    """The bytes of a picture or video, or None when the store has lost them."""
    try:
        return workspace.media.read(item.id)
    except NotFoundError:
        return None


def _failures(known: Sequence[Batch]) -> list[str]:
    """The kinds of failure that the rubrics of these batches ask for."""
    asked = [rubrics.of(batch.rubric) for batch in known]
    kinds = (kind.key for rubric in asked if rubric for kind in rubric.failure_kinds)
    return list(dict.fromkeys(kinds))


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
