"""Nothing that tells where an answer comes from reaches the annotator's browser in any byte."""

from __future__ import annotations

import json
import re
from typing import Any

from labeling.wire import VoteAnswer, VoteRequest
from storage import pairs
from storage.rows import Verdict

CANARY = re.compile(r"canary", re.IGNORECASE)


def test_no_secret_of_a_batch_appears_in_any_answer(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=2, pictures=2, guidelines="Be fair.", overlap=2)
    answers = []
    people = [open_link(batch, "CANARY-ANNOTATOR 1"), open_link(batch, "CANARY-ANNOTATOR 2")]
    for person in people:
        person.http.event_hooks = {
            "response": [lambda answer: (answer.read(), answers.append(answer))]
        }
    for _ in range(2):
        for person in people:
            current = person.state()["current"]
            for part in current["messages"][0]["parts"]:
                if "src" in part:
                    person.http.get(part["src"])
            person.post("vote", current["assignment"], choice="left")
            person.post("vote", current["assignment"], choice="left")
    people[0].http.get("/bench/")
    people[0].http.get("/media/" + "0" * 32 + "/0")
    assert len(answers) > 10
    with served.workspace.ledger.read() as db:
        in_batch = pairs.page(db, pairs.PairFilter(batch=batch.name), 10)
    ids = [each for view in in_batch for each in vars(view.pair).values()]
    ids += [media for view in in_batch for media in view.prompt.media]
    for answer in answers:
        everything = json.dumps(dict(answer.headers)) + answer.content.decode("latin-1")
        assert not CANARY.search(everything), answer.url
        assert not [secret for secret in [*ids, batch.id] if secret in everything], answer.url


def test_two_views_of_a_pair_differ_only_in_sides_and_fresh_ids(
    new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=1, pictures=1, overlap=6)
    views = []
    for _ in range(6):
        person = open_link(batch)
        current = person.state()["current"]
        answers = {current.pop("left"), current.pop("right")}
        text = json.dumps(current).replace(current["assignment"], "ID")
        views.append((text, frozenset(answers)))
    assert len(set(views)) == 1


def test_assignment_ids_are_random_and_say_nothing_of_order(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch(pair_count=8))
    ids = []
    while not (state := ada.state())["finished"]:
        ids.append(state["current"]["assignment"])
        ada.vote()
    assert len(set(ids)) == 8
    assert ids != sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)


def test_the_desk_name_is_the_same_for_a_second_link_and_another_for_another_person(
    new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    names = [open_link(batch, who).state()["desk"] for who in ("Ada", "Ada", "Bob")]
    assert names[0] == names[1] != names[2]


def test_the_wire_knows_no_canonical_side() -> None:
    words = json.dumps([VoteAnswer.model_json_schema(), VoteRequest.model_json_schema()])
    for verdict in (Verdict.A, Verdict.B):
        assert f'"{verdict.value}"' not in words
    for word in ("response_a", "response_b", "source", "gold", "category", "pair_id"):
        assert word not in words
