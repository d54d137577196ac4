"""The audit set: pairs drawn once and kept from every training, to measure all rounds alike.

A draw is an event, and so is its release. What shows the same picture as a pair of the set, or asks
the same where there is no picture, is kept from training with it: else the set would measure
memory, not skill.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.engine import Connection

from storage import inserts, numbered, prompts, tables
from storage.dataset_split import media_key, sharing_keys
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import PairView

IN_THE_SET = "kept for the audit set"
SHARES_WITH_THE_SET = "shares a picture or question with the audit set"
NOT_IN_THE_SET = "not in the audit set"
_CHUNK = 500


@dataclass(frozen=True)
class AuditDraw:
    """One draw.

    Attributes:
        number: of the event.
        pairs: how many were drawn.
        batch: name of the batch that they were drawn from, empty for every batch.
        released: the draw was taken back: its pairs may train.
        created_at: microseconds.
    """

    number: int
    pairs: int
    batch: str
    seed: int
    actor: str
    reason: str
    released: bool
    created_at: int


@dataclass(frozen=True)
class AuditSet:
    """What is kept from training now: the pairs, and the keys that other pairs share with them."""

    pairs: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def bars(self, view: PairView) -> str:
        """Why a pair can be neither trained on nor chosen; empty when it can."""
        if view.pair.id in self.pairs:
            return IN_THE_SET
        shared = not self.keys.isdisjoint(sharing_keys(view.prompt)) if self.keys else False
        return SHARES_WITH_THE_SET if shared else ""


def draw(
    tx: Connection,
    pair_ids: Sequence[str],
    *,
    seed: int,
    actor: str,
    reason: str,
    batch_id: str | None = None,
) -> int:
    """Keep pairs from training; return the number of the draw.

    Raises:
        WrongInputError: no pairs, or the words cannot be kept.
        ConflictError: a pair is in the set already.
    """
    numbered.check_words(actor, reason)
    if not pair_ids:
        raise WrongInputError("No pair was drawn.", "Import or sample pairs first.")
    inserts.wait_for_turn(tx, inserts.DRAWING_AUDITS)
    if there := members(tx).intersection(pair_ids):
        raise ConflictError(
            f"{len(there)} of the {len(pair_ids)} pairs are in the audit set already.",
            "Draw again: `pairwright audit draw`.",
        )
    row = {"releases": None, "batch_id": batch_id, "seed": seed, "actor": actor, "reason": reason}
    number = numbered.append(tx, tables.audit_draws, row)
    rows = [{"draw": number, "pair_id": pair_id} for pair_id in pair_ids]
    tx.execute(tables.audit_pairs.insert(), rows)
    return number


def release(tx: Connection, number: int, *, actor: str, reason: str) -> None:
    """Take a draw back: its pairs may train from now on. What was measured stays as it is.

    Raises:
        NotFoundError: there is no such draw.
        ConflictError: it was released already.
        WrongInputError: the words cannot be kept.
    """
    numbered.check_words(actor, reason)
    inserts.wait_for_turn(tx, inserts.DRAWING_AUDITS)
    known = {one.number: one for one in draws(tx)}
    if number not in known:
        there = ", ".join(map(str, known)) or "none yet"
        raise NotFoundError(f"No draw has the number {number}.", f"Draws: {there}.")
    if known[number].released:
        raise ConflictError(f"Draw {number} was released already.", "Nothing was changed.")
    row = {"releases": number, "batch_id": None, "seed": known[number].seed}
    numbered.append(tx, tables.audit_draws, {**row, "actor": actor, "reason": reason})


def draws(db: Connection) -> list[AuditDraw]:
    """Every draw, the first one first."""
    table, batch, drawn = tables.audit_draws, tables.batches, tables.audit_pairs
    released = table.alias("released")
    size = select(func.count()).where(drawn.c.draw == table.c.number).scalar_subquery()
    names = ("number", "seed", "actor", "reason", "created_at")
    query = (
        select(
            *(table.c[name] for name in names),
            size.label("pairs"),
            func.coalesce(batch.c.name, "").label("batch"),
            released.c.number.is_not(None).label("released"),
        )
        .outerjoin(batch, batch.c.id == table.c.batch_id)
        .outerjoin(released, released.c.releases == table.c.number)
        .where(table.c.releases.is_(None))
        .order_by(table.c.number)
    )
    return [
        AuditDraw(**{**row._mapping, "released": bool(row.released)}) for row in db.execute(query)
    ]


def members(db: Connection) -> set[str]:
    """The pairs of the set."""
    return set(db.execute(_members()).scalars())


def kept(db: Connection) -> AuditSet:
    """What is kept from training now."""
    pair, prompt = tables.pairs, tables.prompts
    query = (
        select(pair.c.id, prompt.c.id.label("prompt_id"), prompt.c.category, prompt.c.messages)
        .join(prompt, prompt.c.id == pair.c.prompt_id)
        .where(pair.c.id.in_(_members()))
    )
    found, keys = set(), set()
    for row in db.execute(query):
        found.add(row.id)
        keys.update(sharing_keys(prompts.from_row(row.prompt_id, row.category, row.messages)))
    return AuditSet(frozenset(found), frozenset(keys))


def barred_prompts(db: Connection, kept: AuditSet, prompt_ids: Collection[str]) -> set[str]:
    """Those of some prompts that share a picture or question with the set.

    What a prompt shows decides where it shows something, so that only the others are read.
    """
    if not kept.keys:
        return set()
    shows, prompt = tables.prompt_media, tables.prompts
    ordered, barred = sorted(prompt_ids), set[str]()
    for start in range(0, len(ordered), _CHUNK):
        some = ordered[start : start + _CHUNK]
        keys: dict[str, list[str]] = {}
        seen = select(shows.c.prompt_id, shows.c.media_id).where(shows.c.prompt_id.in_(some))
        for row in db.execute(seen):
            keys.setdefault(row.prompt_id, []).append(media_key(row.media_id))
        silent = prompt.c.id.in_([one for one in some if one not in keys])
        words = select(prompt.c.id, prompt.c.category, prompt.c.messages).where(silent)
        for asks in db.execute(words):
            keys[asks.id] = sharing_keys(prompts.from_row(asks.id, asks.category, asks.messages))
        barred.update(one for one, found in keys.items() if not kept.keys.isdisjoint(found))
    return barred


def _members() -> Select[Any]:
    drawn, table = tables.audit_pairs, tables.audit_draws
    released = select(table.c.releases).where(table.c.releases.is_not(None))
    return select(drawn.c.pair_id).where(drawn.c.draw.not_in(released))
