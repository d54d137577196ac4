"""Runs of several processes: what becomes of them when one that is not the first ends badly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from training.jobs import local_runner
from training.jobs.folder import LOST_PROCESS, JobFolder, RunSpec
from training.jobs.local_runner import LocalRunner

COMMAND = (sys.executable, str(Path(__file__).with_name("crew_job.py")))


@pytest.fixture
def ended(
    tmp_path: Path, until: Callable[[Callable[[], object]], None]
) -> Callable[[str], tuple[JobFolder, int | None]]:
    """Run to the end with a second process that does this; gives the folder and the status."""

    def run(deed: str) -> tuple[JobFolder, int | None]:
        folder = JobFolder(tmp_path / "j")
        settings = {"task_name": deed, "processes": 3}
        folder.write_spec(RunSpec(job="j", attempt=1, kind="train", settings=settings, model="m"))
        runner = LocalRunner(folder, COMMAND)
        until(lambda: runner.poll() is not None)
        third = int((folder.path / "third").read_text(encoding="ascii"))
        assert not local_runner.is_alive(third)
        return folder, runner.poll()

    return run


@pytest.mark.parametrize(
    ("deed", "why"),
    [("is killed", "(SIGKILL)"), ("loses the others", "(exit status 76)")],
)
def test_a_run_that_loses_a_process_ends_without_a_result_and_is_tried_again(
    ended: Callable[[str], tuple[JobFolder, int | None]], deed: str, why: str
) -> None:
    folder, status = ended(deed)
    assert status == LOST_PROCESS
    assert folder.result() is None
    assert f"Process 2 of 3 of this run was ended {why}" in folder.log_tail()
    assert "One of the processes" in local_runner.describe_exit(LOST_PROCESS)


def test_a_run_fails_with_the_words_of_the_process_that_failed(
    ended: Callable[[str], tuple[JobFolder, int | None]],
) -> None:
    folder, status = ended("fails")
    result = folder.result()
    assert status == 1
    assert result is not None
    assert (result.state, result.what, result.next_step) == ("failed", "The value is 3.", "Use 4.")


def test_all_processes_begin_again_with_smaller_batches_where_one_has_no_memory(
    ended: Callable[[str], tuple[JobFolder, int | None]],
) -> None:
    folder, status = ended("has no memory")
    result = folder.result()
    assert status == 0
    assert result is not None
    assert result.metrics == {"smaller": '{"batch_size": 2}'}
    # the same process started itself again
    assert folder.events_file.read_text(encoding="utf-8").count("started") == 1
