"""What the Pairs page lists: a page of pairs that match, and what the filters offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.views import wording
from labeling import consensus, explorer, rubrics
from labeling.consensus import Consensus, ConsensusPolicy
from labeling.explorer import Cursor, Search
from storage import (
    annotators,
    batches,
    browser_sizes,
    excluded_pairs,
    labels,
    pair_tags,
    pairs,
    prompts,
    round_log,
    votes,
)
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.rows import Batch, EffectiveVote, ImportedLabel, Media, PairView, Turn, Verdict
from storage.workspace import Workspace

PAGE_SIZES = (25, 50)
EXCLUDED = "excluded"
# pairs that are read at a time
_SLICE = 500

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
    tags: Sequence[str]
    rounds: Sequence[str]


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
    tags: Sequence[str]


@dataclass(frozen=True)
class PairsPage:
    """One page. `total` counts all that match; `has_before` and `has_after` say whether some of
    them are on other pages."""

    lines: Sequence[PairLine]
    first: int
    total: int
    has_before: bool
    has_after: bool

    @property
    def position(self) -> str:
        """`Pairs 26 to 50 of 2,000`."""
        if not self.lines:
            return f"No more pairs of {self.total:,}" if self.total else "No pairs"
        last = self.first + len(self.lines) - 1
        return f"Pairs {self.first:,} to {last:,} of {self.total:,}"


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
            tags=list(pair_tags.counts(db)),
            rounds=[str(one.number) for one in round_log.listed(db)],
        )
    return replace(found, sources=explorer.sources(workspace))


def page(workspace: Workspace, wanted: Search, cursor: Cursor, size: int) -> PairsPage:
    """Up to `size` pairs that match, where the cursor points to.

    Raises:
        WrongInputError: something cannot be searched for, or the cursor points nowhere.
    """
    found = explorer.find(workspace, wanted).at(cursor, size)
    ids = found.ids
    with workspace.ledger.read() as db:
        lines = [
            line
            for start in range(0, len(ids), _SLICE)
            for line in _lines(db, ids[start:][:_SLICE])
        ]
    return PairsPage(lines, found.first, found.total, found.has_before, found.has_after)


def matching(workspace: Workspace, wanted: Search) -> list[str]:
    """The ids of all pairs that match.

    Raises:
        WrongInputError: something cannot be searched for.
    """
    found = explorer.find(workspace, wanted)
    return found.ids(0, len(found.numbers))


def content(workspace: Workspace, item: Media) -> bytes | None:
    """The bytes of a picture or video, of a large picture its browser size; None when the store has
    lost them."""
    try:
        return browser_sizes.shown(workspace.media, item) or workspace.media.read(item.id)
    except NotFoundError:
        return None


def _failures(known: Sequence[Batch]) -> list[str]:
    """The kinds of failure that the rubrics of these batches ask for."""
    asked = [rubrics.of(batch.rubric) for batch in known]
    kinds = (kind.key for rubric in asked if rubric for kind in rubric.failure_kinds)
    return list(dict.fromkeys(kinds))


def _lines(db: Connection, ids: Sequence[str]) -> list[PairLine]:
    shown = pairs.views(db, ids)
    cast = _by_pair(votes.effective(db, pair_ids=ids))
    winners = _winners(labels.of_pairs(db, pair_ids=ids))
    tags = pair_tags.of_pairs(db, ids)
    left_out = excluded_pairs.reasons(db, ids)
    return [
        _line(
            view,
            cast.get(view.pair.id, []),
            winners.get(view.pair.id, ()),
            tags.get(view.pair.id, ()),
            is_out=view.pair.id in left_out,
        )
        for view in shown
    ]


def _line(
    view: PairView,
    cast: list[EffectiveVote],
    winners: Sequence[str],
    tags: Sequence[str],
    *,
    is_out: bool,
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
        consensus=EXCLUDED if is_out else _short(settled),
        imported=" and ".join(winner.upper() for winner in winners),
        tags=list(tags),
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
