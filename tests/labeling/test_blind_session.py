"""A whole session with a canary in every secret: no byte of it reaches an annotator's browser.

Two annotators label everything with votes, undos, notes, reports, gold pairs, repeats and reviews,
while a lead decides; everything that both browsers send and get is recorded.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from storage import adjudications, assignments, gold, labels, pairs
from storage.rows import AssignmentKind, Batch, ImportedLabel, Verdict

WAYS = ("left", "right", "tie", "skip", "both_bad")


@dataclass
class Tape:
    """What one browser sent and got, each exchange as one piece of text."""

    exchanges: list[str] = field(default_factory=list)
    # id of the assignment on the screen -> bodies and headers that show it
    states: dict[str, list[httpx.Response]] = field(default_factory=lambda: defaultdict(list))
    media: dict[str, list[httpx.Response]] = field(default_factory=lambda: defaultdict(list))

    def take(self, answer: httpx.Response) -> None:
        answer.read()
        asked = answer.request
        sent = f"{asked.method} {asked.url} {dict(asked.headers)} {asked.content.decode()}"
        got = f"{answer.status_code} {dict(answer.headers)} {answer.content.decode('latin-1')}"
        self.exchanges.append(f"{sent}\n{got}")
        if str(asked.url.path).startswith("/media/"):
            self.media[asked.url.path.split("/")[2]].append(answer)
        elif asked.url.path == "/api/state":
            current = answer.json()["current"]
            if current:
                self.states[current["assignment"]].append(answer)


@dataclass
class Recorded:
    """A session that is over."""

    batch: Batch
    tapes: dict[str, Tape]
    # names of canaries that one annotator wrote, and nobody else may get
    own: dict[str, str]
    kinds: dict[str, AssignmentKind]


@pytest.fixture
def recorded(served: Any, new_batch: Any, open_link: Any) -> Recorded:
    batch = new_batch(
        pair_count=16,
        pictures=1,
        gold_rate=0.5,
        repeat_rate=0.5,
        overlap=2,
        review_limit=2,
        rubric="grounding",
        confidence=True,
        both_bad=True,
        guidelines="Be fair.",
    )
    _mark_gold(served, batch)
    own = {"Ada": "CANARY-NOTE-OF-ADA", "Bob": "CANARY-NOTE-OF-BOB"}
    people = {name: open_link(batch, f"CANARY-PERSON {name} {uuid.uuid4()}") for name in own}
    tapes = {name: Tape() for name in own}
    for name, person in people.items():
        person.http.event_hooks = {"response": [tapes[name].take]}
    turns = {name: _work(person, own[name]) for name, person in people.items()}
    while turns:
        for name in list(turns):
            if next(turns[name], "finished") == "finished":
                del turns[name]
            _decide_something(served, batch)
    with served.workspace.ledger.read() as db:
        ids = {each for tape in tapes.values() for each in tape.states}
        found = {each: assignments.get(db, each) for each in ids}
    kinds = {each: assignment.kind for each, assignment in found.items() if assignment}
    return Recorded(batch, tapes, own, kinds)


def _mark_gold(served: Any, batch: Batch) -> None:
    with served.workspace.ledger.write() as tx:
        for view in pairs.page(tx, pairs.PairFilter(batch=batch.name), 5):
            fact = ImportedLabel(view.pair.id, "a", "CANARY-GOLD", batch.id, "CANARY-FACTS", 1, "r")
            labels.add(tx, fact)
        assert gold.mark(tx, batch.id, "CANARY-GOLD").gold == 5


def _decide_something(served: Any, batch: Batch) -> None:
    with served.workspace.ledger.write() as tx:
        for contested in adjudications.contested(tx, batch.id)[:1]:
            adjudications.decide(
                tx,
                batch_id=batch.id,
                pair_id=contested.pair_id,
                lead="CANARY-LEAD",
                outcome=Verdict.B,
                reason="CANARY-REASON",
            )


def _work(person: Any, note: str) -> Iterator[str]:
    """Judge everything in every way that the bench knows, a pair at a time."""
    number = 0
    person.http.get("/bench/")
    assert person.http.get("/api/ahead").status_code == 200
    while current := person.state()["current"]:
        assignment = current["assignment"]
        for part in current["messages"][0]["parts"]:
            if "src" in part:
                assert person.http.get(part["src"]).status_code == 200
        remarks = {"note": note, "failures": ["counting"], "confidence": 2}
        remarks |= {"rubric": {"left": {"accuracy": 2}, "right": {"accuracy": 4}}}
        person.http.post("/api/presence", json={"assignment": assignment})
        if number % 7 == 3:
            report = {"event": str(uuid.uuid4()), "assignment": assignment, "kind": "other"}
            person.http.post("/api/reports", json={**report, "note": note})
        else:
            person.post("vote", assignment, choice=WAYS[number % len(WAYS)], **remarks)
        if number % 6 == 2:
            person.post("undo", assignment)
            person.post("vote", assignment, choice="tie", **remarks)
        # what is refused tells no more than what is not
        person.post("vote", assignment, choice="left", rubric={"left": {"speed": 1}})
        person.post("vote", "0" * 32, choice="left")
        number += 1
        yield assignment


def test_no_secret_reaches_a_browser_in_any_byte(served: Any, recorded: Recorded) -> None:
    batch = recorded.batch
    with served.workspace.ledger.read() as db:
        views = pairs.page(db, pairs.PairFilter(batch=batch.name), 100)
        decided = adjudications.decided_pairs(db, batch.id)
    secrets = [each for view in views for each in vars(view.pair).values()]
    secrets += [media for view in views for media in view.prompt.media]
    secrets += [batch.id, batch.name, "adjudication", "repeat", "gold_rate", "review_limit"]
    assert decided
    assert set(recorded.kinds.values()) == {
        *(AssignmentKind.NORMAL, AssignmentKind.GOLD, AssignmentKind.REPEAT)
    }
    for name, tape in recorded.tapes.items():
        assert len(tape.exchanges) > 60
        for exchange in tape.exchanges:
            sent, got = exchange.split("\n", 1)
            # what one wrote oneself is sent, and not even that comes back
            allowed = sent.replace(recorded.own[name], "")
            assert "canary" not in (allowed + got).lower(), exchange[:300]
            if "/bench/ " not in sent:
                assert not [each for each in secrets if each in got], exchange[:300]


def test_gold_pairs_and_repeats_look_like_normal_pairs(recorded: Recorded) -> None:
    """Fields, their types, header names, order and number of answers are the same for every kind;
    totals and positions go on as if there were one kind only."""
    for tape in recorded.tapes.values():
        shapes: dict[AssignmentKind, set[str]] = defaultdict(set)
        for assignment, answers in [*tape.states.items(), *tape.media.items()]:
            for answer in answers:
                body = _shape(answer.json()) if "json" in answer.headers["content-type"] else ""
                seen = json.dumps([sorted(answer.headers), body])
                shapes[recorded.kinds[assignment]].add(seen)
        normal = shapes.pop(AssignmentKind.NORMAL)
        assert shapes
        for kind, seen_of_kind in shapes.items():
            assert seen_of_kind <= normal, kind
        states = [answers[0].json() for answers in tape.states.values()]
        positions = [state["current"]["position"] for state in states]
        assert positions == list(range(1, len(positions) + 1))


def _shape(value: Any) -> Any:
    """JSON with its values replaced by their types; the end of the batch may lack what follows."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items() if key not in ("upcoming", "undo")}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return type(value).__name__


