"""The pages as Streamlit runs them, on no workspace, an empty one, and one with pairs and votes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from storage import batches, pairs
from storage.rows import Batch, Pair
from storage.workspace import Workspace

Page = Callable[..., AppTest]
PAGES = ("overview", "pairs", "runs")
HOSTILE = "![x](https://evil.test/x.png) <script>alert(1)</script> **bold** :smile: $x$"


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def commands(test: AppTest) -> list[str]:
    return [element.value for element in test.code]


def address(test: AppTest) -> dict[str, str]:
    """What the address says after the question mark."""
    found = {key: test.query_params[key] for key in test.query_params}
    return {key: value if isinstance(value, str) else value[0] for key, value in found.items()}


def listed(test: AppTest) -> list[str]:
    """The prompts in the list of pairs."""
    return list(test.dataframe[0].value["prompt"])


@pytest.fixture
def first(workspace: Workspace, make_batch: Callable[..., Batch]) -> Batch:
    with workspace.ledger.write() as tx:
        return make_batch(tx, name="first", pair_count=30, overlap=2)


@pytest.mark.parametrize("name", PAGES)
def test_without_a_workspace_every_page_says_how_to_make_one(name: str, page: Page) -> None:
    test = page(name)
    assert not test.exception
    assert "No workspace was found" in texts(test)[0]
    assert re.match(r"pairwright init --home \S+", commands(test)[0])


@pytest.mark.parametrize(
    ("name", "command", "to"),
    [
        ("overview", "pairwright import FILE --batch NAME", "Import"),
        ("pairs", "pairwright import FILE --batch NAME", "Import"),
        ("runs", "pairwright train --dataset V --from MODEL", "Train"),
    ],
)
def test_in_an_empty_workspace_every_page_has_one_next_step(
    name: str, command: str, to: str, workspace: Workspace, page: Page
) -> None:
    test = page(name)
    assert not test.exception
    assert [link.proto.label for link in test.get("page_link")] == [to]
    assert [line.split(" --home")[0] for line in commands(test)] == [command]


def test_the_overview_counts_batches_and_says_what_comes_next(
    workspace: Workspace, first: Batch, label: Callable[..., None], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 3)]
        label(tx, first, "ana", {ids[0]: "a", ids[1]: "a", ids[2]: "tie"})
        label(tx, first, "ben", {ids[0]: "a", ids[1]: "b", ids[2]: "tie"})
    test = page()
    assert not test.exception
    (row,) = test.dataframe[0].value.to_dict("records")
    assert (row["batch"], row["pairs"], row["votes"], row["percent"]) == (
        "first",
        30,
        "6 of 60",
        10,
    )
    assert (row["settled"], row["disputes"], row["ties"], row["unsettled"]) == (1, 1, 1, 29)
    assert "Batch first: 27 of 30 pairs lack votes, and nobody has an active link." in texts(test)


# that a widget writes itself into the address is the browser's part: tests/browser checks it
def test_pairs_are_paged_with_a_total(first: Batch, page: Page) -> None:
    test = page("pairs")
    assert "Pairs 1 to 25 of 30" in texts(test)
    assert len(listed(test)) == 25
    assert test.button(key="page-first").disabled
    test.button(key="page-next").click().run()
    assert "Pairs 26 to 30 of 30" in texts(test)
    assert test.button(key="page-next").disabled
    test.button(key="page-previous").click().run()
    assert "Pairs 1 to 25 of 30" in texts(test)
    test.button(key="page-last").click().run()
    assert "Pairs 6 to 30 of 30" in texts(test)
    test.button(key="page-first").click().run()
    assert "Pairs 1 to 25 of 30" in texts(test)


def test_the_address_holds_every_filter(
    workspace: Workspace, first: Batch, label: Callable[..., None], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 3)]
        label(tx, first, "ana", {ids[0]: "a", ids[1]: "b"})
    query = {"batch": "first", "annotator": "ana", "verdict": "B is better", "text": "question"}
    test = page("pairs", **query)
    assert "Pairs 1 to 1 of 1" in texts(test)
    assert address(test) == query


def test_a_changed_filter_starts_again_at_the_first_page(first: Batch, page: Page) -> None:
    test = page("pairs", before="end", pair="gone")
    test.selectbox(key="batch").set_value("first").run()
    assert "Pairs 1 to 25 of 30" in texts(test)
    assert "pair" not in address(test)


def test_a_search_that_finds_nothing_says_so(first: Batch, page: Page) -> None:
    test = page("pairs", text="no such words")
    assert "No pair matches these filters." in texts(test)


def test_a_pair_shows_votes_with_sides_consensus_and_source(
    workspace: Workspace, first: Batch, label: Callable[..., None], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        (view,) = pairs.page(tx, pairs.PairFilter(batch="first"), 1)
        label(tx, first, "ana", {view.pair.id: "b"})
    test = page("pairs", pair=view.pair.id)
    words = texts(test)
    assert f"Pair {view.pair.id[:12]} · counting · B, confidence 0.75 from 1 vote" in words
    assert words.index(view.text_a) < words.index(view.text_b)
    assert "from file test.jsonl" in words
    assert [badge.value for badge in test.markdown if "badge" in badge.value] != []
    (vote,) = test.dataframe[1].value.to_dict("records")
    assert (vote["annotator"], vote["verdict"], vote["shown"]) == (
        "ana",
        "B is better",
        "A left, B right",
    )


def test_an_unknown_pair_in_the_address_is_explained(first: Batch, page: Page) -> None:
    test = page("pairs", pair="no-such-pair")
    assert not test.exception
    assert "No pair has the id 'no-such-pair'." in texts(test)


def test_what_models_and_people_wrote_is_never_markdown(
    workspace: Workspace, make_pair: Callable[..., Pair], label: Callable[..., None], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, HOSTILE[:60])
        pair = make_pair(tx, HOSTILE, HOSTILE, f"other {HOSTILE}", category=HOSTILE[:60])
        batches.add_pair(tx, batch.id, pair.id)
        label(tx, batch, HOSTILE[:60], {pair.id: "a"})
    for test in (page(), page("pairs", pair=pair.id)):
        assert not test.exception
        rendered = [element.value for element in (*test.markdown, *test.caption, *test.subheader)]
        assert not [value for value in rendered if "evil" in value or "smile" in value]
    assert texts(test).count(HOSTILE) == 2


def test_a_picture_whose_bytes_are_lost_is_named(
    workspace: Workspace, page: Page, tmp_path: Path
) -> None:
    from PIL import Image

    from storage import swift_import

    Image.new("RGB", (8, 8), "red").save(tmp_path / "p.png")
    record = (
        '{"messages":[{"role":"user","content":"<image>What is it?"},'
        '{"role":"assistant","content":"red"}],"rejected_response":"blue","images":["p.png"]}'
    )
    (tmp_path / "f.jsonl").write_text(record, encoding="utf-8")
    swift_import.import_file(workspace, tmp_path / "f.jsonl", batch="pictures")
    assert page("pairs").get("image")
    with workspace.ledger.read() as db:
        (view,) = pairs.page(db, pairs.PairFilter(batch="pictures"), 1)
    Path(workspace.media.path_of(view.prompt.media[0])).unlink()
    test = page("pairs")
    assert not test.exception
    assert any("its bytes are missing" in text for text in texts(test))
