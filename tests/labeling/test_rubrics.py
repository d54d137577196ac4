"""What a batch asks beside the choice: presets, one's own rubric, and answers kept canonically."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeling import rubrics
from labeling.rubrics import Criterion, FailureKind
from storage import pairs, votes
from storage.errors import WrongInputError

NINE = (
    *("hallucination", "spatial", "reasoning", "format", "counting", "negation"),
    *("attribute", "abstention", "other"),
)


def test_presets_rate_what_their_names_promise() -> None:
    keys = {
        name: [each.key for each in preset.criteria] for name, preset in rubrics.PRESETS.items()
    }
    assert keys == {
        "grounding": [
            *("accuracy", "spatial_grounding", "reasoning_depth", "hallucination_severity")
        ],
        "safety": ["helpful", "honest", "harmless", "polite", "concise"],
    }
    for preset in rubrics.PRESETS.values():
        assert tuple(kind.key for kind in preset.failure_kinds) == NINE


def test_a_rubric_of_ones_own_is_read_and_kept_as_json() -> None:
    written = {
        "criteria": [{"key": "tone", "label": "Ton", "low": "grob", "high": "höflich"}],
        "failure_kinds": ["counting", {"key": "too_long", "label": "Too long"}],
    }
    rubric = rubrics.parse(json.dumps(written))
    assert rubric.criteria == (Criterion("tone", "Ton", "grob", "höflich"),)
    assert rubric.failure_kinds == (
        FailureKind("counting", "Counting"),
        FailureKind("too_long", "Too long"),
    )
    assert rubrics.of(rubrics.canonical_json(rubric)) == rubric
    assert rubrics.of("") is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "no JSON"),
        ("[]", "fields"),
        ('{"criteria": [], "colour": 1}', "fields"),
        ('{"criteria": []}', "has 0"),
        ('{"criteria": [{"key": "Two words"}]}', "Two words"),
        ('{"criteria": [{"key": "a", "weight": 2}]}', "weight"),
        ('{"criteria": [{"key": "a", "label": "x\\u0000"}]}', "label"),
        ('{"criteria": [{"key": "a"}, {"key": "a"}]}', "same key"),
        ('{"criteria": [{"key": "a"}], "failure_kinds": [1]}', "failure_kinds"),
        ('{"criteria": [{"key": "a"}], "failure_kinds": "counting"}', "no list"),
    ],
)
def test_a_rubric_that_cannot_be_used_names_its_fault(text: str, named: str) -> None:
    with pytest.raises(WrongInputError, match=named):
        rubrics.parse(text)


def test_an_unknown_preset_names_those_that_are() -> None:
    with pytest.raises(WrongInputError, match="grounding, safety"):
        rubrics.of("groundnig")


def test_the_bench_learns_what_the_batch_asks(new_batch: Any, open_link: Any) -> None:
    asked = open_link(new_batch(rubric="grounding", confidence=True)).state()["batch"]
    assert [each["key"] for each in asked["rubric"]] == [
        *("accuracy", "spatial_grounding", "reasoning_depth", "hallucination_severity")
    ]
    assert asked["rubric"][0]["low"] == "wrong"
    assert tuple(each["key"] for each in asked["failure_kinds"]) == NINE
    assert asked["confidence"]
    plain = open_link(new_batch()).state()["batch"]
    assert (plain["rubric"], plain["failure_kinds"], plain["confidence"]) == (None, [], False)


def test_ratings_are_kept_for_the_answer_and_not_for_the_side(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=8, rubric="grounding", confidence=True)
    ada = open_link(batch)
    while current := ada.state()["current"]:
        good = "left" if current["left"].startswith("one") else "right"
        bad = {"left": "right", "right": "left"}[good]
        posted = ada.post(
            "vote",
            current["assignment"],
            choice=good,
            note="clear – 明らか",
            rubric={good: {"accuracy": 5}, bad: {"accuracy": 1, "spatial_grounding": 2}},
            failures=["counting", "other"],
            confidence=3,
        )
        assert posted.status_code == 200, posted.text
    with served.workspace.ledger.read() as db:
        views = pairs.page(db, pairs.PairFilter(batch=batch.name), 10)
        mine = {vote.assignment_id for vote in votes.effective(db, batch.id)}
        for view in views:
            (event,) = (e for e in votes.events(db, view.pair.id) if e.assignment_id in mine)
            good, bad = ("a", "b") if view.text_a.startswith("one") else ("b", "a")
            assert event.verdict == good
            assert event.rubric == {
                good: {"accuracy": 5},
                bad: {"accuracy": 1, "spatial_grounding": 2},
            }
            assert (event.note, event.failures) == ("clear – 明らか", ["counting", "other"])
            assert event.confidence == 3
    assert len(views) == 8


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"note": "x" * 2001}, "note"),
        ({"note": "a\0b"}, "note"),
        ({"rubric": {"left": {"accuracy": 6}}}, "rubric.left.accuracy"),
        ({"rubric": {"right": {"accuracy": 0}}}, "rubric.right.accuracy"),
        ({"rubric": {"left": {"accuracy": True}}}, "rubric.left.accuracy"),
        ({"rubric": {"left": {"accuracy": 2.5}}}, "rubric.left.accuracy"),
        ({"rubric": {"left": {"speed": 3}}}, "rubric.left.speed"),
        ({"rubric": {"a": {"accuracy": 3}}}, "rubric.a"),
        ({"failures": ["speed"]}, "failures.speed"),
        ({"failures": ["counting"] * 40}, "failures"),
        ({"confidence": 4}, "confidence"),
        ({"confidence": "3"}, "confidence"),
        ({"winner": "left"}, "winner"),
    ],
)
def test_a_field_that_cannot_be_used_is_refused_by_name_and_nothing_is_kept(
    served: Any, new_batch: Any, open_link: Any, fields: dict[str, Any], named: str
) -> None:
    batch = new_batch(rubric="grounding", confidence=True)
    ada = open_link(batch)
    refused = ada.post("vote", ada.state()["current"]["assignment"], choice="left", **fields)
    assert refused.status_code == 400
    assert named in refused.json()["error"]["what"]
    with served.workspace.ledger.read() as db:
        assert votes.effective(db, batch.id) == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"rubric": {"left": {"accuracy": 3}}}, "rubric.left.accuracy"),
        ({"failures": ["counting"]}, "failures.counting"),
        ({"confidence": 2}, "confidence"),
    ],
)
def test_a_batch_that_does_not_ask_takes_no_answer(
    new_batch: Any, open_link: Any, fields: dict[str, Any], named: str
) -> None:
    ada = open_link(new_batch())
    refused = ada.post("vote", ada.state()["current"]["assignment"], choice="left", **fields)
    assert refused.status_code == 400
    assert named in refused.json()["error"]["what"]


def test_half_a_character_is_refused(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch())
    body = {
        "event": "2f1c1a0e-6d5a-4f6e-9f0e-0a4d7c1d2e3f",
        "kind": "vote",
        "assignment": ada.state()["current"]["assignment"],
        "choice": "left",
        "note": "half \ud800",
    }
    refused = ada.http.post(
        "/api/votes", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 400
    assert "note" in refused.json()["error"]["what"]