def test_swapping_sides_exchanges_two_texts_and_nothing_else(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    """What two annotators with opposite sides send and get, byte for byte."""
    batch = new_batch(pair_count=1, pictures=1, overlap=24, rubric="grounding")
    seen: dict[str, str] = {}
    for _ in range(24):
        person = open_link(batch)
        tape = Tape()
        person.http.event_hooks = {"response": [tape.take]}
        current = person.state()["current"]
        person.http.get(current["messages"][0]["parts"][0]["src"])
        rated = {"left": {"accuracy": 3}, "right": {"accuracy": 3}}
        person.post("vote", current["assignment"], choice="tie", rubric=rated)
        text = "\n".join(tape.exchanges)
        swapped = current["left"].startswith("other")
        seen.setdefault(str(swapped), _without_ids(text, person, current, swapped))
        if len(seen) == 2:
            break
    assert len(seen) == 2, "24 draws gave one side: chance is 1 in 8 million"
    assert seen["True"] == seen["False"]


def _without_ids(text: str, person: Any, current: dict[str, Any], swapped: bool) -> str:
    text = text.replace(current["assignment"], "ASSIGNMENT")
    for cookie in person.http.cookies.jar:
        text = text.replace(cookie.value, "COOKIE")
    text = re.sub(r'"desk":"[0-9a-f]{24}"', '"desk":"DESK"', text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "EVENT", text)
    text = re.sub(r"'date': '[^']*'", "'date': 'DATE'", text)
    left, right = current["left"], current["right"]
    if swapped:
        text = text.replace(left, "KEPT").replace(right, left).replace("KEPT", right)
    return text
