"""How comparisons enter the ledger: prompt, media, answers, pair, and a place in the batch.

A long import commits in short slices, so that votes do not wait behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import select

from storage import batches, inserts, media, pairs, prompts, responses, tables
from storage.ledger import Connection, Ledger
from storage.rows import Batch, Media, Pair, Prompt, Source

# well under the 50 ms for which a vote may wait, because the commit itself takes time too
SLICE_SECONDS = 0.03

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Comparison:
    """Two answers to one prompt, checked and ready to be recorded.

    Attributes:
        line: where it stands in its file.
        media: what the prompt shows.
        answers: two different texts.
        source: where both answers come from, or a source for each.
        models: what gave the answers, as the file says; empty when it does not.
    """

    line: int
    record_id: str
    prompt: Prompt
    media: tuple[Media, ...]
    answers: tuple[str, str]
    source: Source | tuple[Source, Source]
    models: tuple[str, str] = ("", "")

    @property
    def sources(self) -> tuple[Source, Source]:
        """Where each answer comes from."""
        if isinstance(self.source, Source):
            return (self.source, self.source)
        return self.source

    @property
    def pair(self) -> Pair:
        first, second = (responses.build(self.prompt.id, text) for text in self.answers)
        return pairs.build(first, second)

    @property
    def first(self) -> str:
        """`a` or `b`: which canonical response the first answer is."""
        first = responses.build(self.prompt.id, self.answers[0])
        return "a" if self.pair.response_a == first.id else "b"


def add(tx: Connection, batch_id: str, comparison: Comparison) -> bool:
    """Record a comparison in a batch; True when the pair was not yet in the batch."""
    for row in comparison.media:
        media.add(tx, row)
    prompts.add(tx, comparison.prompt)
    told = zip(comparison.answers, comparison.models, comparison.sources, strict=True)
    for text, model, source in told:
        given_by = replace(source, sampling={"model": model}) if model else source
        responses.add(tx, responses.build(comparison.prompt.id, text), given_by)
    pair = comparison.pair
    pairs.add(tx, pair)
    return batches.add_pair(tx, batch_id, pair.id)


def category_of(db: Connection, prompt_id: str) -> str | None:
    """The recorded category of a prompt, None when the prompt is new."""
    table = tables.prompts
    query = select(table.c.category).where(table.c.id == prompt_id)
    category: str | None = db.execute(query).scalar_one_or_none()
    return category


def find_or_create_batch(tx: Connection, name: str, overlap: int | None = None) -> Batch:
    """The batch with this name, made when missing. A given overlap is set on it either way."""
    batch = batches.find(tx, name)
    if batch is None:
        return batches.create(tx, name, overlap=overlap or 1)
    if overlap is None or overlap == batch.overlap:
        return batch
    return batches.update(tx, batch.id, overlap=overlap)


def write_in_slices(
    ledger: Ledger, items: Sequence[T], write: Callable[[Connection, T], R]
) -> list[R]:
    """Write items in order, in as many transactions as keep each one short; return the results."""
    results: list[R] = []
    while len(results) < len(items):
        written: list[R] = []
        with ledger.write() as tx:
            # two imports of the same rows in another order would wait for each other for ever
            inserts.wait_for_turn(tx, inserts.IMPORTING)
            until = time.monotonic() + SLICE_SECONDS
            for item in items[len(results) :]:
                written.append(write(tx, item))
                if time.monotonic() >= until:
                    break
        results += written
    return results
