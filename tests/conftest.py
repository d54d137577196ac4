"""What tests of every room use: a clean environment, a real workspace, and pairs to put into it."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage import (
    annotators,
    assignments,
    batches,
    clock,
    judgements,
    labels,
    media,
    models,
    pairs,
    pictures,
    prompts,
    responses,
    votes,
    workspace,
)
from storage.judgements import JudgedBy
from storage.ledger import Connection
from storage.rows import Batch, ImportedLabel, Pair, Part, Source, Turn, Verdict
from storage.workspace import Workspace

# the same examples every time and no clock, so that no busy machine and no lucky draw fails a test
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# `pytest --hypothesis-profile thorough tests/labeling/test_assignment_machine.py`: before a release
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.load_profile("steady")

TESTS = Path(__file__).parent
MakePair = Callable[..., Pair]
MakeBatch = Callable[..., Batch]
Label = Callable[..., None]
AddTellingPair = Callable[..., Pair]


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


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """`free_port()`: a port for a server that a test will start. It lies below those that systems
    hand out by themselves, so that nobody is given it before the server is there."""
    # processes side by side draw from lanes of their own
    lane = 20_000 + 1000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10)
    numbers = itertools.cycle(range(lane, lane + 1000))
    ports = itertools.islice(numbers, os.getpid() % 1000, None)

    def draw() -> int:
        for port in itertools.islice(ports, 1000):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if _can_bind(probe, port):
                    return port
        raise AssertionError(f"no port from {lane} to {lane + 999} is free")

    return draw


def _can_bind(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def answering() -> Callable[..., None]:
    """`answering(address, process)`: wait until the server answers there with 200."""

    def wait(address: str, process: subprocess.Popen[Any], seconds: float = 240) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert process.poll() is None, f"the server of {address} ended: {process.returncode}"
            with suppress(httpx.TransportError):
                if httpx.get(address, timeout=10).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{address} does not answer")

    return wait


@pytest.fixture(name="workspace")
def open_workspace(new_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace with its ledger in a SQLite file."""
    opened = workspace.open_existing(shutil.copytree(new_home, tmp_path / "home"))
    yield opened
    opened.close()


