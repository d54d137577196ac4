"""Whether anything but its words tells what a pair is: 500 pairs are judged in Chromium, and a
classifier tries to guess from the page and the wire which side is which and which pairs are gold.

Its features are every element with its attributes (lengths, values, random ids as numbers), the
order and types of what came as JSON, headers with their lengths, and sizes of pictures. The words
of the answers are what experts judge: here they are random, and left out.
"""

from __future__ import annotations

import io
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from labeling import links
from storage import assignments, batches, gold, labels, media, pairs, pictures, prompts, responses
from storage.ledger import Connection
from storage.rows import AssignmentKind, ImportedLabel, Part, Source, Turn
from storage.workspace import Workspace

# on a busy machine 500 pairs take minutes
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

SHOWN, PREPARED, GOLD = 500, 520, 180
# two-sided chance of 1 in 10,000: four guesses at 95% would fail every fifth run by chance alone
NORMAL_QUANTILE = 3.89
FOLDS = 10

HEAR = """
    window.heard = [];
    window.ask = window.fetch.bind(window);
    window.fetch = async (...given) => {
        const answer = await ask(...given);
        const text = await answer.clone().text();
        if (String(given[0]).startsWith("/api/")) heard.push([[...answer.headers], text]);
        return answer;
    };
"""
# judges pairs by keys; for each the elements of the page (numbers into `kinds`), and what was heard
JUDGE = """async (count) => {
    const kinds = new Map();
    const number = (kind) => kinds.get(kind) ?? kinds.set(kind, kinds.size).get(kind);
    const element = (each) => JSON.stringify([
        each.localName,
        [...each.attributes].map(({ name, value }) => [name, value]),
        [...each.childNodes].map(({ nodeType }) => nodeType).join(""),
    ]);
    const shown = () => document.querySelector("#pictures img")?.getAttribute("src").split("/")[2];
    const press = (key) => {
        const told = { key, code: `Key${key.toUpperCase()}`, bubbles: true };
        for (const kind of ["keydown", "keyup"]) {
            document.body.dispatchEvent(new KeyboardEvent(kind, told));
        }
    };
    const rows = [];
    for (let n = 0, last = null; n < count; n += 1) {
        while (document.body.dataset.bench !== "pair" || shown() === last) {
            await new Promise((resolve) => setTimeout(resolve, 0));
        }
        last = shown();
        const answer = await ask(document.querySelector("#pictures img").src);
        const picture = [[...answer.headers], (await answer.arrayBuffer()).byteLength];
        const all = [...document.querySelectorAll("*")].map((each) => number(element(each)));
        rows.push({ assignment: last, all, heard: heard.splice(0), picture });
        press("abfs"[n % 4]);
    }
    return { kinds: [...kinds.keys()], rows };
}"""


