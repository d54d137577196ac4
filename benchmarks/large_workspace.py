"""A large workspace for benchmarks: pairs in batches with votes of ten annotators, written in bulk.

The rows are what an import and the bench would have written, ids included; only the many small
transactions are left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from storage import clock, identity, prompts, responses, tables, workspace
from storage.ledger import Connection
from storage.rows import Pair, Part, Turn
from storage.workspace import Workspace

BATCHES = 4
OVERLAP = 3
CATEGORIES = ("counting", "spatial", "hallucination", "negation", "attribute", "reasoning")
WORDS = ("red", "blue", "circle", "square", "left", "above", "three", "nothing", "small", "two")
_SLICE = 20_000

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Large:
    """Draws the rows of a workspace; the same seed gives the same rows."""

    pairs: int
    votes: int
    annotators: int = 10
    seed: int = 7

    def write(self, home: Path) -> Workspace:
        """Make a workspace in `home` and fill it."""
        made = workspace.create(home)
        with made.ledger.write() as tx:
            # ids are hashes: with a small cache every row touches the disk
            tx.exec_driver_sql("PRAGMA cache_size = -1000000")
            # an hour ago, so that a worker would seal it
            now = clock.now(tx) - 3600 * clock.SECOND
            _insert(tx, tables.batches, self._batches(now))
            _insert(tx, tables.annotators, self._people(now))
            found = self._content(tx, now)
            self.add_votes(tx, found, 0, self.votes, now)
        return made

    def add_votes(
        self, tx: Connection, found: Sequence[str], start: int, count: int, now: int
    ) -> None:
        """`count` more votes on pairs (ids, oldest first), after the first `start` of all."""
        draw = random.Random(self.seed)
        chosen = [self._assigned(found, at) for at in range(start, start + count)]
        _insert(tx, tables.assignments, (_assignment(i, who, now) for i, who in chosen))
        events = (_event(f"{i}:{who}", draw, now + at) for at, (i, who) in enumerate(chosen))
        _insert(tx, tables.votes, (event for both in events for event in both))

    def _assigned(self, found: Sequence[str], at: int) -> tuple[tuple[int, str], int]:
        """((number, pair), annotator): round after round over all pairs."""
        turn, number = divmod(at, len(found))
        return (number, found[number]), (number + turn) % self.annotators

    def _people(self, now: int) -> Iterator[Row]:
        for number in range(self.annotators):
            name = f"annotator {number}"
            yield {"id": name, "name": name, "simulated": True, "created_at": now}

    def _batches(self, now: int) -> Iterator[Row]:
        for number in range(BATCHES):
            name = f"batch {number}"
            yield {
                "id": identity.batch_id(name),
                "name": name,
                "overlap": OVERLAP,
                "guidelines": "",
                "rubric": "",
                "both_bad": False,
                "created_at": now + number,
            }

    def _content(self, tx: Connection, now: int) -> list[str]:
        draw = random.Random(self.seed)
        found: list[str] = []
        while len(found) < self.pairs:
            rows: dict[Any, list[Row]] = {table: [] for table in _TABLES}
            for number in range(len(found), min(self.pairs, len(found) + _SLICE)):
                found.append(_pair(number, draw, now + number, rows).id)
            for table in _TABLES:
                _insert(tx, table, iter(rows[table]))
        return found


_TABLES = (
    tables.prompts,
    tables.responses,
    tables.response_sources,
    tables.pairs,
    tables.batch_pairs,
    tables.imported_labels,
)


def _pair(number: int, draw: random.Random, now: int, rows: Mapping[Any, list[Row]]) -> Pair:
    words = " ".join(draw.choices(WORDS, k=12))
    question = f"Question {number}: {words}?"
    prompt = prompts.build([Turn("user", (Part("text", question),))], draw.choice(CATEGORIES))
    answers = [
        responses.build(
            prompt.id, f"Answer {name} of {number}: " + " ".join(draw.choices(WORDS, k=25))
        )
        for name in "xy"
    ]
    pair = identity.pair_of(prompt.id, answers[0].id, answers[1].id)
    batch = identity.batch_id(f"batch {number % BATCHES}")
    at = {"created_at": now}
    messages = identity.messages_of(prompt.turns)
    content = {"category": prompt.category, "messages": messages, "text": question}
    rows[tables.prompts].append({"id": prompt.id, **content, **at})
    source = {"kind": "file", "name": "large.jsonl", "sampling": None}
    for answer in answers:
        rows[tables.responses].append({**vars(answer), **at})
        rows[tables.response_sources].append({"response_id": answer.id, **source, **at})
    rows[tables.pairs].append({**vars(pair), **at})
    position = identity.batch_position(batch, pair.id)
    rows[tables.batch_pairs].append({"batch_id": batch, "pair_id": pair.id, "position": position})
    if number % 5 == 0:
        label = {"pair_id": pair.id, "winner": "a", "labeled_by": "imported", "batch_id": batch}
        place = {"source": "large.jsonl", "line": number + 1, "record_id": ""}
        rows[tables.imported_labels].append({"id": f"label {number}", **label, **place, **at})
    return pair


def _assignment(which: tuple[int, str], who: int, now: int) -> Row:
    number, pair_id = which
    return {
        "id": identity.digest({"assignment": f"{which}:{who}"}),
        "batch_id": identity.batch_id(f"batch {number % BATCHES}"),
        "pair_id": pair_id,
        "annotator_id": f"annotator {who}",
        "kind": "normal",
        "left": "ab"[number % 2],
        "sequence": number + 1,
        "offered_at": now,
        "leased_until": now,
        "answered_at": now,
    }


def _event(which: str, draw: random.Random, at: int) -> Iterator[Row]:
    """A vote; one in a hundred is taken back and cast again."""
    assignment = identity.digest({"assignment": which})
    kinds = ("vote", "undo", "vote") if draw.random() < 0.01 else ("vote",)
    for sequence, kind in enumerate(kinds, start=1):
        verdict = draw.choices(("a", "b", "tie", "skip"), (50, 40, 7, 3))[0]
        yield {
            "event_id": f"{assignment}-{sequence}",
            "assignment_id": assignment,
            "sequence": sequence,
            "kind": kind,
            "verdict": verdict if kind == "vote" else None,
            "note": "",
            "rubric": None,
            "shown_at": at,
            "decided_at": at,
            "active_ms": 2000,
            "received_at": at,
        }


def _insert(tx: Connection, table: Any, rows: Iterator[Row]) -> None:
    while chunk := list(islice(rows, _SLICE)):
        tx.execute(table.insert(), chunk)
