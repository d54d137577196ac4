"""One pair of the Pairs page in full: content, votes with their history, scores, its datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.views import answers, diff, pair_events, wording
from console.views.answers import RewardLine
from console.views.pair_events import EventLine, VoteLine
from console.views.pairs import EXCLUDED
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
    pair_actions,
    pair_history,
    pair_tags,
    pairs,
    responses,
    scores,
    votes,
)
from storage.errors import DamagedError
from storage.rows import (
    Checkpoint,
    DatasetVersion,
    ImportedLabel,
    Media,
    Source,
    Turn,
    Verdict,
)
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars


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
        marks: its tags, and why it is excluded; empty without any.
        difference: from answer A to answer B, word by word.
        used: the dataset versions that contain the pair: `v1 (train)`.
    """

    id: str
    category: str
    marks: str
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
        left_out = exclusions.in_force(db, [pair_id])
        past = pair_history.of_pair(db, pair_id)
        actions = pair_actions.of_pair(db, pair_id)
        tags = pair_tags.of_pairs(db, [pair_id]).get(pair_id, [])
        made, versions = checkpoints.listed(db), dataset_versions.listed(db)
    counted = [vote for vote in cast if not left_out.covers(vote)]
    settled = consensus.settle(counted, ConsensusPolicy())
    return PairDetail(
        id=pair_id,
        category=view.prompt.category,
        marks=_marks(tags, left_out.pairs.get(pair_id, "")),
        turns=view.prompt.turns,
        media=shown,
        answers=(
            Answer("A", view.text_a, _standing(settled, Verdict.A), _sources(sources_a)),
            Answer("B", view.text_b, _standing(settled, Verdict.B), _sources(sources_b)),
        ),
        difference=diff.difference(view.text_a, view.text_b),
        votes=pair_events.votes(cast, names, left_out),
        decisions=[pair_events.decided(decision, names) for decision in decided],
        consensus=EXCLUDED if left_out.pairs else outcome(settled, len(counted)),
        imported=[_label(label, names) for label in imported],
        history=pair_events.history(past, actions),
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


def _marks(tags: Sequence[str], reason: str) -> str:
    said = [f"Tags: {', '.join(tags)}"] if tags else []
    return " · ".join([*said, *([f"Excluded: {reason}"] if reason else [])])


def _label(label: ImportedLabel, names: dict[str, str]) -> str:
    record = f", record {label.record_id}" if label.record_id else ""
    batch = names.get(label.batch_id, label.batch_id)
    where = f"{label.source} line {label.line}{record}, batch {batch}"
    return f"Imported label ({label.labeled_by}): {label.winner.upper()} is better. {where}"


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
