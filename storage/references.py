"""Reference answers: what is right for a prompt, where that is known.

Kept as responses whose source is `reference`. They never become an answer that somebody compares.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import responses, tables
from storage.errors import WrongInputError
from storage.rows import Source

KIND = "reference"
LONGEST = 20_000
# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000


def add(tx: Connection, prompt_id: str, text: str, name: str) -> bool:
    """Record what is right for a prompt; True when it was not known.

    Args:
        name: of the file that says so.

    Raises:
        WrongInputError: the text is empty or too long.
    """
    if not text.strip() or len(text) > LONGEST:
        raise WrongInputError(
            f"A reference of {len(text):,} characters cannot be kept.",
            f"Write 1 to {LONGEST:,} characters.",
        )
    answer = responses.build(prompt_id, text)
    known = text in of_prompts(tx, [prompt_id]).get(prompt_id, ())
    responses.add(tx, answer, Source(KIND, name))
    return not known


def of_prompts(db: Connection, prompt_ids: Sequence[str]) -> dict[str, list[str]]:
    """Prompt -> its references; prompts without any are not in."""
    answer, origin = tables.responses, tables.response_sources
    query = (
        select(answer.c.prompt_id, answer.c.text)
        .join(origin, origin.c.response_id == answer.c.id)
        .where(origin.c.kind == KIND)
        .order_by(answer.c.prompt_id, answer.c.id)
        .distinct()
    )
    found: dict[str, list[str]] = {}
    for start in range(0, len(prompt_ids), _CHUNK):
        chunk = list(prompt_ids[start : start + _CHUNK])
        for prompt_id, text in db.execute(query.where(answer.c.prompt_id.in_(chunk))):
            found.setdefault(prompt_id, []).append(text)
    return found