@dataclass(frozen=True)
class Element:
    """One element of the page; `children` are the node types of its children in order."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    children: str


@dataclass(frozen=True)
class Seen:
    """What a browser could see of one pair, and what is true of it.

    Attributes:
        headers: of the answer that brought the pair.
        wire: the pair as it came.
        truth: question -> answer.
    """

    assignment: str
    elements: Sequence[Element]
    headers: Sequence[tuple[str, str]]
    wire: Mapping[str, Any]
    picture_headers: Sequence[tuple[str, str]]
    picture_size: int
    truth: Mapping[str, bool] = field(default_factory=dict)


@pytest.fixture(scope="module")
def seen(bench_server: Any, chromium: Any) -> list[Seen]:
    workspace = bench_server.workspace
    winners = add_pairs(workspace, "guessing")
    link = links.url(bench_server.url, links.mint(workspace, "guessing", "Ada guesses").token)
    page = chromium.new_page()
    page.add_init_script(HEAR)
    page.goto(link)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    found = page.evaluate(JUDGE, SHOWN)
    page.context.close()
    with workspace.ledger.read() as db:
        return [replace(each, truth=truth_of(db, each.assignment, winners)) for each in read(found)]


def add_pairs(workspace: Workspace, name: str) -> dict[str, str]:
    """Pairs of an old and a new checkpoint with random words, pictures, labels and gold pairs.
    Returns pair -> the answer that is labeled as better."""
    winners: dict[str, str] = {}
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, name, gold_rate=0.5)
        shown = [_add_picture(tx, workspace) for _ in range(16)]
        for number in range(PREPARED):
            parts = (Part("image", media=random.choice(shown)), Part("text", f"{number} {words()}"))
            prompt = prompts.build([Turn("user", parts)], random.choice(["counting", "spatial"]))
            prompts.add(tx, prompt)
            both = [responses.build(prompt.id, words()) for _ in range(2)]
            for response, source in zip(both, ("old", "new"), strict=True):
                responses.add(tx, response, Source("checkpoint", source))
            pair = pairs.build(*both)
            pairs.add(tx, pair)
            batches.add_pair(tx, batch.id, pair.id)
            of_file = (batch.id, "labels.jsonl", number + 1, str(number))
            who, winner = "facts" if number < GOLD else "imported", random.choice("ab")
            labels.add(tx, ImportedLabel(pair.id, winner, who, *of_file))
            winners[pair.id] = winner
        assert gold.mark(tx, batch.id, "facts").gold == GOLD
    return winners


def words() -> str:
    drawn = ("".join(random.choices("aeioklmnprst", k=random.randint(2, 9))) for _ in range(60))
    return " ".join(list(drawn)[: random.randint(8, 60)])


def _add_picture(tx: Connection, workspace: Workspace) -> str:
    size = random.randint(20, 60), random.randint(20, 60)
    encoded = io.BytesIO()
    Image.frombytes("RGB", size, random.randbytes(size[0] * size[1] * 3)).save(encoded, "PNG")
    row, data = pictures.normalize(encoded.getvalue())
    workspace.media.put(data, row)
    media.add(tx, row)
    return row.id


def truth_of(db: Connection, assignment_id: str, winners: Mapping[str, str]) -> dict[str, bool]:
    assignment = assignments.get(db, assignment_id)
    assert assignment is not None
    pair = pairs.view(db, assignment.pair_id).pair
    on_the_left = pair.response_a if assignment.left == "a" else pair.response_b
    (source,) = responses.sources(db, on_the_left)
    return {
        "the answer on the left is the new checkpoint's": source.name == "new",
        "the answer on the left is response_a": assignment.left == "a",
        "the answer on the left is labeled as better": winners[pair.id] == assignment.left,
        "the pair is gold": assignment.kind is AssignmentKind.GOLD,
    }


def read(found: dict[str, Any]) -> Iterator[Seen]:
    kinds = []
    for name, attributes, children in map(json.loads, found["kinds"]):
        kinds.append(Element(name, tuple(map(tuple, attributes)), children))
    came = brought(found["rows"])
    for row in found["rows"]:
        headers, wire = came[row["assignment"]]
        elements = [kinds[number] for number in row["all"]]
        yield Seen(row["assignment"], elements, headers, wire, *row["picture"])


def brought(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[list[tuple[str, str]], Any]]:
    """Assignment -> headers of the answer that brought it first, and the pair in it."""
    found: dict[str, tuple[list[tuple[str, str]], Any]] = {}
    for headers, text in (heard for row in rows for heard in row["heard"]):
        state = json.loads(text)
        state = state.get("state", state)
        for pair in (state.get("current"), state.get("upcoming"), *state.get("pairs", ())):
            if pair:
                found.setdefault(pair["assignment"], (headers, pair))
    return found


def features(pair: Seen) -> dict[str, float]:
    """What a pair shows, as numbers by name."""
    found: dict[str, float] = {f"elements={len(pair.elements)}": 1}
    for place, element in enumerate(pair.elements):
        found[f"{place}={element.name}"] = 1
        found[f"{place} has {element.children}"] = 1
        for at, (name, value) in enumerate(element.attributes):
            found[f"{place} {at}={name}"] = 1
            found.update(of_text(f"{place} {name}", value))
    for kind, headers in (("answer", pair.headers), ("picture", pair.picture_headers)):
        for at, (name, value) in enumerate(headers):
            found[f"{kind} {at}={name}"] = 1
            if name != "date":
                found.update(of_text(f"{kind} {name}", value))
    found["picture size"] = pair.picture_size
    found.update(of_json("wire", pair.wire))
    return found


def of_text(name: str, value: str) -> dict[str, float]:
    """Length, and the value: random ids as numbers, so that an order in them is seen."""
    found = {f"{name} length": float(len(value))}
    for at, digits in enumerate(re.findall(r"[0-9a-f]{32}", value)):
        found[f"{name} id {at} start"] = int(digits[:8], 16) / 2**32
        found[f"{name} id {at} end"] = int(digits[-8:], 16) / 2**32
    rest = re.sub(r"[0-9a-f]{32}", "", value)
    if re.fullmatch(r"\d{1,9}", rest):
        found[name] = float(rest)
    else:
        found[f"{name}={rest}"] = 1
    return found


def of_json(name: str, value: Any) -> dict[str, float]:
    """Order and types; values too, but for the words of the prompt and the answers."""
    if isinstance(value, dict):
        found: dict[str, float] = {f"{name} keys={list(value)}": 1}
        for key, each in value.items():
            found |= of_json(f"{name}.{key}", each)
        return found
    if isinstance(value, list):
        found = {f"{name} holds {len(value)}": 1}
        for at, each in enumerate(value):
            found |= of_json(f"{name}.{at}", each)
        return found
    if isinstance(value, str) and not name.endswith((".left", ".right", ".text")):
        return of_text(name, value)
    found = {f"{name} is {type(value).__name__}": 1}
    return found | ({name: float(value)} if isinstance(value, int | float) else {})


@dataclass(frozen=True)
class Guess:
    """Share of right guesses on pairs that the classifier had not seen, with its interval."""

    accuracy: float
    low: float
    high: float


def guess(seen: Sequence[Seen], question: str) -> Guess:
    """Learn on nine tenths, guess the last; as many pairs of both answers, so chance is 0.5."""
    drawn = random.Random(question)
    groups = [[each for each in seen if each.truth[question] is answer] for answer in (True, False)]
    size = min(map(len, groups))
    asked = [each for group in groups for each in drawn.sample(group, size)]
    drawn.shuffle(asked)
    table = tabled([features(each) for each in asked])
    answers = np.array([1.0 if each.truth[question] else -1.0 for each in asked])
    folds = np.arange(len(asked)) % FOLDS
    alike = table @ table.T
    right = 0
    for fold in range(FOLDS):
        known, open_ = folds != fold, folds == fold
        # ridge regression on the answers, in its dual form: there are more features than pairs
        strength = alike[np.ix_(known, known)] + len(asked) * np.eye(int(known.sum()))
        weights = np.linalg.solve(strength, answers[known])
        right += int((np.sign(alike[np.ix_(open_, known)] @ weights) == answers[open_]).sum())
    return interval(right, len(asked))


def tabled(rows: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """One row per pair, one column per feature that is not the same everywhere; each column with
    mean 0 and deviation 1, a missing feature is 0."""
    counts = Counter(name for row in rows for name in row)
    # what only one pair has can teach nothing about another
    places = {name: at for at, name in enumerate(sorted(n for n, c in counts.items() if c > 1))}
    table = np.zeros((len(rows), len(places)))
    for at, row in enumerate(rows):
        for name, value in row.items():
            if name in places:
                table[at, places[name]] = value
    varies = table.std(axis=0) > 0
    table = table[:, varies]
    standard: NDArray[np.float64] = (table - table.mean(axis=0)) / table.std(axis=0)
    return standard


def interval(right: int, n: int) -> Guess:
    """Wilson's interval of a share."""
    share, squared = right / n, NORMAL_QUANTILE**2
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    spread = math.sqrt(share * (1 - share) / n + squared / (4 * n * n))
    half = NORMAL_QUANTILE * spread / (1 + squared / n)
    return Guess(share, middle - half, middle + half)


