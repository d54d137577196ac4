"""Agreement of votes: who has a voice, what counts as a tie, and what cannot be measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars
import pytest

from labeling.agreement import intervals, report
from labeling.agreement.figure import NOT_SHARED
from labeling.agreement.intervals import Resampling
from labeling.agreement.table import RatingTable
from storage import pairs
from storage.errors import NotFoundError
from storage.rows import AssignmentKind, Batch, EffectiveVote, Verdict
from storage.workspace import Workspace


def cast(table: dict[str, str], batch: str = "batch", at: int = 1) -> list[EffectiveVote]:
    """`{"pair": "a b -"}`: one column per annotator, `-` for no vote."""
    return [
        EffectiveVote(
            assignment_id=f"{batch}{pair}{who}",
            batch_id=batch,
            pair_id=pair,
            annotator=f"person {who}",
            verdict=Verdict(verdict),
            left="a",
            received_at=at,
        )
        for pair, row in table.items()
        for who, verdict in enumerate(row.split())
        if verdict != "-"
    ]


def measured(votes: list[EffectiveVote]) -> report.Coefficients:
    return report.of_table(table_of(votes), report.ORIENTATION).with_ties


def table_of(votes: list[EffectiveVote]) -> RatingTable:
    text = ("pair", "annotator", "verdict", "kind")
    schema = dict.fromkeys(text, polars.String()) | {"received_at": polars.Int64()}
    rows = [
        (vote.pair_id, vote.annotator, str(vote.verdict), str(vote.kind), vote.received_at)
        for vote in votes
    ]
    return report.table_of_votes(polars.DataFrame(rows, schema=schema, orient="row"))


def test_agreement_is_the_mean_share_of_agreeing_annotator_pairs() -> None:
    found = measured(cast({"p": "a a a", "q": "a a b", "r": "a b -", "s": "b - -"}))
    assert found.percent_agreement.value == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert (found.percent_agreement.n, found.items, found.votes) == (3, 4, 9)


def test_skips_are_no_votes_and_both_bad_is_a_tie() -> None:
    found = measured(cast({"p": "skip a a", "q": "both_bad tie -"}))
    assert (found.percent_agreement.value, found.percent_agreement.n) == (1.0, 2)
    assert found.votes == 4


def test_an_annotator_has_one_voice_on_a_pair_that_stands_in_two_batches() -> None:
    early, late = cast({"p": "a a"}, "one", at=1), cast({"p": "b -"}, "two", at=2)
    found = measured(late + early)
    assert (found.votes, found.percent_agreement.value) == (2, 0.0)


def test_a_leads_decision_and_a_gold_pair_are_no_votes_of_equals() -> None:
    votes = cast({"p": "a a", "q": "a b"})
    lead = replace(votes[0], annotator="lead", verdict=Verdict.B, kind=AssignmentKind.ADJUDICATION)
    gold = [replace(vote, pair_id="g", kind=AssignmentKind.GOLD) for vote in votes[:2]]
    assert measured([*votes, lead, *gold]) == measured(votes)


def test_agreement_without_a_shared_pair_is_undefined_and_says_so() -> None:
    found = measured(cast({"p": "a -", "q": "- b"}))
    assert found.cohen_kappa == ()
    for figure in (found.percent_agreement, found.gwet_ac1, found.krippendorff_alpha):
        assert (figure.value, figure.ci95, figure.n) == (None, None, 0)
        assert figure.reason == NOT_SHARED


def test_no_vote_at_all_is_undefined_too() -> None:
    found = measured([])
    assert (found.items, found.raters, found.votes) == (0, 0, 0)
    assert found.fleiss_kappa.reason == NOT_SHARED


def test_a_verdict_lies_between_the_other_two_when_it_is_a_tie() -> None:
    """For the ordinal alpha a and tie are nearer than a and b."""
    near = measured(cast({"p": "a tie", "q": "b b", "r": "a a", "s": "tie tie"}))
    far = measured(cast({"p": "a b", "q": "b b", "r": "a a", "s": "tie tie"}))
    assert near.krippendorff_alpha_ordinal is not None
    assert far.krippendorff_alpha_ordinal is not None
    assert near.krippendorff_alpha.value == pytest.approx(far.krippendorff_alpha.value, abs=0.01)
    assert near.krippendorff_alpha_ordinal.value is not None
    assert far.krippendorff_alpha_ordinal.value is not None
    assert near.krippendorff_alpha_ordinal.value > far.krippendorff_alpha_ordinal.value + 0.2


def test_a_prevalent_label_is_named_where_kappa_falls_although_people_agree() -> None:
    """The paradox of Feinstein and Cicchetti: 94% agreement, kappa below zero."""
    votes = {f"p{n}": "a a" for n in range(118)}
    votes |= {f"q{n}": "a b" for n in range(5)} | {f"r{n}": "b a" for n in range(2)}
    found = measured(cast(votes))
    assert found.prevalent == "a"
    even = measured(cast({"p": "a a", "q": "b b", "r": "a b", "s": "b b", "t": "a a"}))
    assert even.prevalent == ""


def test_the_same_votes_give_the_same_interval_and_another_seed_another() -> None:
    table = table_of(cast({f"p{n}": "a a b" if n % 3 else "a b b" for n in range(9)}))
    one, again = (report.of_table(table, "") for _ in range(2))
    other = report.of_table(table, "", Resampling(seed=5, resamples=150))
    assert one == again
    assert one.with_ties.percent_agreement == again.with_ties.percent_agreement
    assert one.with_ties.krippendorff_alpha.value == other.with_ties.krippendorff_alpha.value
    assert one.with_ties.krippendorff_alpha.ci95 != other.with_ties.krippendorff_alpha.ci95


def test_a_batch_and_all_batches_are_measured_from_the_ledger(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        for name, verdicts in (("first", ("a", "a")), ("second", ("a", "b"))):
            batch = make_batch(tx, name=name, pair_count=4, overlap=2)
            ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch=name), 4)]
            for who, verdict in zip(("ana", "ben"), verdicts, strict=True):
                label(tx, batch, who, dict.fromkeys(ids, verdict))
    first = report.of_batch(workspace, "first")
    everything = report.of_batch(workspace)
    assert first.with_ties.percent_agreement.value == 1.0
    assert everything.with_ties.percent_agreement.value == pytest.approx(0.5)
    assert (everything.with_ties.items, everything.with_ties.votes) == (8, 16)
    assert everything.without_ties is None
    with pytest.raises(NotFoundError, match="third"):
        report.of_batch(workspace, "third")


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion (1998), method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_equals_published_values(
    successes: int, n: int, low: float, high: float
) -> None:
    interval = intervals.wilson_interval(successes / n, n)
    assert interval == pytest.approx((low, high), abs=5e-5)
