"""Memory and disk that run out: told in words, with the last checkpoint as good as before."""

from __future__ import annotations

import errno
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from training.jobs import local_runner, runner, shortage
from training.jobs.folder import CANNOT_WRITE, JobFolder
from training.runs import dpo, manifest


def told_by(action: Callable[[], object]) -> tuple[str, str] | None:
    try:
        action()
    except Exception as error:
        return shortage.told(error)
    return None


def test_what_a_library_raises_without_memory_is_told() -> None:
    told = told_by(lambda: torch.empty(1 << 52, dtype=torch.float32))
    assert told is not None
    assert told[0].startswith("The device ran out of memory")
    assert "batch_size" in told[1]
    assert shortage.told(RuntimeError("CUDA error: out of memory")) is not None
    assert shortage.told(ValueError("two shapes do not fit")) is None


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("shapes differ"), False),
        # nobody's memory: a smaller batch would not help
        (OSError(errno.ENOMEM, "Cannot allocate memory"), False),
    ],
    ids=["python", "torch", "cublas", "shapes", "fork"],
)
def test_memory_that_a_smaller_batch_may_save_is_told_from_other_trouble(
    error: Exception, is_memory: bool
) -> None:
    assert shortage.is_out_of_memory(error) == is_memory
    behind = RuntimeError("the batch could not be computed")
    behind.__cause__ = error
    assert shortage.is_out_of_memory(behind) == is_memory
    assert shortage.first_line(error)


def test_a_full_disk_is_seen_behind_other_errors() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise RuntimeError("weights could not be written") from cause
    except RuntimeError as error:
        told = shortage.told(error)
    assert told is not None
    assert told[0].startswith("The disk is full")
    assert shortage.told(OSError(errno.EACCES, "Permission denied")) is None


class FillsUp(JobFolder):
    """A job folder whose files may hardly grow any more once a checkpoint is there."""

    def emit(self, kind: str, payload: Mapping[str, Any]) -> None:
        super().emit(kind, payload)
        if kind == "checkpoint":
            room = self.events_file.stat().st_size + 24 * 1024
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_disk_that_fills_up_while_saving_leaves_the_last_checkpoint_good(
    job: Callable[..., JobFolder], examples: Any
) -> None:
    pairs = {"examples": examples.mixed(4, 2), "epochs": 3, "lora_rank": 16}
    folder, straight = FillsUp(job("full", **pairs).path), job("straight", **pairs)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        assert runner.run(folder, dpo.train) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    result = folder.result()
    assert result is not None
    assert result.what.startswith("The disk is full")
    assert "Make room" in result.next_step
    assert not list(folder.checkpoints.glob("*.partial"))
    newest = manifest.newest_verified(folder.checkpoints)
    assert newest is not None
    assert newest.name == "step-1"
    # with room it goes on from there
    again = JobFolder(folder.path)
    again.write_spec(_second_attempt(again))
    assert runner.run(again, dpo.train) == runner.run(straight, dpo.train) == 0
    ours, theirs = again.result(), straight.result()
    assert ours is not None
    assert theirs is not None
    loss = theirs.metrics["validation_loss"]["value"]
    assert ours.metrics["validation_loss"]["value"] == pytest.approx(loss, abs=1e-4)


def _second_attempt(folder: JobFolder) -> Any:
    return replace(folder.read_spec(), attempt=2)


def test_a_runner_that_cannot_even_say_why_ends_with_a_status_that_does(tmp_path: Path) -> None:
    class ReadOnly(JobFolder):
        def fail(self, what: str, next_step: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    def stumble(_: JobFolder) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert runner.run(ReadOnly(tmp_path), stumble) == CANNOT_WRITE
    assert "the disk may be full" in local_runner.describe_exit(CANNOT_WRITE)
