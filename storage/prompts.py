"""Prompts: messages with their media and a category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, identity, tables
from storage.categories import UNCATEGORIZED
from storage.categories import check as check_category
from storage.errors import NotFoundError
from storage.inserts import add_if_absent
from storage.rows import Part, Prompt, Turn


def build(turns: Sequence[Turn], category: str = UNCATEGORIZED) -> Prompt:
    """A prompt with its id. Empty texts vanish and neighbouring texts join, so that one prompt has
    one spelling.

    Raises:
        WrongInputError: the category is empty, longer than 100 characters or not one line.
    """
    check_category(category)
    joined = tuple(Turn(turn.role, _joined(turn.parts)) for turn in turns)
    return Prompt(id=identity.prompt_id(joined), category=category, turns=joined)


def add(tx: Connection, prompt: Prompt) -> bool:
    """Record a prompt whose media are recorded; True when it was new.

    A prompt that is there keeps its category.
    """
    row = {
        "id": prompt.id,
        "category": prompt.category,
        "messages": identity.messages_of(prompt.turns),
        "text": words(prompt),
        "created_at": clock.now(tx),
    }
    if not add_if_absent(tx, tables.prompts, row):
        return False
    for position, media_id in enumerate(prompt.media):
        tx.execute(
            tables.prompt_media.insert().values(
                prompt_id=prompt.id, position=position, media_id=media_id
            )
        )
    return True


def get(db: Connection, prompt_id: str) -> Prompt:
    """The prompt with this id.

    Raises:
        NotFoundError: there is none.
    """
    table = tables.prompts
    row = db.execute(select(table).where(table.c.id == prompt_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No prompt has the id {prompt_id[:80]!r}.", "Prompts come in with `pairwright import`."
        )
    return from_row(row.id, row.category, row.messages)


def categories(db: Connection) -> list[str]:
    """The categories in use, in alphabetical order."""
    column = tables.prompts.c.category
    found: list[str] = []
    # one look into the index for each: reading it from end to end takes long with a million prompts
    query = select(func.min(column))
    while (category := db.execute(query).scalar_one()) is not None:
        found.append(category)
        query = select(func.min(column)).where(column > category)
    return found


def words(prompt: Prompt) -> str:
    """The text of all turns, one line per part."""
    return "\n".join(part.text for turn in prompt.turns for part in turn.parts if part.text)


def from_row(prompt_id: str, category: str, messages: Sequence[dict[str, Any]]) -> Prompt:
    """A prompt from the columns of the ledger."""
    turns = tuple(
        Turn(message["role"], tuple(Part(**part) for part in message["parts"]))
        for message in messages
    )
    return Prompt(id=prompt_id, category=category, turns=turns)


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    joined: list[Part] = []
    for part in parts:
        if part.type != "text":
            joined.append(part)
        elif part.text and joined and joined[-1].type == "text":
            joined[-1] = Part("text", text=joined[-1].text + part.text)
        elif part.text:
            joined.append(part)
    return tuple(joined)
