"""Annotators checked against gold pairs and against themselves, over the real wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labeling import reliability
from labeling.reliability import Reliability
from storage import gold, labels, pairs
from storage.rows import Batch, ImportedLabel


@pytest.fixture
def checked(served: Any, new_batch: Any) -> tuple[Batch, dict[str, str]]:
    """A batch of 24 pairs with 8 gold ones, and question -> the right answer, everywhere a."""
    batch = new_batch(pair_count=24, gold_rate=0.4, repeat_rate=0.4, overlap=9)
    with served.workspace.ledger.write() as tx:
        views = pairs.page(tx, pairs.PairFilter(batch=batch.name), 24)
        for view in views[:8]:
            fact = ImportedLabel(view.pair.id, "a", "facts", batch.id, "facts.jsonl", 1, "r")
            labels.add(tx, fact)
        assert gold.mark(tx, batch.id, "facts").gold == 8
    return batch, {view.prompt.turns[0].parts[-1].text: view.text_a for view in views}


Choose = Callable[[int, bool], str]


def work(person: Any, right: dict[str, str], choose: Choose) -> int:
    """Judge everything; `choose(number, again)` says right, wrong, tie or skip. Return how many."""
    seen: set[str] = set()
    while current := person.state()["current"]:
        question = current["messages"][0]["parts"][-1]["text"]
        good = "left" if current["left"] == right[question] else "right"
        bad = {"left": "right", "right": "left"}[good]
        said = choose(len(seen), question in seen)
        seen.add(question)
        choice = {"right": good, "wrong": bad}.get(said, said)
        assert person.post("vote", current["assignment"], choice=choice).status_code == 200
    return len(seen)


@pytest.mark.parametrize(
    ("choose", "accuracy", "consistency"),
    [
        (lambda number, again: "right", 1.0, 1.0),
        (lambda number, again: "wrong", 0.0, 1.0),
        (lambda number, again: "wrong" if again else "right", 1.0, 0.0),
        (lambda number, again: "tie", 0.0, 1.0),
        (lambda number, again: "skip", None, None),
    ],
)
def test_an_annotator_is_measured_on_gold_pairs_and_repeats(
    served: Any,
    open_link: Any,
    checked: tuple[Batch, dict[str, str]],
    choose: Choose,
    accuracy: float | None,
    consistency: float | None,
) -> None:
    batch, right = checked
    work(open_link(batch, "Ada measured"), right, choose)
    with served.workspace.ledger.read() as db:
        found = reliability.of_batch(db, batch.id)
    if accuracy is None:
        assert found == []
        return
    (ada,) = found
    assert isinstance(ada, Reliability)
    assert (ada.gold_accuracy.value, ada.self_consistency.value) == (accuracy, consistency)
    # 16 normal pairs: 0.4 of them, and 0.4 of those after the first five
    assert ada.gold_accuracy.n in (6, 7)
    assert ada.self_consistency.n in (4, 5)
    assert ada.gold_accuracy.ci95 is not None


def test_what_an_annotator_sees_never_shrinks_or_grows_with_a_check(
    open_link: Any, checked: tuple[Batch, dict[str, str]]
) -> None:
    batch, _ = checked
    ada = open_link(batch)
    totals, positions = set(), []
    while (state := ada.state())["current"]:
        totals.add(state["total"])
        positions.append(state["current"]["position"])
        ada.vote("tie")
    assert totals == {len(positions)}
    assert positions == list(range(1, len(positions) + 1))
    assert (state["done"], state["finished"]) == (len(positions), True)
    assert len(positions) > 24


def test_a_gold_pair_and_a_repeat_can_be_undone_and_reported_like_any_other(
    open_link: Any, checked: tuple[Batch, dict[str, str]]
) -> None:
    batch, _ = checked
    ada = open_link(batch)
    while current := ada.state()["current"]:
        ada.vote("left")
        undone = ada.post("undo", current["assignment"])
        assert undone.json()["state"]["current"] == current
        ada.vote("right")
    assert ada.state()["finished"]
