"""From asking to the batch: scored pairs become a batch, each with the reason for its choice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rounds import followups, opening, standing
from rounds.mining import requests
from rounds.mining.requests import MiningRequest
from storage import audit_set, batches, jobs, models, pairs, picks
from storage.errors import ConflictError, DamagedError, WrongInputError
from storage.pairs import PairFilter
from storage.rows import Batch, Job, JobState, Pair
from storage.workspace import Workspace

REQUEST = MiningRequest(batch="next", checkpoint="tiny", reference="base", size=5, pool="pool")


@pytest.fixture
def pool(workspace: Workspace, make_pair: Callable[..., Pair], tmp_path: Path) -> dict[str, float]:
    """Ten unlabeled pairs with the probability that the model gives to answer A."""
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "pool")
        for name in ("tiny", "base"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "config.json").write_text("{}")
            models.add(tx, name, str(tmp_path / name))
        made = [make_pair(tx, f"{sign * 12}: how many?") for sign in "abcdefghij"]
        for pair in made:
            batches.add_pair(tx, batch.id, pair.id)
    return {pair.id: at / 10 + 0.05 for at, pair in enumerate(made)}


def score(workspace: Workspace, job: Job, probabilities: dict[str, float]) -> Job:
    """The job ends as its runner would leave it, with beta 1 and a reference that is unsure."""
    import math

    folder = workspace.jobs_folder / job.id
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "pair_id": pair_id,
            "a_logp": math.log(probability / (1 - probability)) - 2,
            "b_logp": -2.0,
            "reference_a_logp": -1.0,
            "reference_b_logp": -1.0,
            "a_tokens": 2,
            "b_tokens": 2,
            "beta": 1.0,
        }
        for pair_id, probability in probabilities.items()
    ]
    (folder / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return finish(workspace, job)


def finish(workspace: Workspace, job: Job) -> Job:
    with workspace.ledger.write() as tx:
        leased = jobs.claim(tx, worker="worker")
        assert leased is not None
        assert leased.id == job.id
        jobs.mark_running(tx, job.id, leased.fence, 1)
        return jobs.finish(tx, job.id, leased.fence, JobState.SUCCEEDED, {})


def test_the_least_sure_pairs_become_a_batch_and_each_says_why(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    job = score(workspace, requests.submit(workspace, REQUEST), pool)
    made = requests.advance(workspace, job)
    assert isinstance(made, Batch)
    with workspace.ledger.read() as db:
        chosen = picks.of_batch(db, made.id)
    mined = {one.pair_id: one for one in chosen if one.strategy == "margin"}
    by_lot = [one for one in chosen if one.strategy == "random"]
    # below the threshold of 0.6 are 0.45 and 0.55 only, less one that the lot may have taken
    assert {pool[one] for one in mined} <= {0.45, 0.55}
    assert [one.propensity for one in by_lot] == [0.1]
    for one in chosen:
        assert one.detail["probability_a"] == pytest.approx(pool[one.pair_id], abs=1e-6)
        assert (one.detail["job"], one.detail["checkpoint"]) == (job.id, "tiny")


def test_what_follows_is_done_once_however_often_it_is_looked_for(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    opening.open_next(workspace, start="base")
    job = requests.submit(workspace, REQUEST)
    assert followups.run(workspace) == []
    score(workspace, job, pool)
    assert followups.run(workspace) == ["Mining made batch next."]
    assert followups.run(workspace) == []
    found = standing.of_round(workspace, 1)
    assert [one.batch.name for one in found.batches] == ["next"]
    detail = found.events[-1].detail
    assert detail["missing"] == 5 - found.pairs
    assert sum(detail["left_out"].values()) + found.pairs == 10


def test_prompts_are_sampled_first_and_then_scored(
    workspace: Workspace, pool: dict[str, float], tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"messages": [{"role": "user", "content": "How many?"}]}\n')
    first = requests.submit(workspace, REQUEST, prompts=prompts)
    assert (first.kind, first.spec["batch"]) == ("sample", "next-pool")
    assert followups.run(workspace) == []
    # as the worker would do it: the answers become pairs of the pool
    with workspace.ledger.write() as tx:
        there = batches.create(tx, "next-pool")
        for pair_id in pool:
            batches.add_pair(tx, there.id, pair_id)
    finish(workspace, first)
    (sentence,) = followups.run(workspace)
    assert sentence.startswith("Mining goes on with job ")
    assert followups.run(workspace) == []
    with workspace.ledger.read() as db:
        second = jobs.listed(db, kind="score")[0]
    assert second.spec["pool"]["batch"] == "next-pool"
    score(workspace, second, pool)
    assert followups.run(workspace) == ["Mining made batch next."]


def test_pairs_of_the_audit_set_are_never_candidates(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    kept = sorted(pool)[:3]
    with workspace.ledger.write() as tx:
        audit_set.draw(tx, kept, seed=0, actor="lead", reason="audit set")
    with workspace.ledger.read() as db:
        assert set(picks.unlabeled(db)) == set(pool) - set(kept)


def test_a_model_is_not_measured_against_itself(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    same = MiningRequest(batch="next", checkpoint="tiny", reference="tiny")
    with pytest.raises(WrongInputError, match="every margin is 0"):
        requests.submit(workspace, same)


def test_a_name_that_is_taken_or_nothing_to_choose_from_is_said(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    with pytest.raises(WrongInputError, match="'pool' is there already"):
        requests.submit(workspace, MiningRequest("pool", "tiny", "base"))
    with workspace.ledger.write() as tx:
        batches.create(tx, "empty")
    with pytest.raises(WrongInputError, match="No pair in batch 'empty' is unlabeled"):
        requests.submit(workspace, MiningRequest("next", "tiny", "base", pool="empty"))


def test_missing_scores_are_said_and_stop_nothing_else(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    job = finish(workspace, requests.submit(workspace, REQUEST))
    with pytest.raises(DamagedError, match="cannot be read"):
        requests.advance(workspace, job)
    (sentence,) = followups.run(workspace)
    assert "goes no further" in sentence
    with workspace.ledger.read() as db:
        assert pairs.count(db, PairFilter(batch="pool")) == 10


def test_two_that_make_the_batch_at_once_make_it_once(
    workspace: Workspace, pool: dict[str, float]
) -> None:
    job = score(workspace, requests.submit(workspace, REQUEST), pool)
    chosen = requests.choose(workspace, job, REQUEST)
    assert requests.advance(workspace, job) is not None
    with pytest.raises(ConflictError, match="'next' is there already"):
        requests._make(workspace, job, REQUEST, chosen, {})
