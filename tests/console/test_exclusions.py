"""Excluding an annotator by page and by command: what says so, what changes, and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.main import main
from console.views import exclusions as words
from console.views import pair_detail
from rounds import dataset
from rounds.dataset import BuildSettings
from storage import batches, exclusions, pairs
from storage.rows import Batch
from storage.workspace import Workspace

Page = Callable[..., AppTest]
PAIRS = 4


@pytest.fixture
def ids(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> list[str]:
    """The pairs of one batch: ana and ben find A better, cleo finds B better."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=PAIRS, overlap=3)
        found = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), PAIRS)]
        for who, verdict in (("ana", "a"), ("ben", "a"), ("cleo", "b")):
            label(tx, batch, who, dict.fromkeys(found, verdict))
    return found


def lines(test: AppTest, position: int = 0) -> dict[str, dict[str, Any]]:
    rows: list[dict[str, Any]] = test.dataframe[position].value.to_dict("records")
    return {row["annotator"]: row for row in rows}


def test_two_clicks_and_a_reason_exclude_and_bring_back(
    workspace: Workspace, page: Page, ids: list[str]
) -> None:
    test = page("annotators", annotator="cleo", batch="first")
    assert lines(test)["cleo"]["state"] == "yes"
    test.button(key="exclude-ask").click().run()
    assert test.button(key="confirm").disabled
    test.text_input(key="exclude-reason").input("haste").run()
    test.button(key="confirm").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        (event,) = exclusions.in_force(db).standing
    assert (event.annotator, event.batch, event.reason, event.actor) == (
        *("cleo", "first", "haste", "lead"),
    )
    assert lines(test)["cleo"]["state"] == "excluded from first"
    assert (lines(test)["cleo"]["judged"], lines(test)["cleo"]["accuracy"]) == (PAIRS, "n/a")
    texts = [element.value for element in test.text]
    assert "4 votes of cleo are excluded." in texts
    assert "Excluded from batch first: 4 votes so far." in texts
    test.button(key="exclude-ask").click().run()
    test.text_input(key="exclude-reason").input("talked about it").run()
    test.button(key="confirm").click().run()
    assert lines(test)["cleo"]["state"] == "yes"
    history = test.dataframe[2].value.to_dict("records")
    assert [(row["what"], row["reason"]) for row in history] == [
        ("readmitted", "talked about it"),
        ("excluded", "haste"),
    ]


def test_the_pages_of_a_pair_and_of_agreement_say_what_is_left_out(
    workspace: Workspace, page: Page, ids: list[str]
) -> None:
    before = pair_detail.detail(workspace, ids[0])
    assert "from 3 votes" in before.consensus
    words.exclude(workspace, "cleo", "first", "lead", "haste")
    after = pair_detail.detail(workspace, ids[0])
    assert "from 2 votes" in after.consensus
    assert {vote.annotator: vote.counts for vote in after.votes} == {
        "ana": "yes",
        "ben": "yes",
        "cleo": "excluded",
    }
    texts = [element.value for element in page("agreement", batch="first").text]
    assert any(
        text.startswith("8 votes of 2 annotators on 4 pairs")
        and text.endswith("4 votes of cleo are excluded.")
        for text in texts
    )


def test_commands_exclude_list_and_readmit(
    workspace: Workspace, ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(workspace.home))

    def said(*command: str) -> dict[str, Any]:
        assert main([*command, "--json", *home]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    made = said("annotator", "exclude", "cleo", "--reason", "haste", "--by", "mara")
    assert (made["kind"], made["annotator"], made["batch"], made["by"]) == (
        *("exclude", "cleo", None, "mara"),
    )
    listed = said("annotator", "list")
    states = {one["annotator"]: (one["state"], one["votes"]) for one in listed["annotators"]}
    assert states == {"ana": ("", 4), "ben": ("", 4), "cleo": ("excluded", 4)}
    assert listed["excluded_votes"] == {"cleo": 4}
    agreement = said("agreement", "--batch", "first")
    assert (agreement["raters"], agreement["excluded_votes"]) == (2, {"cleo": 4})
    batch = said("batch", "show", "first")
    assert (batch["votes"], batch["excluded_votes"]) == (12, {"cleo": 4})
    assert main(["annotator", "readmit", "cleo", "--reason", "no", "--batch", "first", *home]) == 1
    assert "no such exclusion" in capsys.readouterr().err
    said("annotator", "readmit", "cleo", "--reason", "talked about it")
    assert said("agreement", "--batch", "first")["raters"] == 3


def test_a_version_is_built_without_excluded_votes_and_keeps_why(
    workspace: Workspace, ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = BuildSettings(batch="first", min_agreement=0.9)
    assert dataset.preview(workspace, settings).excluded == {"low agreement": PAIRS}
    words.exclude(workspace, "cleo", "", "mara", "haste")
    version = dataset.build(workspace, settings)
    assert (version.rows, {row.votes for row in dataset.preview(workspace, settings).rows}) == (
        *(PAIRS, {2}),
    )
    kept = version.policy["exclusions"]
    assert kept["votes"] == {"cleo": PAIRS}
    assert [(event["annotator"], event["reason"], event["actor"]) for event in kept["events"]] == [
        ("cleo", "haste", "mara")
    ]
    assert main(["dataset", "show", version.id, "--home", str(workspace.home)]) == 0
    assert "4 votes of cleo are excluded." in capsys.readouterr().out


def test_the_build_form_says_who_is_drawn_and_which_votes_do_not_count(
    workspace: Workspace, page: Page, ids: list[str], label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "second", overlap=1)
        batches.add_pair(tx, batch.id, ids[0])
        label(tx, batch, "dora", {ids[0]: "a"})
    words.exclude(workspace, "cleo", "", "lead", "haste")
    test = page("datasets", view="Build", holdout_by="annotator", holdout="0.25")
    assert not test.exception
    told = [element.value for element in test.text]
    held = "Held out is what dora judged; nothing of it is for training. "
    assert f"{held}4 votes of cleo are excluded." in told
    assert "4 rows of 4 pairs: 3 to train, 1 held out." in told
    assert test.code[0].value.startswith(
        "pairwright dataset build --holdout 0.25 --holdout-by annotator"
    )


def test_votes_of_several_people_are_said_in_one_sentence() -> None:
    assert words.sentence({}) == ""
    assert words.sentence({"ana": 1}) == "1 vote of ana is excluded."
    assert words.sentence({"ana": 12, "ben": 1, "cleo": 2}) == (
        "12 votes of ana, 1 of ben and 2 of cleo are excluded."
    )
