"""Many pairs settled as columns are settled as each of them is by itself."""

from __future__ import annotations

import random

import polars
import pytest

from labeling import consensus, outcomes
from labeling.consensus import ConsensusPolicy
from storage.analytics import coded
from storage.rows import AssignmentKind, EffectiveVote, Verdict

PEOPLE = ("ana", "ben", "cleo", "dan", "eva")
ACCURACIES = {"ana": 0.9, "ben": 0.6, "cleo": 0.75, "dan": 0.4}
POLICIES = [
    ConsensusPolicy(),
    ConsensusPolicy(min_votes=2, min_agreement=0.8),
    ConsensusPolicy(min_confidence=0.9),
    ConsensusPolicy("unanimous"),
    ConsensusPolicy("adjudicated"),
    ConsensusPolicy("weighted", accuracies=ACCURACIES),
    ConsensusPolicy("weighted", min_agreement=0.7, min_confidence=0.8, accuracies=ACCURACIES),
]


def _votes(pairs: int) -> list[EffectiveVote]:
    """People who change their minds in another batch, skip, and leads who decide."""
    draw = random.Random(4)
    kinds = (AssignmentKind.NORMAL, AssignmentKind.GOLD, AssignmentKind.FOREIGN)
    return [
        EffectiveVote(
            assignment_id=f"{moment:04}",
            batch_id="",
            pair_id=str(draw.randrange(pairs)),
            annotator=draw.choice(PEOPLE),
            verdict=draw.choice(list(Verdict)),
            left="a",
            received_at=moment,
            kind=AssignmentKind.ADJUDICATION if draw.random() < 0.05 else draw.choice(kinds),
        )
        for moment in range(6 * pairs)
    ]


@pytest.fixture(scope="module")
def votes() -> list[EffectiveVote]:
    return _votes(400)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_columns_settle_as_single_pairs_do(
    votes: list[EffectiveVote], policy: ConsensusPolicy
) -> None:
    found = outcomes.of_votes(_columns(votes), policy)
    settled = {row[0]: row[1:] for row in found.iter_rows()}
    assert found["pair"].n_unique() == found.height
    for pair in {vote.pair_id for vote in votes}:
        one = consensus.settle([vote for vote in votes if vote.pair_id == pair], policy)
        outcome, confidence, count, reason = settled.pop(int(pair), ("", 0.0, 0, "no votes"))
        assert (outcome, count, reason) == (str(one.outcome or ""), one.votes, one.reason)
        assert confidence == pytest.approx(one.confidence, abs=1e-12)
    assert not settled


def test_without_votes_nothing_is_settled() -> None:
    assert outcomes.of_votes(_columns([]), ConsensusPolicy()).is_empty()
    assert outcomes.of_votes(_columns([]), POLICIES[-1]).is_empty()


def _columns(votes: list[EffectiveVote]) -> polars.DataFrame:
    return polars.DataFrame(
        {
            "pair": polars.Series([int(vote.pair_id) for vote in votes], dtype=polars.UInt32),
            "annotator": polars.Series([one.annotator for one in votes], dtype=polars.String),
            "verdict": polars.Series([one.verdict.value for one in votes], dtype=coded.VERDICTS),
            "kind": polars.Series([one.kind.value for one in votes], dtype=coded.KINDS),
        }
    )
