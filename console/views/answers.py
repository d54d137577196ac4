"""One prompt of the Diff page in full: what was answered to it, and how its pairs were rated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.views import diff, wording
from console.views.diff import Comparison
from storage import generations, media, pairs, scores
from storage.errors import NotFoundError
from storage.rows import Media, Turn
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class AnswerLine:
    """One answer that was drawn to the prompt."""

    source: str
    answer: str
    temperature: str
    job: str
    when: str


@dataclass(frozen=True)
class RewardLine:
    """How one source rated a pair of the prompt."""

    source: str
    pair: str
    chosen: str
    rejected: str
    margin: str
    beta: str
    reference: str
    measured_on: str


@dataclass(frozen=True)
class PromptDetail:
    """One prompt with everything that was answered to it."""

    id: str
    category: str
    turns: Sequence[Turn]
    media: Mapping[str, Media]
    left: str
    right: str
    difference: str
    answers: Sequence[AnswerLine]
    rewards: Sequence[RewardLine]

    @property
    def names(self) -> dict[str, str]:
        """What each picture and video is called on the page."""
        numbered = enumerate(self.media.values(), start=1)
        return {item.id: f"{item.kind} {number}" for number, item in numbered}


def detail(workspace: Workspace, compared: Comparison, prompt_id: str) -> PromptDetail:
    """One prompt: what both answered, and everybody else.

    Raises:
        NotFoundError: the two have not both answered this prompt.
    """
    found = next((one for one in compared.asked if one.prompt_id == prompt_id), None)
    if found is None:
        raise NotFoundError(
            f"{compared.left.name} and {compared.right.name} have not both answered the prompt "
            f"{prompt_id[:80]!r}.",
            "Choose another prompt or other checkpoints.",
        )
    names = {one.id: one.name for one in diff.sources(workspace)}
    with workspace.ledger.read() as db:
        prompt = diff.recorded(db, prompt_id)
        shown = {item: media.get(db, item) for item in prompt.media} if prompt else {}
        pair_ids = pairs.ids_of_prompt(db, prompt_id)
    rated = scores.of_pairs(workspace, pair_ids)
    return PromptDetail(
        id=prompt_id,
        category=found.category,
        turns=prompt.turns if prompt else (),
        media=shown,
        left=found.left,
        right=found.right,
        difference=diff.difference(found.left, found.right),
        answers=_answers(generations.answers_to(workspace, prompt_id), names),
        rewards=rewards(rated, {one.id: one.name for one in (compared.left, compared.right)}),
    )


def _answers(frame: polars.DataFrame, names: Mapping[str, str]) -> list[AnswerLine]:
    return [
        AnswerLine(
            source=names.get(row["checkpoint"], row["checkpoint"]),
            answer=row["text"],
            temperature=f"{row['temperature']:g}",
            job=row["job"],
            when=wording.stamp(row["at"]),
        )
        for row in frame.iter_rows(named=True)
    ]


def rewards(frame: polars.DataFrame, names: Mapping[str, str]) -> list[RewardLine]:
    """How each of these (id -> name) rated pairs; `frame` is what `scores.of_pairs` found."""
    found = []
    for source, name in names.items() if not frame.is_empty() else ():
        # the same pair may be measured several times with the same result
        seen: set[tuple[str, str]] = set()
        for row in frame.filter(frame["checkpoint"] == source).iter_rows(named=True):
            place = (row["pair_id"], row["dataset_version"])
            if place not in seen:
                seen.add(place)
                found.append(_reward(name, row))
    return found


def _reward(name: str, row: Mapping[str, object]) -> RewardLine:
    def number(key: str) -> float:
        return float(str(row[key]))

    chosen = number("beta") * (number("chosen_logp") - number("reference_chosen_logp"))
    rejected = number("beta") * (number("rejected_logp") - number("reference_rejected_logp"))
    return RewardLine(
        source=name,
        pair=str(row["pair_id"])[:12],
        chosen=wording.decimal(chosen),
        rejected=wording.decimal(rejected),
        margin=wording.decimal(chosen - rejected),
        beta=f"{number('beta'):g}",
        reference=str(row["reference"]),
        measured_on=f"{row['dataset_version']} {row['row_split']}",
    )
