"""The Rounds page: where the loop stands, what goes wrong, targets, and why pairs were chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from rounds import batching, opening, standing
from rounds.batching import Wanted
from storage import batches, category_targets, cluster_names, pairs
from storage.pairs import PairFilter
from storage.rows import Batch, Pair
from storage.workspace import Workspace

Page = Callable[..., AppTest]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def commands(test: AppTest) -> list[str]:
    return [element.value.split(" --home")[0] for element in test.code]


@pytest.fixture
def opened(workspace: Workspace, make_batch: Callable[..., Batch], tiny_model: str) -> Batch:
    """Round 1 from the model `tiny` with a batch of three pairs."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=3)
    opening.open_next(workspace)
    opening.give_batch(workspace, "first", "lead")
    return batch


def test_without_a_round_every_view_says_what_comes_next(workspace: Workspace, page: Page) -> None:
    assert commands(page("rounds")) == ["pairwright round open --from MODEL"]
    assert commands(page("rounds", view="Choices")) == ["pairwright mine --batch NAME"]
    assert commands(page("rounds", view="Failures")) == [
        "pairwright batch create NAME --rubric grounding"
    ]
    test = page("rounds", view="Targets")
    assert not test.exception
    assert texts(test)[0].startswith("No category has a target")


def test_the_open_round_shows_its_stages_and_what_blocks_it(
    workspace: Workspace, opened: Batch, page: Page
) -> None:
    test = page("rounds")
    assert not test.exception
    assert test.subheader[0].value == "Round 1: broad coverage of all categories"
    assert "now: 0 of 3 voted" in texts(test)
    assert "Next: 3 of 3 pairs lack votes. Annotators vote on them." in texts(test)
    assert commands(test)[0] == "pairwright link create --batch first --annotator WHO"


def test_a_settled_round_is_trained_by_a_button_and_an_ended_one_leads_to_the_next(
    workspace: Workspace, opened: Batch, label: Callable[..., None], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch="first"), 9)]
        label(tx, opened, "ana", dict.fromkeys(ids, "a"))
    test = page("rounds")
    assert commands(test)[0] == "pairwright round next --yes-no-sft"
    assert test.button(key="take").disabled
    test.checkbox(key="without-sft").check().run()
    test.button(key="take").click().run()
    assert not test.exception
    found = standing.of_round(workspace, 1)
    assert [job.kind for job in found.working] == ["train"]
    assert any("is queued; its progress is on Runs." in text for text in texts(test))


def test_a_target_is_set_and_taken_back(workspace: Workspace, opened: Batch, page: Page) -> None:
    test = page("rounds", view="Targets")
    test.text_input(key="target-category").set_value("counting").run()
    test.button(key="target-Set target").click().run()
    with workspace.ledger.read() as db:
        (one,) = category_targets.listed(db)
    assert (one.category, one.target) == ("counting", 0.8)
    test.button(key="target-Take back").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        assert category_targets.listed(db) == []


def test_a_batch_that_was_chosen_says_why_each_pair_is_in_it(
    workspace: Workspace, opened: Batch, page: Page
) -> None:
    with workspace.ledger.read() as db:
        ids = [view.pair.id for view in pairs.page(db, PairFilter(batch="first"), 9)]
    wanted = [
        Wanted(ids[0], "margin", 0.48, 1.0, {"probability_a": 0.52}),
        Wanted(ids[1], "random", None, 0.5, {"probability_a": 0.9}),
        Wanted(ids[2], "failures", 0.3, 1.0, {"probability_a": 0.9, "cluster": "invents a star"}),
    ]
    detail = {"request": {"note": "Round 3 is for the failure modes that remain."}}
    batching.make(workspace, "second", wanted, actor="mining", detail=detail)
    test = page("rounds", view="Choices")
    assert not test.exception
    table = test.dataframe[0].value
    assert list(table["why"]) == [
        "the model is closest to 50/50",
        "like the largest and growing clusters of failures: invents a star",
        "drawn by lot",
    ]
    assert list(table["propensity"]) == [1.0, 1.0, 0.5]
    assert any("Round 3 is for the failure modes that remain." in text for text in texts(test))


def test_a_cluster_is_named_and_its_like_collected(
    workspace: Workspace,
    make_pair: Callable[..., Pair],
    label_failures: Callable[..., None],
    page: Page,
) -> None:
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "first")
        for number in range(3):
            text = f"a red circle {number}"
            pair = make_pair(tx, f"Describe {number}", text, f"{text} and a star", "describe")
            batches.add_pair(tx, batch.id, pair.id)
            label_failures(tx, batch, text, ["hallucination"])
        make_pair(tx, "Describe 9", "a blue dot", "a blue dot and a star", "describe")
    test = page("rounds", view="Failures")
    assert not test.exception
    assert "3 of 3 decided pairs say what is wrong with the worse answer." in texts(test)
    (name,) = [field for field in test.text_input if str(field.key).startswith("cluster-name")]
    name.set_value("invents a star").run()
    test.button(key="cluster-give").click().run()
    with workspace.ledger.read() as db:
        assert [one.name for one in cluster_names.listed(db)] == ["invents a star"]
    test.text_input(key="collect-batch").set_value("stars").run()
    test.button(key="collect").click().run()
    assert not test.exception
    assert "Batch stars has 1 pair like invents a star." in texts(test)
