"""Group commit: one writer thread that puts whatever waits into one transaction.

A commit costs a sync of the disk. With many annotators voting at once, sharing it turns hundreds
of commits a second into thousands, with a tail of milliseconds instead of seconds.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from storage.errors import WorkspaceError
from storage.ledger import Connection, Ledger

T = TypeVar("T")

# a transaction takes in more work for this long at most, so that other processes get their turn
SLICE_SECONDS = 0.05
_TRIES = 6
_LONGEST_PAUSE = 0.1
# PostgreSQL: serialization failure and deadlock; the whole transaction may be run again
_RETRYABLE = ("40001", "40P01")


@dataclass
class _Item:
    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None

    def run(self, tx: Connection, ledger: Ledger) -> None:
        """Run the work in a savepoint, so that its failure leaves the others alone."""
        self.error = None
        # by hand: begin_nested compiles its statements anew each time
        tx.exec_driver_sql("SAVEPOINT item")
        try:
            with ledger.explained():
                self.result = self.work(tx)
                tx.exec_driver_sql("RELEASE item")
        except BaseException as error:
            self.error = error
            try:
                tx.exec_driver_sql("ROLLBACK TO item")
            except DBAPIError:
                # a full disk takes the whole transaction with it: everybody hears the reason
                raise error from error.__cause__

    def resolve(self, failure: BaseException | None = None) -> None:
        error = failure or self.error
        if error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(error)


class CommitThread:
    """Runs submitted functions in shared write transactions, in the order of submission."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: SimpleQueue[_Item | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ledger commits", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a function of a write connection; its future resolves after the commit.

        The function may run again when PostgreSQL asks for a retry, so it must change nothing but
        the ledger. An exception from it undoes its own changes only and goes to its future.

        Raises:
            WorkspaceError: `close` was called.
        """
        item = _Item(work)
        with self._gate:
            if self._closed:
                raise WorkspaceError("The ledger is being closed.", "Try again after the restart.")
            self._waiting.put(item)
        return item.future

    def close(self) -> None:
        """Commit everything submitted so far, then stop; closing again does nothing."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            first = self._waiting.get()
            if first is None:
                return
            self._commit(first)

    def _commit(self, first: _Item) -> None:
        items: list[_Item] = []
        try:
            self._commit_together(first, items)
        except BaseException as failure:
            for item in items or [first]:
                item.resolve(failure)
        else:
            for item in items:
                item.resolve()

    def _commit_together(self, first: _Item, items: list[_Item]) -> None:
        for left in reversed(range(_TRIES)):
            try:
                with self._ledger.write() as tx:
                    self._run_all(tx, first, items)
                return
            except BaseException as error:
                if not left or not _is_retryable(error):
                    raise
                # at once, it could take the same lock again before the other side wakes up
                time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311

    def _run_all(self, tx: Connection, first: _Item, items: list[_Item]) -> None:
        for item in list(items) or self._taken(first):
            if item not in items:
                items.append(item)
            item.run(tx, self._ledger)
            if item.error is not None and _is_retryable(item.error):
                raise item.error

    def _taken(self, first: _Item) -> Iterator[_Item]:
        """The first item and those that wait behind it, for one slice of time."""
        until = time.monotonic() + SLICE_SECONDS
        item: _Item | None = first
        while item is not None:
            if item.future.set_running_or_notify_cancel():
                yield item
            if time.monotonic() >= until:
                return
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return
        self._stopping = True


def _is_retryable(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if getattr(getattr(cause, "orig", None), "sqlstate", None) in _RETRYABLE:
            return True
        cause = cause.__cause__
    return False