@pytest.fixture
def tiny_model(workspace: Workspace, tmp_path: Path) -> str:
    """The name of a model that the workspace knows and nobody loads."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with workspace.ledger.write() as tx:
        return models.add(tx, "tiny", str(folder)).name


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


@pytest.fixture
def label_failures() -> Callable[..., None]:
    """`label_failures(tx, batch, "the better text", ["counting"], "note")`: somebody new votes on
    the next pair that is offered, for the answer with this text; None as failures is a tie."""

    def vote(
        tx: Connection,
        batch: Batch,
        better: str,
        failures: Sequence[str] | None,
        note: str = "",
    ) -> None:
        now = clock.now(tx)
        offered = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=annotators.get_or_create(tx, uuid.uuid4().hex).id,
            new_id=uuid.uuid4().hex,
            left="a",
            now=now,
            leased_until=now,
        )
        assert offered is not None
        chosen = Verdict.A if pairs.view(tx, offered.pair_id).text_a == better else Verdict.B
        votes.append(
            tx,
            event_id=uuid.uuid4().hex,
            assignment_id=offered.id,
            kind="vote",
            verdict=Verdict.TIE if failures is None else chosen,
            failures=failures or None,
            note=note,
            shown_at=now,
            decided_at=now,
            active_ms=1,
        )

    return vote


@pytest.fixture
def judge_says(workspace: Workspace) -> Callable[..., None]:
    """`judge_says({pair_id: ("a", "b")}, judge="m")`: what a model said with either answer first,
    sealed as its job leaves it."""

    def seal(said: Mapping[str, tuple[str, str]], judge: str = "m", **more: Any) -> None:
        lines = [
            {
                "pair_id": pair,
                "verdict": one if one == other else "tie",
                "a_first": one,
                "b_first": other,
                "share_of_a": more.get("share_of_a"),
                "tokens_in": 10,
                "tokens_out": 1,
            }
            for pair, (one, other) in said.items()
        ]
        path = workspace.home / "judgements.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        by = JudgedBy(uuid.uuid4().hex[:12], judge, more.get("version", "v1"), more.get("at", 1))
        judgements.seal(workspace, path, by)

    return seal


@pytest.fixture(scope="session")
def add_telling_pair() -> AddTellingPair:
    """`add_telling_pair(tx, workspace, batch, number, pictures=0, size=(24, 16))`: a pair of two
    checkpoints in a batch. All that must not reach an annotator has "canary" in it: names, sampling
    settings, category, imported label, its file, and what stands in the pictures beside their
    pixels."""

    def add(
        tx: Connection,
        opened: Workspace,
        batch: Batch,
        number: int,
        picture_count: int = 0,
        size: tuple[int, int] = (24, 16),
    ) -> Pair:
        places = range(picture_count)
        shown = [_telling_picture(tx, opened, (number, place), size) for place in places]
        parts = [Part("image", media=each) for each in shown]
        turn = Turn("user", (*parts, Part("text", f"Question {number}?")))
        prompt = prompts.build([turn], "CANARY-CATEGORY")
        prompts.add(tx, prompt)
        both = [responses.build(prompt.id, f"{side} answer {number}") for side in ("one", "other")]
        for response, name in zip(both, ("CANARY-MODEL-1", "CANARY-MODEL-2"), strict=True):
            sampling = {"mined_because": "CANARY-MINING", "temperature": 0.7}
            responses.add(tx, response, Source("checkpoint", name, sampling))
        pair = pairs.build(*both)
        pairs.add(tx, pair)
        batches.add_pair(tx, batch.id, pair.id)
        told = (batch.id, "CANARY-FILE", number + 1, "CANARY-RECORD")
        labels.add(tx, ImportedLabel(pair.id, "a", "CANARY-LABEL", *told))
        return pair

    return add


def _telling_picture(
    tx: Connection, opened: Workspace, seed: tuple[int, int], size: tuple[int, int]
) -> str:
    encoded = io.BytesIO()
    told, exif = PngInfo(), Image.Exif()
    told.add_text("Source", "CANARY-PICTURE")
    exif[0x010E] = "CANARY-EXIF"
    colour = (seed[0] * 40 % 256, seed[1] * 60 % 256, 90)
    picture = Image.new("RGB", size, colour)
    if max(size) > 100:
        noise = random.Random(repr(seed)).randbytes(size[0] * size[1] * 3)
        picture = Image.frombytes("RGB", size, noise)
    picture.save(encoded, "PNG", pnginfo=told, exif=exif)
    row, data = pictures.normalize(encoded.getvalue())
    opened.media.put(data, row)
    media.add(tx, row)
    return row.id


class Forks:
    """Processes of `forking.py`, one after the other: loaded once, started and killed often."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, str(TESTS / "forking.py"), *words]
        environment = {**os.environ, "PYTHONPATH": str(TESTS.parent), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.line() == "ready"

    def start(self, order: str = "") -> int:
        """Fork the next process; returns its id."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return int(self.line())

    def line(self) -> str:
        """The next line that the process prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def gone(self) -> tuple[int, list[str]]:
        """Wait for its end: exit status, negative for a signal, and what else it printed."""
        said = []
        while not (line := self.line()).startswith("gone "):
            assert self._process.poll() is None, said
            said.append(line)
        return int(line.split()[1]), said

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def forks() -> Iterator[Callable[..., Forks]]:
    """`forks("api", home, port)` loads what such a process needs and waits for orders."""
    made: list[Forks] = []

    def load(*words: object) -> Forks:
        made.append(Forks(*map(str, words)))
        return made[-1]

    yield load
    for one in made:
        one.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in this thread from then on.

    Slow ones first, each time: processes side by side then end at about the same time.
    """

    def order(item: pytest.Item) -> tuple[bool, bool]:
        marked = [item.get_closest_marker(name) is not None for name in ("browser", "slow")]
        return marked[0], not marked[1]

    items.sort(key=order)
