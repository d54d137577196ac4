"""What a round about failures collects: near the largest and growing clusters, part by lot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rounds import followups, plan
from rounds.failures import aims, likeness
from rounds.failures.clusters import Cluster
from rounds.failures.kinds import Failure
from rounds.failures.naming import NamedCluster
from rounds.failures.report import FailureReport, KindReport
from rounds.mining import requests
from rounds.mining.requests import MiningRequest
from storage import batches, jobs, models, picks
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.rows import Batch, Job, JobState, Pair
from storage.workspace import Workspace

REQUEST = MiningRequest("next", "tiny", "base", size=6, strategy="failures", pool="pool")


def failure(number: int, kind: str, category: str, better: str, worse: str) -> Failure:
    return Failure(f"{kind} {number}", category, kind, "annotators", category, better, worse, 0)


def kind(name: str, category: str, size: int, trend: Mapping[int, float]) -> KindReport:
    members = tuple(failure(n, name, category, f"{name} right", f"{name} bad") for n in range(size))
    cluster = Cluster(name, (), members, members[:1], None)
    return KindReport(name, name, size, 0, trend, [NamedCluster(f"{name} one", False, cluster)])


def report(*kinds: KindReport) -> FailureReport:
    return FailureReport(sum(one.size for one in kinds), 0, kinds)


@pytest.fixture
def star(workspace: Workspace, make_pair: Callable[..., Pair], tmp_path: Path) -> dict[str, str]:
    """Unlabeled pairs in `pool`: pair id -> what they are about, a star or a number."""
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "pool")
        for name in ("tiny", "base"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "config.json").write_text("{}")
            models.add(tx, name, str(tmp_path / name))
        found: dict[str, str] = {}
        for number, sign in enumerate("abcdefghijkl"):
            word = sign * 9
            star = make_pair(tx, f"Describe {word}", word, f"{word} and a star", "describe")
            count = make_pair(tx, f"How many {word}?", f"{number} {word}", "none", "counting")
            found |= {star.id: "star", count.id: "number"}
        for pair_id in found:
            batches.add_pair(tx, batch.id, pair_id)
    return found


@pytest.fixture
def fail(
    make_pair: Callable[..., Pair], label_failures: Callable[..., None]
) -> Callable[[Connection], None]:
    """Four pairs are decided, and in each the answer that lost invents a star."""

    def go(tx: Connection) -> None:
        first = batches.create(tx, "first")
        for number in range(4):
            text = f"a circle {number}"
            pair = make_pair(tx, f"Describe {number}", text, f"{text} and a star", "describe")
            batches.add_pair(tx, first.id, pair.id)
            label_failures(tx, first, text, ["hallucination"])

    return go


def score(workspace: Workspace, job: Job, pair_ids: Mapping[str, str]) -> Job:
    """The job ends as its runner would leave it: the model is sure of everything."""
    told = {"b_logp": -9.0, "reference_a_logp": -1.0, "reference_b_logp": -1.0}
    told |= {"a_logp": -1.0, "a_tokens": 2, "b_tokens": 2, "beta": 1.0}
    folder = workspace.jobs_folder / job.id
    folder.mkdir(parents=True)
    lines = [json.dumps({"pair_id": one, **told}) + "\n" for one in pair_ids]
    (folder / "scores.jsonl").write_text("".join(lines))
    with workspace.ledger.write() as tx:
        leased = jobs.claim(tx, worker="worker")
        assert leased is not None
        jobs.mark_running(tx, job.id, leased.fence, 1)
        return jobs.finish(tx, job.id, leased.fence, JobState.SUCCEEDED, {})


def test_a_cluster_weighs_by_its_size_and_by_how_its_kind_grew() -> None:
    found = aims.of_report(
        report(
            kind("counting", "counting", 40, {1: 0.8, 2: 0.4}),
            kind("hallucination", "describe", 20, {1: 0.2, 2: 0.6}),
            kind("format", "format", 20, {2: 0.1}),
        )
    )
    # 40 that became half as frequent, 20 that at least doubled, 20 without a course
    assert [(one.kind, one.weight) for one in found] == [
        ("hallucination", 0.5),
        ("counting", 0.25),
        ("format", 0.25),
    ]


def test_categories_get_their_part_by_where_the_failures_are_and_none_is_lost() -> None:
    wanted = aims.of_report(
        report(kind("counting", "counting", 9, {}), kind("h", "describe", 3, {}))
    )
    found = aims.weights(wanted, ["counting", "describe", "other"])
    assert found["other"] == pytest.approx(0.1 / 3)
    assert found["counting"] == pytest.approx(0.1 / 3 + 0.9 * 0.75)
    assert sum(found.values()) == pytest.approx(1)


def test_pairs_like_the_failures_are_chosen_and_each_says_for_which_cluster(
    workspace: Workspace,
    star: dict[str, str],
    fail: Callable[[Connection], None],
) -> None:
    with pytest.raises(WrongInputError, match="nobody said yet what is wrong"):
        requests.submit(workspace, REQUEST)
    with workspace.ledger.write() as tx:
        fail(tx)
    job = score(workspace, requests.submit(workspace, REQUEST), star)
    made = requests.advance(workspace, job)
    assert isinstance(made, Batch)
    with workspace.ledger.read() as db:
        chosen = picks.of_batch(db, made.id)
    aimed = [one for one in chosen if one.strategy == "failures"]
    lots = [one for one in chosen if one.strategy == "random"]
    assert (len(aimed), len(chosen)) == (5, 6)
    assert {star[one.pair_id] for one in aimed} == {"star"}
    assert {one.detail["kind"] for one in aimed} == {"hallucination"}
    assert all(one.detail["cluster"] and (one.score or 0) > 0 for one in aimed)
    assert all("cluster" not in one.detail for one in lots)
    assert [one.propensity for one in lots] == [pytest.approx(1 / 12)]


def test_the_third_round_aims_at_failures_and_says_what_it_does_without_any(
    workspace: Workspace, fail: Callable[[Connection], None]
) -> None:
    assert [number for number in range(1, 6) if plan.preset(number).at_failures] == [3]
    assert followups.strategy_of(workspace, 2) == ("margin", "")
    strategy, note = followups.strategy_of(workspace, 3)
    assert strategy == "margin"
    assert "nobody said yet what is wrong with a worse answer" in note
    with workspace.ledger.write() as tx:
        fail(tx)
    strategy, note = followups.strategy_of(workspace, 3)
    assert strategy == "failures"
    assert note.startswith("Round 3 is for the failure modes that remain, by weight: +")
    assert note.endswith("(100%).")


def test_answers_of_one_letter_are_likened_and_signs_alone_are_like_nothing() -> None:
    letters = Cluster("x", (), (failure(0, "", "c", "A", "B"),), (), None)
    like, unlike = likeness.likeness(["A\nB", "C\nD"], letters)
    assert like > unlike
    signs = Cluster("x", (), (Failure("p", "c", "x", "annotators", "", "+", "-", 0),), (), None)
    assert likeness.likeness(["A"], signs).tolist() == [0.0]
