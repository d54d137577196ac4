"""A model as judge is measured against the experts and never counted among them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labeling import judges
from labeling.agreement import report
from storage import exclusions, judgements, pairs
from storage.errors import NotFoundError
from storage.rows import Batch
from storage.workspace import Workspace

Says = Callable[..., None]


@pytest.fixture
def labeled(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> list[str]:
    """Ten pairs: experts say a four times, b three times, tie, are split, and see not the last."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=10, overlap=2)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 20)]
        settled = dict(zip(ids, ["a"] * 4 + ["b"] * 3 + ["tie"], strict=False))
        label(tx, batch, "ana", {**settled, ids[8]: "a"})
        label(tx, batch, "ben", {**settled, ids[8]: "b"})
    return ids


def test_kappa_with_the_experts_is_that_of_the_table_of_both(
    workspace: Workspace, labeled: list[str], judge_says: Says
) -> None:
    said = [("a", "a")] * 3 + [("b", "b")] * 3 + [("a", "b")] + [("tie", "tie")]
    judge_says(dict(zip(labeled, [*said, ("a", "a"), ("b", "b")], strict=True)))
    (found,) = judges.against_experts(workspace, "first")
    assert (found.judge, found.version, found.judged) == ("m", "v1", 10)
    assert found.consistency == 0.9
    # experts by judge: a a 3, a b 1, b b 2, b tie 1, tie tie 1; po 6/8, pe (12 + 9 + 2) / 64
    assert found.with_ties is not None
    assert found.with_ties.n == 8
    assert found.with_ties.value == pytest.approx((6 / 8 - 23 / 64) / (1 - 23 / 64))
    # without ties: a a 3, a b 1, b b 2; po 5/6, pe (12 + 6) / 36
    assert found.without_ties is not None
    assert found.without_ties.n == 6
    assert found.without_ties.value == pytest.approx((5 / 6 - 1 / 2) / (1 - 1 / 2))
    assert found.without_ties.ci95 is not None


def test_labels_of_a_model_change_no_figure_of_the_annotators(
    workspace: Workspace, labeled: list[str], judge_says: Says
) -> None:
    before = report.of_batch(workspace, "first")
    judge_says({pair: ("b", "b") for pair in labeled})
    assert report.of_batch(workspace, "first") == before
    assert before.with_ties.raters == 2
    assert {rater for pair in before.with_ties.cohen_kappa for rater in pair.raters} == {
        "ana",
        "ben",
    }


def test_the_latest_word_of_a_judge_counts_and_each_version_stands_alone(
    workspace: Workspace, labeled: list[str], judge_says: Says
) -> None:
    one, other = labeled[:2]
    judge_says({one: ("a", "a"), other: ("a", "a")}, at=1)
    judge_says({one: ("b", "b")}, at=2)
    judge_says({one: ("a", "b")}, version="v2", at=3)
    assert [(j.version, j.judged) for j in judges.against_experts(workspace)] == [
        ("v2", 1),
        ("v1", 2),
    ]
    latest = judgements.by_pair(workspace, "m", "v1")
    assert {pair: each.verdict.value for pair, each in latest.items()} == {one: "b", other: "a"}
    assert judgements.find(workspace, "m").version == "v2"
    assert judgements.find(workspace, "m@v1").pairs == 2
    with pytest.raises(NotFoundError, match="No judge 'x'"):
        judgements.find(workspace, "x")


def test_experts_whose_votes_are_excluded_have_no_word(
    workspace: Workspace, labeled: list[str], judge_says: Says
) -> None:
    judge_says({pair: ("a", "a") for pair in labeled})
    (before,) = judges.against_experts(workspace)
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "ben", actor="lead", reason="lazy")
    (after,) = judges.against_experts(workspace)
    # the ninth pair was split; without ben it is settled
    assert before.with_ties is not None
    assert after.with_ties is not None
    assert (before.with_ties.n, after.with_ties.n) == (8, 9)


def test_a_batch_without_judged_pairs_has_no_judge(
    workspace: Workspace,
    labeled: list[str],
    judge_says: Says,
    make_batch: Callable[..., Batch],
) -> None:
    with workspace.ledger.write() as tx:
        make_batch(tx, name="second", pair_count=1)
    assert judges.against_experts(workspace) == []
    judge_says({labeled[9]: ("a", "a")})
    assert judges.against_experts(workspace, "second") == []
    (found,) = judges.against_experts(workspace, "first")
    # nobody but the model has seen that pair
    assert (found.with_ties, found.without_ties) == (None, None)
