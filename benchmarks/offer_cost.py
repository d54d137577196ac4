"""What an offer costs somebody who has judged thousands of pairs and is ahead of everybody.

10,000 of a batch of 20,000 are done, with one vote of two each, so that all of them still have
room: an offer has to pass over them. Processor time, which hardly depends on who else is busy.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from storage import (
    annotators,
    assignments,
    batches,
    clock,
    had_groups,
    identity,
    pairs,
    prompts,
    responses,
    standing,
    tables,
    workspace,
)
from storage.ledger import Connection
from storage.rows import Annotator, Batch, Part, Source, Turn

PAIRS, DONE, OFFERS = 20_000, 10_000, 50
BAR_MS = 3.0

Row = Mapping[str, Any]


def run(home: Path, share: float = 1.0) -> dict[str, Any]:
    """Median and maximum of `OFFERS` offers, and of the progress that goes with every answer."""
    made = workspace.create(home)
    size, done = round(PAIRS * share), round(DONE * share)
    with made.ledger.write() as tx:
        batch = batches.create(tx, "large", overlap=2)
        ahead = annotators.get_or_create(tx, "Ahead")
        ids = _fill(tx, batch, size)
        _judge(tx, batch, ahead, ids[:done])
        offers = [_spent(lambda n=n: _offer(tx, batch, ahead, n)) for n in range(OFFERS)]
    with made.ledger.read() as db:
        drawn = [
            _spent(lambda: assignments.progress(db, batch.id, ahead.id)) for _ in range(OFFERS)
        ]
    made.close()
    return {
        "measure": "processor time of an offer, ms",
        "pairs": size,
        "done": done,
        "bar": {"median_ms": BAR_MS},
        "offer": _summary(offers),
        "progress": _summary(drawn),
        "met": statistics.median(offers) < BAR_MS,
    }


def _fill(tx: Connection, batch: Batch, count: int) -> list[str]:
    """So many pairs of one prompt; their ids by position."""
    prompt = prompts.build([Turn("user", (Part("text", "Which is better?"),))], "counting")
    prompts.add(tx, prompt)
    both = [responses.build(prompt.id, text) for text in ("one", "other")]
    for each in both:
        responses.add(tx, each, Source("file", "made.jsonl"))
    pair = vars(pairs.build(*both)) | {"created_at": clock.now(tx)}
    ids = [hashlib.sha256(f"pair {number}".encode()).hexdigest() for number in range(count)]
    positions = {each: identity.batch_position(batch.id, each) for each in ids}
    tx.execute(tables.pairs.insert(), [{**pair, "id": each} for each in ids])
    within = [{"batch_id": batch.id, "pair_id": i, "position": positions[i]} for i in ids]
    tx.execute(tables.batch_pairs.insert(), within)
    standing.derive(tx, batch.id)
    return sorted(ids, key=positions.__getitem__)


def _judge(tx: Connection, batch: Batch, person: Annotator, ids: Sequence[str]) -> None:
    """What offers and votes would have written: every twentieth is a skip."""
    tx.execute(tables.assignments.insert(), list(_assigned(batch, person, ids)))
    change = "UPDATE batch_pairs SET votes = ?, votes_a = ?, had = ? WHERE pair_id = ?"
    mark = had_groups.mark(person.id)
    counted = [(int(n % 20 != 0), int(n % 20 != 0), mark, each) for n, each in enumerate(ids)]
    tx.exec_driver_sql(change, counted)
    standing.derive(tx, batch.id)


def _assigned(batch: Batch, person: Annotator, ids: Sequence[str]) -> Iterator[Row]:
    for number, each in enumerate(ids, start=1):
        yield {
            **{"id": each[:32], "batch_id": batch.id, "pair_id": each, "annotator_id": person.id},
            **{"kind": "normal", "left": "a", "sequence": number, "offered_at": number},
            **{"leased_until": number, "answered_at": number},
        }


def _offer(tx: Connection, batch: Batch, person: Annotator, number: int) -> None:
    now = clock.now(tx)
    offered = assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=person.id,
        new_id=f"offer {number}",
        left="a",
        now=now,
        leased_until=now + 900 * clock.SECOND,
    )
    assert offered is not None


def _spent(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def _summary(milliseconds: Sequence[float]) -> dict[str, float]:
    median = round(statistics.median(milliseconds), 2)
    return {"n": len(milliseconds), "median_ms": median, "max_ms": round(max(milliseconds), 2)}
