"""The Annotators page and command: figures of everybody who voted, and what to do about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.main import main
from storage import pairs
from storage.rows import Batch
from storage.workspace import Workspace

Page = Callable[..., AppTest]
PAIRS = 40


@pytest.fixture
def voted(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    """Ana votes for both answers in turn; ben for the one on the left, every time."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=PAIRS, overlap=2)
        found = pairs.page(tx, pairs.PairFilter(batch="first"), PAIRS)
        ids = [view.pair.id for view in found]
        label(tx, batch, "ana", {pair: "ab"[at % 2] for at, pair in enumerate(ids)})
        # A shows on the left for everybody here
        label(tx, batch, "ben", dict.fromkeys(ids, "a"))


def table(test: AppTest, position: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = test.dataframe[position].value.to_dict("records")
    return rows


def test_without_votes_the_page_leads_to_links(workspace: Workspace, page: Page) -> None:
    test = page("annotators")
    assert not test.exception
    assert [element.value for element in test.markdown] == ["**Nobody has voted yet.**"]


def test_everybody_has_a_line_and_votes_have_leanings(page: Page, voted: None) -> None:
    test = page("annotators", batch="first")
    assert not test.exception
    ana, ben = table(test, 0)
    assert (ana["annotator"], ana["judged"], ana["left"]) == ("ana", PAIRS, "50.0%")
    assert (ben["left"], ben["findings"]) == ("100.0%", 2)
    everything, counting = table(test, 1)
    assert (everything["category"], everything["votes"]) == ("all", 2 * PAIRS)
    assert everything["left"].startswith("75.0% (")
    assert counting["votes"] == 2 * PAIRS
    assert any("lean to the left side" in element.value for element in test.text)


def test_how_often_the_longer_answer_wins_is_told_by_category_and_length_ratio(
    page: Page, voted: None
) -> None:
    test = page("annotators", batch="first")
    every = {line["ratio"]: line for line in table(test, 2)}
    (counting,) = table(test, 3)
    assert counting.pop("Category") == "counting"
    told = {ratio: cell for ratio, cell in counting.items() if cell}
    assert told.keys() == every.keys()
    for ratio, cell in told.items():
        assert cell.endswith(f" of {every[ratio]['n']:,}")
        share = float(every[ratio]["longer"].removesuffix("%"))
        assert cell.startswith(f"{share:.0f}% (")


def test_a_chosen_annotator_is_in_the_address_with_what_to_do(page: Page, voted: None) -> None:
    test = page("annotators", annotator="ben")
    texts = [element.value for element in test.text]
    assert any(text.startswith("Chooses the left side in 100% of 40 votes") for text in texts)
    figures = {line["figure"]: line for line in table(test, 1)}
    assert figures["Left side"]["n"] == str(PAIRS)
    assert "corrected for all" in figures["Left side"]["meaning"]
    assert figures["Gold pairs right"]["value"] == "n/a"


def test_an_annotator_who_is_not_there_is_no_error(page: Page, voted: None) -> None:
    test = page("annotators", annotator="nobody")
    assert not test.exception
    assert len(test.dataframe) == 4


def test_the_command_says_the_same_as_json_and_in_lines(
    workspace: Workspace, voted: None, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(workspace.home))
    assert main(["annotator", "list", "--json", *home]) == 0
    said = json.loads(capsys.readouterr().out)
    ana, ben = said["annotators"]
    assert ben["left"]["value"] == 1.0
    assert ben["left"]["p_corrected"] < 1e-9
    assert ana["estimated_accuracy"]["ci95"]
    assert said["biases"]["position"]["n"] == 2 * PAIRS
    assert main(["annotator", "show", "ben", *home]) == 0
    assert "chooses the left side in 100%" in capsys.readouterr().out
    assert main(["annotator", "list", *home]) == 0
    assert "ana" in capsys.readouterr().out
    assert main(["annotator", "show", "bem", *home]) == 1
    assert "ben" in capsys.readouterr().err