QUESTIONS = (
    "the answer on the left is the new checkpoint's",
    "the answer on the left is response_a",
    "the answer on the left is labeled as better",
    "the pair is gold",
)


def longer_attribute(pair: Seen, told: bool) -> Seen:
    """One character more in a class of the left answer."""
    elements = [
        replace(each, attributes=(*each.attributes, ("data-leak", "x" * (1 + told))))
        if ("id", "left-text") in each.attributes
        else each
        for each in pair.elements
    ]
    return replace(pair, elements=elements)


def exchanged_keys(pair: Seen, told: bool) -> Seen:
    """The answers in another order within the JSON."""
    wire = dict(pair.wire)
    first = wire.pop("left") if told else None
    return replace(pair, wire={**wire, "left": first} if told else wire)


def sorted_ids(pair: Seen, told: bool) -> Seen:
    """Ids that are lower for one kind than for the other."""
    drawn = ("0" if told else "f") + pair.assignment[1:]
    elements = [
        replace(
            each,
            attributes=tuple((n, v.replace(pair.assignment, drawn)) for n, v in each.attributes),
        )
        for each in pair.elements
    ]
    return replace(pair, elements=elements)


def larger_picture(pair: Seen, told: bool) -> Seen:
    """More bytes in the pictures of one kind."""
    return replace(pair, picture_size=pair.picture_size + 20_000 * told)


def test_500_pairs_were_seen_in_full(seen: list[Seen]) -> None:
    assert len({each.assignment for each in seen}) == SHOWN
    assert all(len(each.elements) > 100 and each.wire["left"] for each in seen)
    for question in QUESTIONS:
        told = sum(each.truth[question] for each in seen)
        assert min(told, SHOWN - told) > SHOWN // 5, question


@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_but_the_words_tells_what_a_pair_is(seen: list[Seen], question: str) -> None:
    found = guess(seen, question)
    assert found.low <= 0.5 <= found.high, found


@pytest.mark.parametrize("plant", [longer_attribute, exchanged_keys, sorted_ids, larger_picture])
def test_a_planted_leak_is_found(seen: list[Seen], plant: Any) -> None:
    for question in (QUESTIONS[0], QUESTIONS[3]):
        planted = [plant(each, each.truth[question]) for each in seen]
        assert guess(planted, question).low > 0.5, (plant.__name__, question)
