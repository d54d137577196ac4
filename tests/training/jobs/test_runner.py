"""`python -m training.jobs.runner FOLDER`: it always says how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import WrongInputError
from training.jobs import runner
from training.jobs.folder import JobFolder, RunResult, RunSpec


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.jobs.runner", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=240
    )


def test_a_folder_without_a_spec_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    ended = _run(tmp_path)
    assert ended.returncode == 1
    result = JobFolder(tmp_path).result()
    assert result is not None
    assert result.state == "failed"
    assert "spec.json is missing" in result.what
    assert "Traceback" in ended.stderr


def test_wrong_use_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main([]) == 2
    assert "python -m training.jobs.runner FOLDER" in capsys.readouterr().err


def _folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path)
    folder.write_spec(RunSpec(job="j", attempt=1, kind="train", settings={}, model="m"))
    return folder


@pytest.mark.parametrize(
    ("error", "what", "next_step"),
    [
        (WrongInputError("The value is 3.", "Use 4."), "The value is 3.", "Use 4."),
        (KeyError("x"), "The run ended with KeyError: 'x'", "The job's log has the whole story."),
        (MemoryError("no room"), "The device ran out of memory (no room).", "Lower batch_size"),
    ],
)
def test_every_error_becomes_a_result(
    tmp_path: Path, error: Exception, what: str, next_step: str
) -> None:
    folder = _folder(tmp_path)

    def stumble(_: JobFolder) -> None:
        raise error

    assert runner.run(folder, stumble) == 1
    result = folder.result()
    assert result is not None
    assert (result.state, result.what) == ("failed", what)
    assert result.next_step.startswith(next_step)


def test_a_run_that_returns_after_a_request_to_stop_is_stopped_not_failed(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path)
    assert runner.run(folder, lambda _: None) == 1
    result = folder.result()
    assert result is not None
    assert result.what == "The run ended without a result."
    folder.forget_result()
    folder.stop_requested = True
    assert runner.run(folder, lambda _: None) == 0
    assert folder.result() == RunResult("stopped")


def test_nothing_of_a_model_is_imported_before_a_job_is_dispatched() -> None:
    jobs = ("worker", "runner", "submission")
    rooms = ", ".join([*(f"training.jobs.{name}" for name in jobs), "training.settings.explain"])
    code = (
        f"import sys, {rooms}; print(sorted({{'torch','transformers','trl'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
