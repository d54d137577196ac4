"""What two checkpoints, or a checkpoint and its model, answered to the same prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.views import pairs as pair_views
from console.views import wording, words
from storage import checkpoints, generations, identity, prompts
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.rows import Prompt
from storage.workspace import Workspace

GREEDY = "greedy"
ALL = "all"


@dataclass(frozen=True)
class Source:
    """Something that has answered prompts: `name` for people, `id` as its answers name it."""

    name: str
    id: str
    prompts: int


@dataclass(frozen=True)
class Asked:
    """A prompt that both have answered.

    Attributes:
        left, right: the answers.
        changed: they do not read the same; whitespace does not count.
        greedy: both were drawn at temperature 0, so that no chance is in the difference.
    """

    prompt_id: str
    category: str
    left: str
    right: str
    changed: bool
    greedy: bool


@dataclass(frozen=True)
class Line:
    """A row of the list. `outcome`: what became of the answer, empty where nobody asked."""

    id: str
    outcome: str
    prompt: str
    category: str
    left: str
    right: str


@dataclass(frozen=True)
class Comparison:
    """Two sources side by side.

    Attributes:
        asked: the prompts that both answered, by id: an order without meaning.
        only_left, only_right: prompts that one alone has answered; they are in no count.
    """

    left: Source
    right: Source
    asked: Sequence[Asked]
    only_left: int
    only_right: int

    @property
    def greedy(self) -> int:
        return sum(one.greedy for one in self.asked)

    def chosen(
        self, *, answers: str = ALL, category: str = "", changed: bool = False
    ) -> list[Asked]:
        """The prompts that match. `answers` is GREEDY or ALL."""
        return [
            one
            for one in self.asked
            if one.greedy or answers != GREEDY
            if not category or one.category == category
            if one.changed or not changed
        ]


def sources(workspace: Workspace) -> list[Source]:
    """Who has answered prompts: bare models first, then checkpoints, the oldest first."""
    answered = generations.sources(workspace)
    with workspace.ledger.read() as db:
        known = checkpoints.listed(db)[::-1]
    named = [Source(row.name, row.id, answered[row.id]) for row in known if row.id in answered]
    ids = {one.id for one in named}
    bare = [Source(name, name, count) for name, count in answered.items() if name not in ids]
    return [*bare, *named]


def find(known: Sequence[Source], name: str) -> Source:
    """The source with this name or id.

    Raises:
        NotFoundError: it has answered no prompts.
    """
    for one in known:
        if name in (one.name, one.id):
            return one
    names = ", ".join(one.name for one in known)
    raise NotFoundError(
        f"{name[:80]!r} has answered no prompts.",
        f"Let it: pairwright sample --prompts FILE --from {name[:80]} --set answers=1 "
        f"--set temperature=0. There are answers of {names or 'nobody yet'}.",
    )


def compare(workspace: Workspace, left: Source, right: Source) -> Comparison:
    """The prompts that both answered, one answer each."""
    one, other = (generations.of_source(workspace, source.id) for source in (left, right))
    both = one.join(other, on="prompt_id", suffix="_right").sort("prompt_id")
    return Comparison(
        left=left,
        right=right,
        asked=[_asked(row) for row in both.iter_rows(named=True)],
        only_left=len(one) - len(both),
        only_right=len(other) - len(both),
    )


def lines(workspace: Workspace, asked: Sequence[Asked], outcomes: Mapping[str, str]) -> list[Line]:
    """The rows of a page, with the words of their prompts; `outcomes` by prompt."""
    found = []
    with workspace.ledger.read() as db:
        for one in asked:
            found.append(
                Line(
                    id=one.prompt_id,
                    outcome=outcomes.get(one.prompt_id, ""),
                    prompt=wording.excerpt(question(db, one.prompt_id)),
                    category=one.category,
                    left=wording.excerpt(one.left, 90),
                    right=wording.excerpt(one.right, 90),
                )
            )
    return found


def question(db: Connection, prompt_id: str) -> str:
    """The words of a prompt's last user turn; empty when the prompt is not in the ledger."""
    prompt = recorded(db, prompt_id)
    return pair_views.question(prompt.turns) if prompt else ""


def difference(left: str, right: str) -> str:
    """The word difference in marks, or a sentence when there is none."""
    if identity.same_answer(left, right):
        return "The answers read the same."
    return words.marked(words.compare(left, right))


def _asked(row: Mapping[str, object]) -> Asked:
    left, right = str(row["text"]), str(row["text_right"])
    return Asked(
        prompt_id=str(row["prompt_id"]),
        category=str(row["category"]),
        left=left,
        right=right,
        changed=not identity.same_answer(left, right),
        greedy=row["temperature"] == 0 and row["temperature_right"] == 0,
    )


def recorded(db: Connection, prompt_id: str) -> Prompt | None:
    """The prompt, None when the ledger does not have it."""
    try:
        return prompts.get(db, prompt_id)
    except NotFoundError:
        return None
