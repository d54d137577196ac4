"""Gold pairs of a batch: pairs whose better answer is known beyond doubt, to check annotators with.

Only what can be decided objectively makes a good gold pair, such as an answer that miscounts or
contradicts the picture. Gold pairs get no normal votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import labels, standing, tables
from storage.errors import WrongInputError

_within = tables.batch_pairs


@dataclass(frozen=True)
class Marked:
    """What marking gold pairs did, in pairs.

    Attributes:
        gold: gold pairs of the batch now.
        conflicting: left out, because labels name both answers.
        other_category: left out, because the prompt is of none of the wanted categories.
    """

    gold: int
    conflicting: int
    other_category: int


def mark(tx: Connection, batch_id: str, labeled_by: str, categories: Sequence[str] = ()) -> Marked:
    """Make those pairs of a batch its gold pairs that have an imported label of `labeled_by`, in
    place of the ones before; with `categories`, only of prompts in one of them.

    Raises:
        WrongInputError: fewer are found than the batch's qualification round wants.
    """
    winners: dict[str, set[str]] = {}
    for label in labels.of_pairs(tx, batch_id, labeled_by):
        winners.setdefault(label.pair_id, set()).add(label.winner)
    one_sided = {pair_id: found for pair_id, found in winners.items() if len(found) == 1}
    wanted = _in_categories(tx, batch_id, categories) if categories else one_sided.keys()
    kept = {pair_id: min(found) for pair_id, found in one_sided.items() if pair_id in wanted}
    _check_enough(tx, batch_id, len(kept))
    of_batch = _within.update().where(_within.c.batch_id == batch_id)
    tx.execute(of_batch.values(gold=None))
    for pair_id, winner in kept.items():
        tx.execute(of_batch.where(_within.c.pair_id == pair_id).values(gold=winner))
    standing.derive(tx, batch_id)
    return Marked(len(kept), len(winners) - len(one_sided), len(one_sided) - len(kept))


def winners(db: Connection, batch_id: str) -> dict[str, str]:
    """Gold pair -> the answer that is right, `a` or `b`."""
    query = select(_within.c.pair_id, _within.c.gold).where(
        _within.c.batch_id == batch_id, _within.c.gold.is_not(None)
    )
    return {row.pair_id: row.gold for row in db.execute(query)}


def _check_enough(db: Connection, batch_id: str, found: int) -> None:
    asked = select(tables.batches.c.qualification_pairs).where(tables.batches.c.id == batch_id)
    wanted = db.execute(asked).scalar() or 0
    if found < wanted:
        raise WrongInputError(
            f"These labels make {found} gold pairs, and the qualification round wants {wanted}.",
            "Ask for fewer first: `pairwright batch qualification NAME --pairs N`.",
        )


def _in_categories(db: Connection, batch_id: str, categories: Sequence[str]) -> set[str]:
    pair, prompt = tables.pairs, tables.prompts
    query = (
        select(_within.c.pair_id)
        .join(pair, pair.c.id == _within.c.pair_id)
        .join(prompt, prompt.c.id == pair.c.prompt_id)
        .where(_within.c.batch_id == batch_id, prompt.c.category.in_(list(categories)))
    )
    return set(db.execute(query).scalars())
