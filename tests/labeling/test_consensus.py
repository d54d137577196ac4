"""Majority with confidence: what the votes on a pair settle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import consensus
from labeling.consensus import ConsensusPolicy
from storage.errors import WrongInputError
from storage.rows import AssignmentKind, EffectiveVote, Verdict

FLIPPED = {Verdict.A: Verdict.B, Verdict.B: Verdict.A}


def cast(*verdicts: str) -> list[EffectiveVote]:
    return [
        EffectiveVote(f"as{n}", "batch", "pair", f"person {n}", Verdict(verdict), "a", n)
        for n, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "outcome", "confidence"),
    [
        (("a",), "a", 0.75),
        (("b",), "b", 0.75),
        (("a", "a"), "a", 0.9),
        (("a", "b", "a"), "a", 0.75),
        (("b", "b", "b"), "b", 27 / 28),
        (("a", "a", "tie"), "a", 0.9),
        (("a", "skip"), "a", 0.75),
    ],
)
def test_a_majority_wins_with_the_posterior_of_its_lead(
    verdicts: tuple[str, ...], outcome: str, confidence: float
) -> None:
    settled = consensus.settle(cast(*verdicts))
    assert settled.outcome == outcome
    assert settled.confidence == pytest.approx(confidence)
    assert settled.settled


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ((), "no votes"),
        (("skip", "skip"), "no votes"),
        (("tie",), "tie"),
        (("both_bad", "tie"), "tie"),
        (("a", "b"), "disputed"),
        (("a", "tie"), "disputed"),
        (("a", "a", "b", "tie"), "low agreement"),
        (("tie", "tie", "a", "b"), "low agreement"),
    ],
)
def test_votes_without_a_winner_say_why(verdicts: tuple[str, ...], reason: str) -> None:
    settled = consensus.settle(cast(*verdicts))
    assert settled.reason == reason
    assert settled.confidence == 0
    assert settled.outcome == ("tie" if reason == "tie" else None)


def test_fewer_votes_than_wanted_settle_nothing() -> None:
    settled = consensus.settle(cast("a", "a"), ConsensusPolicy(min_votes=3))
    assert settled.reason == "too few votes"
    assert settled.votes == 2


def test_two_of_three_meet_an_agreement_of_0_67() -> None:
    assert consensus.settle(cast("a", "a", "b"), ConsensusPolicy(min_agreement=0.67)).settled
    assert not consensus.settle(cast("a", "a", "b"), ConsensusPolicy(min_agreement=0.7)).settled


def test_an_annotator_with_two_votes_on_a_pair_has_one_voice() -> None:
    twice = [
        EffectiveVote("x", "first batch", "pair", "Ada", Verdict.A, "a", 1),
        EffectiveVote("y", "second batch", "pair", "Ada", Verdict.B, "a", 2),
    ]
    settled = consensus.settle(twice)
    assert (settled.outcome, settled.votes) == ("b", 1)


def decided(verdict: str, at: int, who: str = "the lead") -> EffectiveVote:
    kind = AssignmentKind.ADJUDICATION
    return EffectiveVote(f"decision {at}", "batch", "pair", who, Verdict(verdict), "a", at, kind)


@pytest.mark.parametrize("verdicts", [(), ("b",), ("a", "b"), ("b", "b", "b"), ("skip",)])
def test_a_lead_decides_before_all_votes_and_policies(verdicts: tuple[str, ...]) -> None:
    votes = [decided("b", 1), *cast(*verdicts), decided("a", 3)]
    settled = consensus.settle(votes, ConsensusPolicy(min_votes=9, min_agreement=1))
    assert (settled.outcome, settled.confidence, settled.reason) == ("a", 1.0, "")
    assert settled.decided_by == "the lead"
    assert settled.votes == sum(verdict != "skip" for verdict in verdicts)


def test_a_lead_may_call_it_a_tie() -> None:
    settled = consensus.settle([*cast("a", "a"), decided("tie", 5)])
    assert (settled.outcome, settled.reason, settled.confidence) == ("tie", "tie", 0)
    assert not settled.settled


def test_a_decision_is_no_voice_of_the_lead_who_also_voted() -> None:
    votes = [*cast("b"), decided("a", 2, who="person 0")]
    assert consensus.voices(votes) == {"person 0": "b"}
    assert consensus.settle(votes).decided_by == "person 0"


@given(st.lists(st.sampled_from([v.value for v in Verdict]), max_size=9))
def test_exchanging_a_and_b_exchanges_the_outcome(verdicts: list[str]) -> None:
    straight = consensus.settle(cast(*verdicts))
    flipped = consensus.settle(cast(*(FLIPPED.get(Verdict(v), Verdict(v)) for v in verdicts)))
    expected = straight.outcome and FLIPPED.get(straight.outcome, straight.outcome)
    assert flipped.outcome == expected
    assert (flipped.reason, flipped.confidence) == (straight.reason, straight.confidence)


@given(st.lists(st.sampled_from([v.value for v in Verdict]), max_size=9))
def test_a_winner_is_at_least_as_sure_as_one_vote(verdicts: list[str]) -> None:
    settled = consensus.settle(cast(*verdicts))
    assert settled.confidence == 0 if not settled.settled else 0.75 <= settled.confidence < 1


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "loudest"},
        {"min_confidence": 1.0},
        {"min_votes": 0},
        {"min_agreement": 1.5},
        {"accuracy": 0.5},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(WrongInputError, match=str(next(iter(settings.values())))):
        ConsensusPolicy(**settings)  # type: ignore[arg-type]


def test_a_weighted_majority_follows_the_few_who_are_right_more_often() -> None:
    known = {"person 0": 0.95, "person 1": 0.55, "person 2": 0.55}
    weighted = ConsensusPolicy(name="weighted", accuracies=known)
    votes = cast("a", "b", "b")
    settled = consensus.settle(votes, weighted)
    assert settled.outcome == "a"
    # odds 19 to (11/9) squared
    assert settled.confidence == pytest.approx(19 / (19 + (11 / 9) ** 2))
    assert consensus.settle(votes).outcome == "b"
    # without estimates everybody weighs the same
    unknown = consensus.settle(votes, ConsensusPolicy(name="weighted"))
    assert (unknown.outcome, unknown.confidence) == ("b", pytest.approx(0.75))
    assert unknown.agreement == pytest.approx(2 / 3)


def test_who_is_right_as_a_coin_is_weighs_nothing() -> None:
    coins = ConsensusPolicy(name="weighted", accuracies={"person 0": 0.5, "person 1": 0.2})
    assert consensus.settle(cast("a", "b"), coins).reason == "disputed"
    assert consensus.settle(cast("a"), coins).reason == "disputed"


def test_unanimity_asks_for_every_vote() -> None:
    policy = ConsensusPolicy(name="unanimous", min_agreement=0)
    assert consensus.settle(cast("a", "a", "a"), policy).settled
    assert consensus.settle(cast("a", "a", "b"), policy).reason == "not unanimous"
    assert consensus.settle(cast("tie", "both_bad"), policy).reason == "tie"
    assert consensus.settle([*cast("a", "b"), decided("b", 5)], policy).outcome == "b"


def test_leads_alone_settle_what_is_to_be_adjudicated() -> None:
    policy = ConsensusPolicy(name="adjudicated")
    assert consensus.settle(cast("a", "a"), policy).reason == "not adjudicated"
    assert consensus.settle([*cast("a", "a"), decided("b", 5)], policy).decided_by != ""
    assert consensus.settle([], policy).reason == "no votes"


def test_a_winner_that_is_not_sure_enough_is_left_out() -> None:
    policy = ConsensusPolicy(min_confidence=0.8)
    assert consensus.settle(cast("a"), policy).reason == "low confidence"
    assert consensus.settle(cast("a", "a"), policy).outcome == "a"
