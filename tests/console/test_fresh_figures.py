"""Pages count a vote as soon as it is committed, sealed or not, and name a damaged segment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from storage import pairs, sealing, segments
from storage.rows import Batch
from storage.segments import SegmentKind
from storage.workspace import Workspace

Page = Callable[..., AppTest]


@pytest.fixture
def first(workspace: Workspace, make_batch: Callable[..., Batch]) -> Batch:
    with workspace.ledger.write() as tx:
        return make_batch(tx, name="first", pair_count=3, overlap=2)


def votes_on(overview: AppTest) -> str:
    (row,) = overview.dataframe[0].value.to_dict("records")
    return str(row["votes"])


def test_the_overview_counts_votes_before_and_after_they_are_sealed(
    workspace: Workspace, first: Batch, label: Callable[..., None], page: Page
) -> None:
    test = page()
    assert votes_on(test) == "0 of 6"
    with workspace.ledger.write() as tx:
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(), 3)]
        label(tx, first, "ana", {ids[0]: "a", ids[1]: "b"})
    assert votes_on(test.run()) == "2 of 6"
    sealing.run(workspace, settling_seconds=0)
    assert votes_on(test.run()) == "2 of 6"
    with workspace.ledger.write() as tx:
        label(tx, first, "ben", {ids[0]: "a"})
    assert votes_on(test.run()) == "3 of 6"


@pytest.mark.parametrize("name", ["overview", "pairs"])
def test_a_page_names_a_damaged_segment_and_what_mends_it(
    name: str, workspace: Workspace, first: Batch, label: Callable[..., None], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        (view,) = pairs.page(tx, pairs.PairFilter(), 1)
        label(tx, first, "ana", {view.pair.id: "a"})
    sealing.run(workspace, settling_seconds=0)
    with workspace.ledger.read() as db:
        (made,) = segments.listed(db, SegmentKind.VOTES)
    (workspace.home / made.path).unlink()
    test = page(name)
    assert not test.exception
    words = " ".join(element.value for element in test.text)
    assert f"{made.id}.parquet of votes is missing or damaged." in words
    assert "its worker makes the segment anew from the ledger" in words
    sealing.run(workspace, settling_seconds=0)
    assert "missing or damaged" not in " ".join(element.value for element in test.run().text)
