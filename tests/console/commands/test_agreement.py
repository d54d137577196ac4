"""pairwright agreement, of a table and of votes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import pairs
from storage.rows import Batch
from storage.workspace import Workspace

Pairwright = Callable[..., Any]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The 50 grants: two readers, 70% agreement, kappa 0.4."""
    cells = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    lines = [
        f"{item},{reader},{label}"
        for item, cell in enumerate(cells)
        for reader, label in zip(("ana", "ben"), cell, strict=True)
    ]
    path = tmp_path / "grants.csv"
    path.write_text("\n".join(["item,rater,label", *lines]) + "\n")
    return path


def test_a_table_needs_no_workspace_and_answers_in_the_documented_fields(
    pairwright: Pairwright, table: Path
) -> None:
    found = pairwright("agreement", "--table", table, "--json").result
    assert (found["items"], found["raters"], found["votes"]) == (50, 2, 100)
    assert found["percent_agreement"] == pytest.approx(0.7)
    for name, value in {
        "percent": 0.7,
        "fleiss_kappa": 0.393939,
        "krippendorff_alpha": 0.4,
        "gwet_ac1": 0.405941,
    }.items():
        assert found[name]["value"] == pytest.approx(value, abs=1e-6)
        assert found[name]["ci95"][0] < value < found[name]["ci95"][1]
        assert (found[name]["n"], found[name]["reason"]) == (50, "")
    (pair,) = found["cohen_kappa"]
    assert (pair["raters"], pair["n"]) == (["ana", "ben"], 50)
    assert pair["value"] == pytest.approx(0.4)
    assert pair["ci95"] == pytest.approx([0.151092, 0.648908], abs=1e-6)
    assert found["without_ties"] is None
    assert found["intervals"]["resamples"] == 2000


def test_without_json_it_is_a_table_with_intervals(pairwright: Pairwright, table: Path) -> None:
    ended = pairwright("agreement", "--table", table)
    assert ended.code == 0
    assert "100 judgements of 2 raters on 50 items" in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("ana")]
    numbers = ["0.400", "0.151", "to", "0.649", "50", "70.0%", "0.10", "0.10"]
    assert line.split() == ["ana", "ben", *numbers, "-"]


def test_a_bad_table_is_an_error_with_line_and_value(pairwright: Pairwright, table: Path) -> None:
    table.write_text(table.read_text() + "7,ana,y\n")
    ended = pairwright("agreement", "--table", table)
    assert ended.code == 1
    assert "line 102: rater 'ana' judges item '7' a second time" in ended.err


def test_a_batch_and_a_table_exclude_each_other(pairwright: Pairwright, table: Path) -> None:
    assert pairwright("agreement", "--table", table, "--batch", "first").code == 2
    assert pairwright("agreement", "--table", table, "--by", "category").code == 2


def test_votes_are_measured_with_ties_and_without(
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
    pairwright: Pairwright,
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=4, overlap=2)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 4)]
        label(tx, batch, "ana", dict(zip(ids, ("a", "b", "tie", "a"), strict=True)))
        label(tx, batch, "ben", dict(zip(ids, ("a", "b", "b", "b"), strict=True)))
    found = pairwright("agreement", "--batch", "first", "--json").result
    assert (found["batch"], found["items"], found["percent_agreement"]) == (
        "first",
        4,
        0.5,
    )
    assert found["without_ties"]["percent_agreement"] == pytest.approx(2 / 3)
    assert "whatever side" in found["orientation"]
    assert pairwright("agreement", "--json").result["votes"] == 8
    (part,) = pairwright("agreement", "--by", "category", "--json").result["parts"].items()
    assert (part[0], part[1]["votes"], part[1]["without_ties"]["votes"]) == ("counting", 8, 7)
    lines = pairwright("agreement", "--by", "round").out.splitlines()
    both = [line.split()[:5] for line in lines if line.startswith("imported")]
    assert both == [["imported", "all", "4", "of", "4"], ["imported", "all", "but", "ties", "3"]]


def test_votes_that_nobody_shares_are_undefined_with_the_reason(imported: Pairwright) -> None:
    found = imported("agreement", "--batch", "first", "--json")
    assert found.code == 0
    assert found.result["fleiss_kappa"]["value"] is None
    assert "no two people" in found.result["fleiss_kappa"]["reason"]
    assert found.result["cohen_kappa"] == []


def test_an_unknown_batch_is_answered_with_the_nearest(imported: Pairwright) -> None:
    ended = imported("agreement", "--batch", "frist")
    assert ended.code == 1
    assert "The nearest is 'first'." in ended.err
