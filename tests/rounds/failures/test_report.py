"""Failures of a workspace: counted by kind, named by leads, and turned into the next batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rounds.failures import collecting, report
from storage import batches, cluster_names, pairs, picks
from storage.errors import NotFoundError, WrongInputError
from storage.pairs import PairFilter
from storage.rows import Batch, Pair
from storage.workspace import Workspace


@pytest.fixture
def failed(
    workspace: Workspace, make_pair: Callable[..., Pair], label_failures: Callable[..., None]
) -> Batch:
    """Six pairs: in four of them the answer that lost invents a star, one of those only in a note;
    of one nobody says what is wrong, and one is a tie. Two more wait, unlabeled."""
    said = [["hallucination"]] * 3 + [[], [], None]
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "first")
        for number, failures in enumerate(said):
            text = f"a red circle {number}"
            pair = make_pair(tx, f"Describe {number}", text, f"{text} and a star", "describe")
            batches.add_pair(tx, batch.id, pair.id)
            note = "invents a star" if number == 3 else ""
            label_failures(tx, batch, text, failures, note)
        waiting = batches.create(tx, "waiting")
        for number in (8, 9):
            text = f"a blue square {number}"
            pair = make_pair(tx, f"Describe {number}", text, f"{text} and a star", "describe")
            batches.add_pair(tx, waiting.id, pair.id)
        batches.add_pair(tx, waiting.id, make_pair(tx, "Count", "one", "two", "counting").id)
    return batch


def test_failures_are_counted_by_kind_and_what_nobody_named_is_told(
    workspace: Workspace, failed: Batch
) -> None:
    found = report.of_workspace(workspace, batch="first")
    assert (found.decided, found.unnamed) == (5, 1)
    (kind,) = found.kinds
    assert (kind.label, kind.size, kind.said_by_notes) == ("Hallucination", 4, 1)
    (cluster,) = kind.clusters
    assert set(cluster.cluster.terms) == {"+and", "+a", "+star"}


def test_a_name_is_given_found_and_taken_back(workspace: Workspace, failed: Batch) -> None:
    (kind,) = report.of_workspace(workspace).kinds
    members = sorted(kind.clusters[0].cluster.pair_ids)
    with workspace.ledger.write() as tx:
        cluster_names.give(tx, "hallucination", "invents  a star", members, actor="lead")
    found = report.of_workspace(workspace).find("hallucination", "invents a star")
    assert found.given
    with workspace.ledger.write() as tx:
        cluster_names.forget(tx, "hallucination", "invents a star", actor="lead")
    with pytest.raises(NotFoundError, match="Clusters of it: "):
        report.of_workspace(workspace).find("hallucination", "invents a star")
    with workspace.ledger.write() as tx, pytest.raises(WrongInputError, match="cannot be a name"):
        cluster_names.give(tx, "hallucination", " ", members, actor="lead")


def test_a_batch_for_a_cluster_takes_unlabeled_pairs_of_its_categories_and_says_why(
    workspace: Workspace, failed: Batch
) -> None:
    (kind,) = report.of_workspace(workspace).kinds
    made = collecting.collect(workspace, kind.clusters[0], "stars", size=10)
    with workspace.ledger.read() as db:
        chosen = picks.of_batch(db, made.id)
        views = pairs.page(db, PairFilter(batch="stars"), 9)
        assert picks.unlabeled(db, failed.id) == []
    assert {view.prompt.question for view in views} == {"Describe 8", "Describe 9"}
    assert sorted(one.strategy for one in chosen) == ["cluster", "random"]
    assert {one.detail["kind"] for one in chosen} == {"hallucination"}
    by_strategy = {one.strategy: one.propensity for one in chosen}
    assert by_strategy == {"cluster": 1.0, "random": 0.5}


def test_without_unlabeled_pairs_the_next_step_is_said(
    workspace: Workspace, failed: Batch, label_failures: Callable[..., None]
) -> None:
    (kind,) = report.of_workspace(workspace).kinds
    with workspace.ledger.write() as tx:
        waiting = batches.get(tx, "waiting")
        for _ in range(3):
            label_failures(tx, waiting, "x", [])
    with pytest.raises(WrongInputError, match="No unlabeled pair is of the cluster's categories"):
        collecting.collect(workspace, kind.clusters[0], "stars", size=10)
