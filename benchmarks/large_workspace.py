"""A large workspace for benchmarks: pairs in batches, and votes of many people who overlap in part.

The rows are what an import and the bench would have written, ids included. Only the many small
transactions are left out: rows go in in bulk, and the indices of the ledger are made afterwards.
A million pairs with three million votes take a few minutes and about 6 GB.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table
from voters import Ballot, Voters

from storage import clock, identity, prompts, responses, tables, workspace
from storage.ledger import Connection
from storage.rows import Part, Turn
from storage.workspace import Workspace

OVERLAP = 3
CATEGORIES = ("counting", "spatial", "hallucination", "negation", "attribute", "reasoning")
WORDS = ("red", "blue", "circle", "square", "left", "above", "three", "nothing", "small", "two")
_SLICE = 50_000
_CACHE = "cache_size = -2000000"
_DAYS = 30 * 86_400 * clock.SECOND

Row = tuple[Any, ...]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Large:
    """Draws the rows of a workspace; the same numbers and seed give the same rows.

    Attributes:
        votes: about so many, spread over the pairs: most get their mean, some one or two more or
            fewer.
        annotators: each works in a few batches, in a crew of up to 25, some much more than others.
    """

    pairs: int
    votes: int
    annotators: int = 10
    seed: int = 7

    @property
    def batches(self) -> int:
        return max(4, self.annotators // 10)

    @cached_property
    def voters(self) -> Voters:
        return Voters(self.annotators, self.batches, self.seed)

    def write(self, home: Path) -> Workspace:
        """Make a workspace in `home` and fill it."""
        made = workspace.create(home)
        with made.ledger.read() as db:
            # long ago, so that a worker would seal it
            now = clock.now(db) - _DAYS - 3600 * clock.SECOND
        path = made.ledger.path
        assert path is not None
        made.close()
        with _bulk(path) as file:
            self._fill(file, now)
        return workspace.open_existing(home)

    def _fill(self, file: sqlite3.Connection, now: int) -> None:
        _add(file, tables.batches, self._batches(now))
        _add(file, tables.annotators, self._people(now))
        step = _DAYS // max(1, self.votes + self.pairs)
        at = 0
        for begin in range(0, self.pairs, _SLICE):
            numbers = np.arange(begin, min(self.pairs, begin + _SLICE))
            ids = self._content(file, numbers, now)
            ballots = self.voters.first(numbers, self.votes / self.pairs)
            cast = [(ids[one.pair - begin], one) for one in ballots]
            times = (now + self.pairs + step * (at + place) for place in range(len(cast)))
            _cast(file, cast, list(times), at)
            at += len(cast)

    def add_votes(
        self, tx: Connection, found: Sequence[str], start: int, count: int, now: int
    ) -> None:
        """`count` more votes on pairs (ids, oldest first), of people who have not judged them;
        `start` votes there are already."""
        mean = self.votes / self.pairs
        # a large prime leads through all pairs before it comes back to the first
        places = np.arange(start, start + count) - self._first_votes
        turns, numbers = places // self.pairs, 7919 * places % self.pairs
        more = self.voters.more(numbers, turns, mean)
        cast = [(found[one.pair], one) for one in more]
        _cast(tx, cast, [now + place for place in range(count)], start)

    @cached_property
    def _first_votes(self) -> int:
        return self.voters.total(np.arange(self.pairs), self.votes / self.pairs)

    def _people(self, now: int) -> Iterator[Row]:
        for number in range(self.annotators):
            yield (_person(number), _person(number), True, now)

    def _batches(self, now: int) -> Iterator[Row]:
        for number in range(self.batches):
            yield (_batch_id(number), f"batch {number}", OVERLAP, "", "", False, now + number)

    def _content(self, file: sqlite3.Connection, numbers: Integers, now: int) -> list[str]:
        """Prompts, answers, pairs and labels; returns the ids of the pairs."""
        phrases = _phrases(self.seed)
        drawn = np.random.default_rng((self.seed, int(numbers[0]))).integers(
            0, len(phrases), (len(numbers), 6)
        )
        rows: dict[Table, list[Row]] = {table: [] for table in _CONTENT}
        ids = []
        for number, said in zip(numbers.tolist(), drawn.tolist(), strict=True):
            words = [phrases[place] for place in said]
            category = CATEGORIES[said[0] % len(CATEGORIES)]
            batch = _batch_id(number % self.batches)
            ids.append(_pair(number, category, words, batch, now + number, rows))
        for table in _CONTENT:
            _add(file, table, rows[table])
        return ids


_CONTENT = (
    tables.prompts,
    tables.responses,
    tables.response_sources,
    tables.pairs,
    tables.batch_pairs,
    tables.imported_labels,
)


def _pair(
    number: int,
    category: str,
    words: Sequence[str],
    batch: str,
    now: int,
    rows: dict[Table, list[Row]],
) -> str:
    """The rows of one pair. Ids are made as `storage.identity` makes them, from plain words that
    need no escapes; every ten thousandth is compared with what it says."""
    question = f"Question {number}: {words[0]} {words[1]}?"
    messages = f'[{{"parts":[{{"text":"{question}","type":"text"}}],"role":"user"}}]'
    prompt = _hash(f'{{"prompt":{messages}}}')
    texts = [
        f"Answer {name} of {number}: {words[2 + place]} {words[4 + place]}"
        for place, name in enumerate("xy")
    ]
    one, other = sorted(_hash(f'{{"prompt":"{prompt}","response":"{text}"}}') for text in texts)
    pair = _hash(f'{{"prompt":"{prompt}","responses":["{one}","{other}"]}}')
    if int(_hash(f'{{"orientation":"{pair}"}}')[-1], 16) % 2:
        one, other = other, one
    for text in texts:
        answer = _hash(f'{{"prompt":"{prompt}","response":"{text}"}}')
        rows[tables.responses].append((answer, prompt, text, now))
        rows[tables.response_sources].append((answer, "file", "large.jsonl", None, now))
    if number % 10_000 == 0:
        _check(prompt, question, texts, (pair, one, other))
    rows[tables.prompts].append((prompt, category, messages, question, now))
    rows[tables.pairs].append((pair, prompt, one, other, now))
    place = _hash(f'{{"batch":"{batch}","position_of":"{pair}"}}')
    rows[tables.batch_pairs].append((batch, pair, place))
    if number % 5 == 0:
        label = (f"label {number}", pair, "a", "imported", batch)
        rows[tables.imported_labels].append((*label, "large.jsonl", number + 1, "", now))
    return pair


def _check(prompt: str, question: str, texts: Sequence[str], pair: tuple[str, str, str]) -> None:
    built = prompts.build([Turn("user", (Part("text", question),))])
    answers = [responses.build(built.id, text) for text in texts]
    found = identity.pair_of(built.id, answers[0].id, answers[1].id)
    assert (prompt, *pair) == (built.id, found.id, found.response_a, found.response_b)


def _phrases(seed: int) -> list[str]:
    """A few thousand runs of words: drawing each word of each answer would take minutes."""
    drawn = np.random.default_rng(seed).integers(0, len(WORDS), (4000, 12))
    return [" ".join(WORDS[place] for place in run) for run in drawn.tolist()]


def _cast(
    place: sqlite3.Connection | Connection,
    cast: Sequence[tuple[str, Ballot]],
    times: Sequence[int],
    start: int,
) -> None:
    """Assignments and events of ballots on pairs (ids); one in a hundred is taken back and cast
    again."""
    assignments: list[Row] = []
    events: list[Row] = []
    for at, ((pair, ballot), time) in enumerate(zip(cast, times, strict=True), start=start):
        name = _hash(f"{ballot.pair}:{ballot.annotator}")
        batch = _batch_id(ballot.batch)
        who, left = _person(ballot.annotator), "ab"[ballot.is_swapped]
        assignments.append((name, batch, pair, who, "normal", left, at + 1, time, time, time))
        kinds = ("vote", "undo", "vote") if ballot.is_again else ("vote",)
        for sequence, kind in enumerate(kinds, start=1):
            verdict = ballot.verdict if kind == "vote" else None
            said = (f"{name}-{sequence}", name, sequence, kind, verdict, "")
            events.append((*said, time, time, ballot.active_ms, time))
    _add(place, tables.assignments, assignments)
    _add(place, tables.votes, events)


def _person(number: int) -> str:
    return f"annotator {number}"


@cache
def _batch_id(number: int) -> str:
    return identity.batch_id(f"batch {number}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# of what is written here; what is left out has a default
_COLUMNS: dict[Table, str] = {
    tables.annotators: "id name simulated created_at",
    tables.prompts: "id category messages text created_at",
    tables.responses: "id prompt_id text created_at",
    tables.response_sources: "response_id kind name sampling created_at",
    tables.pairs: "id prompt_id response_a response_b created_at",
    tables.batches: "id name overlap guidelines rubric both_bad created_at",
    tables.batch_pairs: "batch_id pair_id position",
    tables.imported_labels: (
        "id pair_id winner labeled_by batch_id source line record_id created_at"
    ),
    tables.assignments: (
        "id batch_id pair_id annotator_id kind left sequence offered_at leased_until answered_at"
    ),
    tables.votes: (
        "event_id assignment_id sequence kind verdict note shown_at decided_at active_ms"
        " received_at"
    ),
}


def _add(place: sqlite3.Connection | Connection, table: Table, rows: Iterable[Row]) -> None:
    """Rows as they lie in the file."""
    values = list(rows)
    names = _COLUMNS[table].split()
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" for _ in names)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608
    if isinstance(place, sqlite3.Connection):
        place.executemany(statement, values)
    elif values:
        place.exec_driver_sql(statement, values)


@contextmanager
def _bulk(path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a ledger that nobody else has open, without journal and without indices that
    can be made afterwards."""
    file = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", _CACHE):
        file.execute(f"PRAGMA {setting}")
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indices = file.execute(query).fetchall()
    for name, _ in indices:
        file.execute(f'DROP INDEX "{name}"')
    file.execute("BEGIN")
    yield file
    file.execute("COMMIT")
    for _, statement in indices:
        file.execute(statement)
    file.execute("PRAGMA journal_mode = WAL")
    file.close()
