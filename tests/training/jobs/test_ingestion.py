"""What comes out of a job folder reaches the ledger once, whatever state the files are in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import batches, checkpoints, evaluations, events, jobs
from storage.errors import DamagedError, StaleFenceError
from storage.rows import DatasetVersion, Job, JobState
from storage.workspace import Workspace
from training.jobs import ingestion, submission
from training.jobs.folder import JobFolder, RunResult
from training.runs import manifest


@pytest.fixture
def claimed(opened: Workspace, submit: Callable[..., Job]) -> Job:
    submit()
    with opened.ledger.write() as tx:
        job = jobs.claim(tx, worker="w")
    assert job is not None
    return job


@pytest.fixture
def folder(opened: Workspace, claimed: Job) -> JobFolder:
    path = opened.jobs_folder / claimed.id
    path.mkdir()
    return JobFolder(path)


def _follower(opened: Workspace, job: Job, folder: JobFolder) -> ingestion.Follower:
    with opened.ledger.read() as db:
        return ingestion.Follower(folder, db, job)


def _sequences(opened: Workspace, job: Job) -> list[tuple[int, int]]:
    with opened.ledger.read() as db:
        return [(event.attempt, event.sequence) for event in events.listed(db, job.id)]


def test_events_are_taken_as_they_come_and_the_newest_progress_is_told(
    opened: Workspace, claimed: Job, folder: JobFolder
) -> None:
    follower = _follower(opened, claimed, folder)
    assert follower.ingest(opened.ledger) is None
    folder.progress("loading", 0, 1)
    folder.progress("training", 3, 40)
    folder.metric(3, 0.1, "train", {"loss": 0.5})
    progress = follower.ingest(opened.ledger)
    assert progress is not None
    assert (progress["phase"], progress["step"]) == ("training", 3)
    folder.note("and so on")
    assert follower.ingest(opened.ledger) is None
    assert _sequences(opened, claimed) == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_half_a_line_waits_and_garbage_is_passed_over(
    opened: Workspace, claimed: Job, folder: JobFolder
) -> None:
    follower = _follower(opened, claimed, folder)
    good = {"sequence": 7, "kind": "note", "payload": {"text": "seven"}, "at": 1}
    line = json.dumps(good).encode()
    bad = [
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"sequence":"x"}',
        line.replace(b"note", b"rumour"),
    ]
    folder.events_file.write_bytes(b"\n".join(bad) + b"\n" + line[:20])
    follower.ingest(opened.ledger)
    assert _sequences(opened, claimed) == []
    with folder.events_file.open("ab") as file:
        file.write(line[20:] + b"\n")
    follower.ingest(opened.ledger)
    assert _sequences(opened, claimed) == [(1, 7)]


def test_thousands_of_events_are_taken_in_slices_and_only_once(
    opened: Workspace, claimed: Job, folder: JobFolder
) -> None:
    lines = [
        json.dumps({"sequence": n, "attempt": 1, "kind": "note", "payload": {}, "at": n})
        for n in range(1, 1001)
    ]
    folder.events_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _follower(opened, claimed, folder).ingest(opened.ledger)
    _follower(opened, claimed, folder).ingest(opened.ledger)
    assert _sequences(opened, claimed) == [(1, n) for n in range(1, 1001)]


def test_what_an_earlier_attempt_left_behind_comes_in_under_its_number(
    opened: Workspace, claimed: Job, folder: JobFolder
) -> None:
    lines = [
        {"sequence": 1, "attempt": 1, "kind": "note", "payload": {}, "at": 1},
        {"sequence": 2, "attempt": 2, "kind": "note", "payload": {}, "at": 2},
    ]
    folder.events_file.write_text("".join(json.dumps(x) + "\n" for x in lines), encoding="utf-8")
    with opened.ledger.write() as tx:
        jobs.release(tx, claimed.id, claimed.fence, "gone")
        second = jobs.claim(tx, worker="w2")
    assert second is not None
    _follower(opened, second, folder).ingest(opened.ledger)
    assert _sequences(opened, claimed) == [(1, 1), (2, 2)]


def test_a_superseded_attempt_brings_nothing_in(
    opened: Workspace, claimed: Job, folder: JobFolder
) -> None:
    follower = _follower(opened, claimed, folder)
    folder.note("too late")
    with opened.ledger.write() as tx:
        jobs.release(tx, claimed.id, claimed.fence, "gone")
        jobs.claim(tx, worker="w2")
    with pytest.raises(StaleFenceError):
        follower.ingest(opened.ledger)
    assert _sequences(opened, claimed) == []


@pytest.mark.parametrize("named", [None, "", "spec.json", "checkpoints/../..", "/etc"])
def test_a_checkpoint_outside_the_jobs_own_is_refused(
    opened: Workspace, claimed: Job, folder: JobFolder, named: str | None
) -> None:
    with pytest.raises(DamagedError):
        ingestion.take_over(opened, claimed, folder, RunResult("succeeded", named, "adapter"))


def test_a_superseded_attempt_registers_no_checkpoint(
    opened: Workspace, claimed: Job, folder: JobFolder
) -> None:
    step = folder.checkpoints / "step-1"
    step.mkdir(parents=True)
    (step / "adapter_model.safetensors").write_bytes(b"weights")
    manifest.complete(step, {"step": 1})
    result = RunResult("succeeded", "checkpoints/step-1", "adapter")
    record = ingestion.take_over(opened, claimed, folder, result)
    with opened.ledger.write() as tx:
        jobs.release(tx, claimed.id, claimed.fence, "gone")
    with pytest.raises(StaleFenceError), opened.ledger.write() as tx:
        record(tx)
    with opened.ledger.read() as db:
        assert checkpoints.listed(db) == []
        assert evaluations.listed(db) == []


def test_an_evaluation_is_recorded_for_the_model_or_checkpoint_measured(
    opened: Workspace, dataset: DatasetVersion, work: Callable[..., int]
) -> None:
    job = submission.submit_evaluation(opened, checkpoint="tiny", dataset="v1", split="all")
    work()
    with opened.ledger.read() as db:
        done = jobs.get(db, job.id)
        (row,) = evaluations.listed(db)
    assert done.state is JobState.SUCCEEDED
    assert done.result == {"checkpoint": "tiny", "metrics": {"reward_gap": {"value": 0.5}}}
    assert (row.checkpoint, row.split, row.dataset_version) == ("tiny", "all", "v1")
    assert row.metrics == {"reward_gap": {"value": 0.5}}


def test_sampled_answers_become_pairs_of_a_batch(
    opened: Workspace, work: Callable[..., int], tmp_path: Path
) -> None:
    content = [{"type": "text", "text": "How many?"}]
    prompt = {"category": "counting", "messages": [{"role": "user", "content": content}]}
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text((json.dumps(prompt) + "\n") * 3, encoding="utf-8")
    job = submission.submit_sampling(
        opened, start_from="tiny", prompts=prompts, batch="drawn", settings={}
    )
    work()
    with opened.ledger.read() as db:
        done = jobs.get(db, job.id)
        assert done.error == ""
        assert batches.pair_count(db, batches.get(db, "drawn").id) == 2
    assert done.result is not None
    assert done.result["metrics"] == {"prompts": 3}
    report = done.result["report"]
    assert (report["records"], report["added"], report["identical"]) == (3, 2, 1)
