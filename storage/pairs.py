"""Pairs: two responses to one prompt in canonical orientation, and pages of them to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select
from sqlalchemy.engine import Connection

from storage import (
    clock,
    excluded_pairs,
    identity,
    pair_filters,
    pair_tags,
    prompts,
    tables,
)
from storage.errors import NotFoundError, WrongInputError
from storage.inserts import add_if_absent
from storage.pair_filters import PairFilter as PairFilter
from storage.rows import Pair, PairView, Response

# SQLite takes a limited number of parameters in one statement
_CHUNK = 500

_answer_a = tables.responses.alias("answer_a")
_answer_b = tables.responses.alias("answer_b")


def build(response_x: Response, response_y: Response) -> Pair:
    """The pair of two responses to one prompt."""
    return identity.pair_of(response_x.prompt_id, response_x.id, response_y.id)


def add(tx: Connection, pair: Pair) -> bool:
    """Record a pair whose prompt and responses are recorded; True when it was new."""
    return add_if_absent(tx, tables.pairs, {**vars(pair), "created_at": clock.now(tx)})


def view(db: Connection, pair_id: str) -> PairView:
    """One pair with everything needed to show it.

    Raises:
        NotFoundError: no pair has this id.
    """
    return views(db, [pair_id])[0]


def views(db: Connection, pair_ids: Sequence[str]) -> list[PairView]:
    """Pairs with everything needed to show them, in the order asked for.

    Raises:
        NotFoundError: one of the ids is no pair.
    """
    found: dict[str, PairView] = {}
    for start in range(0, len(pair_ids), _CHUNK):
        chunk = pair_ids[start : start + _CHUNK]
        found.update((row.id, _view(row)) for row in db.execute(_BY_IDS, {"ids": chunk}))
    missing = [pair_id for pair_id in pair_ids if pair_id not in found]
    if missing:
        raise NotFoundError(
            f"No pair has the id {missing[0][:80]!r}.", "Pairs come in with `pairwright import`."
        )
    return [found[pair_id] for pair_id in pair_ids]


def check_known(db: Connection, pair_ids: Sequence[str]) -> None:
    """Refuse ids of pairs that are not recorded.

    Raises:
        NotFoundError: one of the ids is no pair.
    """
    table = tables.pairs
    for start in range(0, len(pair_ids), _CHUNK):
        chunk = list(pair_ids[start : start + _CHUNK])
        there = set(db.execute(select(table.c.id).where(table.c.id.in_(chunk))).scalars())
        missing = next((one for one in chunk if one not in there), None)
        if missing is not None:
            raise NotFoundError(
                f"No pair has the id {missing[:80]!r}.", "`pairwright pair list` has whole ids."
            )


def ids_of_prompt(db: Connection, prompt_id: str) -> list[str]:
    """The pairs that were made of one prompt, oldest first."""
    table = tables.pairs
    query = select(table.c.id).where(table.c.prompt_id == prompt_id)
    return list(db.execute(query.order_by(table.c.created_at, table.c.id)).scalars())


def page(db: Connection, chosen: PairFilter, limit: int, offset: int = 0) -> list[PairView]:
    """Up to `limit` pairs that match, after skipping `offset`: by position in the batch when a
    batch is given, else oldest first.

    Raises:
        WrongInputError: the filter, limit or offset cannot be used.
    """
    if limit < 0 or offset < 0:
        raise WrongInputError(
            f"A page of {limit} pairs from {offset} on does not exist.", "Use 0 or more for both."
        )
    query = _matching(db, _with_content(), chosen)
    oldest_first = (tables.pairs.c.created_at, tables.pairs.c.id)
    query = query.order_by(*((tables.batch_pairs.c.position,) if chosen.batch else oldest_first))
    return [_view(row) for row in db.execute(query.limit(limit).offset(offset))]


def count(db: Connection, chosen: PairFilter) -> int:
    """Number of pairs that match.

    Raises:
        WrongInputError: the filter cannot be used.
    """
    if chosen == PairFilter():
        return int(db.execute(select(func.count()).select_from(tables.pairs)).scalar_one())
    matching = _matching(db, _with_content(), chosen).subquery()
    return int(db.execute(select(func.count()).select_from(matching)).scalar_one())


def _with_content() -> Select[Any]:
    pair, prompt = tables.pairs, tables.prompts
    joined = (
        pair.join(prompt, prompt.c.id == pair.c.prompt_id)
        .join(_answer_a, _answer_a.c.id == pair.c.response_a)
        .join(_answer_b, _answer_b.c.id == pair.c.response_b)
    )
    return select(
        pair.c.id,
        pair.c.prompt_id,
        pair.c.response_a,
        pair.c.response_b,
        prompt.c.category,
        prompt.c.messages,
        _answer_a.c.text.label("text_a"),
        _answer_b.c.text.label("text_b"),
    ).select_from(joined)


# built once: building it for every vote costs more than running it
_BY_IDS = _with_content().where(tables.pairs.c.id.in_(bindparam("ids", expanding=True)))


def _view(row: Any) -> PairView:
    return PairView(
        pair=Pair(row.id, row.prompt_id, row.response_a, row.response_b),
        prompt=prompts.from_row(row.prompt_id, row.category, row.messages),
        text_a=row.text_a,
        text_b=row.text_b,
    )


def _matching(db: Connection, query: Select[Any], chosen: PairFilter) -> Select[Any]:
    chosen.check()
    if chosen.batch:
        within, batch = tables.batch_pairs, tables.batches
        query = query.join(within, within.c.pair_id == tables.pairs.c.id)
        query = query.join(batch, batch.c.id == within.c.batch_id).where(
            batch.c.name == chosen.batch
        )
    if chosen.category:
        query = query.where(tables.prompts.c.category == chosen.category)
    if chosen.text:
        query = query.where(_contains(chosen.text))
    if chosen.source:
        query = query.where(pair_filters.from_source(chosen.source))
    if chosen.report:
        found = pair_filters.reported(db, chosen.report)
        query = query.where(tables.pairs.c.id.in_(found))
    if chosen.asks_for_votes:
        query = query.where(tables.pairs.c.id.in_(pair_filters.voted_on(chosen)))
    return query.where(*_marked(db, chosen))


def _marked(db: Connection, chosen: PairFilter) -> list[ColumnElement[bool]]:
    """What leads and rounds put on pairs, and the days on which they came in."""
    pair_id = tables.pairs.c.id
    conditions = [pair_filters.added(chosen)] if chosen.asks_for_days else []
    if chosen.tag:
        conditions.append(pair_id.in_(pair_tags.with_tag(chosen.tag)))
    if chosen.left_out:
        is_out = pair_id.in_(excluded_pairs.left_out())
        conditions.append(is_out if chosen.left_out == pair_filters.YES else ~is_out)
    if chosen.round:
        conditions.append(pair_id.in_(pair_filters.in_round(db, chosen.round)))
    return conditions


def _contains(text: str) -> ColumnElement[bool]:
    columns = (tables.prompts.c.text, _answer_a.c.text, _answer_b.c.text)
    return or_(*(column.icontains(text, autoescape=True) for column in columns))
