"""What tests of every room use: a clean environment, a real workspace, and pairs to put into it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from storage import (
    annotators,
    assignments,
    batches,
    clock,
    pairs,
    prompts,
    responses,
    votes,
    workspace,
)
from storage.ledger import Connection
from storage.rows import Batch, Pair, Part, Source, Turn, Verdict
from storage.workspace import Workspace

MakePair = Callable[..., Pair]
MakeBatch = Callable[..., Batch]
Label = Callable[..., None]


@pytest.fixture(autouse=True)
def _nothing_of_ours_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PAIRWRIGHT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new workspace, to copy: migrating one for every test takes longer."""
    home = tmp_path_factory.mktemp("new") / "home"
    workspace.create(home).close()
    return home


@pytest.fixture(name="workspace")
def open_workspace(new_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace with its ledger in a SQLite file."""
    opened = workspace.open_existing(shutil.copytree(new_home, tmp_path / "home"))
    yield opened
    opened.close()


@pytest.fixture
def make_pair() -> MakePair:
    """`make_pair(tx, "question", "one answer", "another")` records a text pair."""

    def make(
        tx: Connection,
        question: str = "How many circles are there?",
        one: str = "There are two.",
        other: str = "There are three.",
        category: str = "counting",
    ) -> Pair:
        prompt = prompts.build([Turn("user", (Part("text", question),))], category)
        prompts.add(tx, prompt)
        answers = [responses.build(prompt.id, text) for text in (one, other)]
        for answer in answers:
            responses.add(tx, answer, Source("file", "test.jsonl"))
        pair = pairs.build(*answers)
        pairs.add(tx, pair)
        return pair

    return make


@pytest.fixture
def make_batch(make_pair: MakePair) -> MakeBatch:
    """`make_batch(tx, pair_count=3, overlap=1)` records a batch of different text pairs."""

    def make(tx: Connection, name: str = "first", pair_count: int = 3, overlap: int = 1) -> Batch:
        batch = batches.create(tx, name, overlap=overlap)
        for number in range(pair_count):
            batches.add_pair(tx, batch.id, make_pair(tx, f"Question {number} of {name}?").id)
        return batch

    return make


@pytest.fixture
def label() -> Label:
    """`label(tx, batch, "ana", {pair_id: "a"})` goes through the pairs that are offered to ana and
    votes on those that are named. A shows on the left."""

    def go_through(tx: Connection, batch: Batch, who: str, verdicts: Mapping[str, str]) -> None:
        annotator = annotators.get_or_create(tx, who)
        now = clock.now(tx)
        while offered := assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=annotator.id,
            new_id=uuid.uuid4().hex,
            left="a",
            now=now,
            leased_until=now,
        ):
            if offered.pair_id in verdicts:
                votes.append(
                    tx,
                    event_id=uuid.uuid4().hex,
                    assignment_id=offered.id,
                    kind="vote",
                    verdict=Verdict(verdicts[offered.pair_id]),
                    shown_at=now,
                    decided_at=now + 2_000_000,
                    active_ms=2000,
                )

    return go_through


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in this thread from then on.

    Slow ones first, each time: processes side by side then end at about the same time.
    """

    def order(item: pytest.Item) -> tuple[bool, bool]:
        marked = [item.get_closest_marker(name) is not None for name in ("browser", "slow")]
        return marked[0], not marked[1]

    items.sort(key=order)
