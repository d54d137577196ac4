"""Scores and answers of finished jobs are kept, and what is wrong with them fails no job."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import batches, generations, jobs, scores
from storage.errors import WrongInputError
from storage.rows import DatasetVersion, Job, JobState
from storage.workspace import Workspace
from training.jobs import ingestion, keeping, submission
from training.jobs.folder import JobFolder, RunResult

SCORE = {
    "pair_id": "p1",
    "split": "train",
    "category": "counting",
    "chosen_logp": -1.0,
    "rejected_logp": -3.0,
    "reference_chosen_logp": -2.0,
    "reference_rejected_logp": -2.5,
    "chosen_tokens": 4,
    "rejected_tokens": 5,
    "margin": 0.15,
}
EVALUATED = RunResult("succeeded", metrics={"reward_gap": {"value": 0.15}})


@pytest.fixture
def evaluated(opened: Workspace, dataset: DatasetVersion) -> Callable[[str], Job]:
    """`evaluated(text)` ends an evaluation whose runner wrote this into its scores."""

    def end(text: str) -> Job:
        submission.submit_evaluation(opened, checkpoint="tiny", dataset="v1", split="train")
        with opened.ledger.write() as tx:
            job = jobs.claim(tx, worker="w")
        assert job is not None
        folder = JobFolder(opened.jobs_folder / job.id)
        folder.path.mkdir()
        folder.scores_file.write_text(text, encoding="utf-8")
        record = ingestion.take_over(opened, job, folder, EVALUATED)
        with opened.ledger.write() as tx:
            record(tx)
        with opened.ledger.read() as db:
            return jobs.get(db, job.id)

    return end


def test_scores_are_there_when_an_evaluation_counts_as_done(
    opened: Workspace, evaluated: Callable[[str], Job]
) -> None:
    job = evaluated(json.dumps(SCORE) + "\n")
    assert job.state is JobState.SUCCEEDED
    found = scores.of_job(opened, job.id)
    assert found is not None
    row = found.row(0, named=True)
    assert (row["checkpoint"], row["dataset_version"], row["split"]) == ("tiny", "v1", "train")
    assert (row["reference"], row["beta"], row["labels"]) == ("base", 0.1, "imported")


@pytest.mark.parametrize("text", ["", "{broken\n", '{"pair_id": 3}\n'])
def test_scores_that_cannot_be_kept_fail_no_job(
    opened: Workspace, evaluated: Callable[[str], Job], text: str
) -> None:
    job = evaluated(text)
    assert job.state is JobState.SUCCEEDED
    assert scores.of_job(opened, job.id) is None


def test_what_was_not_kept_is_made_up_for_once(
    opened: Workspace, evaluated: Callable[[str], Job]
) -> None:
    job = evaluated("")
    assert keeping.make_up(opened) == 0
    folder = JobFolder(opened.jobs_folder / job.id)
    folder.scores_file.write_text(json.dumps(SCORE) + "\n", encoding="utf-8")
    assert keeping.make_up(opened) == 1
    assert keeping.make_up(opened) == 0
    assert scores.jobs_with_scores(opened) == {job.id}


def test_a_job_folder_that_was_removed_is_no_trouble(
    opened: Workspace, evaluated: Callable[[str], Job], work: Callable[..., int]
) -> None:
    job = evaluated("")
    shutil.rmtree(opened.jobs_folder / job.id)
    assert keeping.make_up(opened) == 0
    assert work() == 0


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    content = [{"type": "text", "text": "How many?"}]
    prompt = {"category": "counting", "messages": [{"role": "user", "content": content}]}
    path.write_text(json.dumps(prompt) + "\n", encoding="utf-8")
    return path


def _sample(opened: Workspace, asked: Path, batch: str, **settings: Any) -> Job:
    return submission.submit_sampling(
        opened, start_from="tiny", prompts=asked, batch=batch, settings=settings
    )


def test_sampled_answers_are_kept_beside_the_pairs(
    opened: Workspace, asked: Path, work: Callable[..., int]
) -> None:
    _sample(opened, asked, "drawn", temperature=0.5)
    work()
    (row,) = generations.of_source(opened, "tiny").iter_rows(named=True)
    assert (row["text"], row["temperature"]) == ("three", 0.5)
    with opened.ledger.read() as db:
        assert batches.pair_count(db, batches.get(db, "drawn").id) == 1


def test_a_sampling_of_one_answer_needs_and_makes_no_batch(
    opened: Workspace, asked: Path, work: Callable[..., int]
) -> None:
    job = _sample(opened, asked, "", answers=1, temperature=0)
    work()
    with opened.ledger.read() as db:
        done = jobs.get(db, job.id)
        assert batches.listed(db) == []
    assert (done.state, done.error) == (JobState.SUCCEEDED, "")
    assert generations.sources(opened) == {"tiny": 1}
    with pytest.raises(WrongInputError, match="no name"):
        _sample(opened, asked, "", answers=2)
