"""The processes of a run among themselves: who is first, what all agree on, what they share.

What is said here goes over a group of its own on the CPU, whatever the weights are on. The first
process decides and writes; the others compute. With one process nothing is sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

from storage.errors import PairwrightError
from training.jobs.crew import MEETING_VARIABLE
from training.settings.parallel import ZERO

T = TypeVar("T")

# an evaluation of one process may keep the others waiting; who dies is noticed by the first
_PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Ranks:
    """The place of this process (`number`, from 0) among `count`."""

    number: int = 0
    count: int = 1
    group: Any = None

    @property
    def is_first(self) -> bool:
        return self.number == 0

    def decide(self, ask: Callable[[], T]) -> T:
        """What the first process finds. Every process must come here."""
        if self.count == 1:
            return ask()
        said: list[Any] = [ask() if self.is_first else None]
        distributed.broadcast_object_list(said, src=0, group=self.group)
        found: T = said[0]
        return found

    def gather(self, value: T) -> list[T]:
        """The values of all processes, in their order."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        distributed.all_gather_object(found, value, group=self.group)
        return found

    def wait(self) -> None:
        """Go on when every process is here."""
        if self.count > 1:
            distributed.barrier(group=self.group)

    def together(self, step: Callable[[], None], stop: type[Exception]) -> None:
        """Take a step that may raise `stop` in the first process: then it raises it in all."""
        stopped = False
        try:
            step()
        except stop:
            if self.count == 1:
                raise
            stopped = True
        if self.decide(lambda: stopped):
            raise stop

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first process goes through the block, then all others do."""
        if not self.is_first:
            self.wait()
        try:
            yield
        finally:
            if self.is_first:
                self.wait()

    def rounds(self, items: Sequence[T]) -> Iterator[tuple[T, bool]]:
        """The items of this process, as many for each; the flag says whether it counts."""
        for start in range(0, len(items), self.count):
            mine = start + self.number
            yield (items[mine], True) if mine < len(items) else (items[start], False)


ALONE = Ranks()


def join(wanted: int, parallel: str) -> Ranks:
    """Meet the other processes of this run, as many as the settings ask for.

    Raises PairwrightError when this process was not started as one of so many, or when the
    machine cannot train so.
    """
    meeting = os.environ.get(MEETING_VARIABLE, "")
    if wanted == 1 or distributed.is_initialized():
        return ALONE if wanted == 1 else _met()
    if not meeting or int(os.environ["WORLD_SIZE"]) != wanted:
        raise PairwrightError(
            f"The run wants {wanted} processes, and its runner was started as one.",
            "Start it by the worker, or set processes to 1.",
        )
    number, on_gpu = int(os.environ["RANK"]), torch.cuda.is_available()
    if parallel == ZERO and not on_gpu:
        # accelerate would train as with ddp there, without a word
        raise PairwrightError(
            "parallel is zero, which needs CUDA devices, and this machine has none.",
            "Use parallel ddp or fsdp2.",
        )
    if on_gpu:
        _check_devices(wanted)
        torch.cuda.set_device(number)
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
        init_method=f"file://{meeting}",
        rank=number,
        world_size=wanted,
        timeout=_PATIENCE,
    )
    return _met()


def _met() -> Ranks:
    group = distributed.new_group(backend="gloo", timeout=_PATIENCE)
    return Ranks(distributed.get_rank(), distributed.get_world_size(), group)


def _check_devices(wanted: int) -> None:
    if torch.cuda.device_count() < wanted:
        raise PairwrightError(
            f"processes is {wanted}, and this machine has {torch.cuda.device_count()} CUDA "
            "devices.",
            "Lower processes to the number of devices.",
        )
