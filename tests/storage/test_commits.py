"""Group commit: shared transactions, private failures, and acknowledged votes that stay."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from storage import annotators, assignments, tables, votes, workspace
from storage.commits import CommitThread
from storage.errors import ConflictError, WorkspaceError
from storage.ledger import Connection, Ledger
from storage.rows import Annotator, Batch
from storage.workspace import Workspace

# votes and undos in turns through a CommitThread; prints what was acknowledged
VOTER = """
import sys, uuid
from pathlib import Path
from storage import votes, workspace
from storage.commits import CommitThread
from storage.rows import Verdict

opened = workspace.open_existing(Path(sys.argv[1]))
thread = CommitThread(opened.ledger)
with opened.ledger.read() as db:
    done = {row[0]: row[1] for row in db.exec_driver_sql(
        "SELECT assignment_id, count(*) FROM votes GROUP BY assignment_id")}

def post(assignment, event, kind):
    verdict = Verdict.A if kind == "vote" else None
    return thread.submit(lambda tx: votes.append(
        tx, event_id=event, assignment_id=assignment, kind=kind, verdict=verdict,
        shown_at=1, decided_at=2, active_ms=1))

while True:
    waiting = []
    for assignment in sys.argv[2:]:
        done[assignment] = done.get(assignment, 0) + 1
        event = uuid.uuid4().hex
        kind = "vote" if done[assignment] % 2 else "undo"
        waiting.append((event, post(assignment, event, kind)))
    for event, future in waiting:
        future.result()
        print(event, flush=True)
"""


def _add(name: str) -> Callable[[Connection], Annotator]:
    return lambda tx: annotators.get_or_create(tx, name)


def test_each_future_gets_the_result_of_its_work(ledger: Ledger) -> None:
    thread = CommitThread(ledger)
    futures = [thread.submit(_add(f"Annotator {number}")) for number in range(50)]
    names = [future.result(timeout=30).name for future in futures]
    thread.close()
    assert names == [f"Annotator {number}" for number in range(50)]


def test_a_result_is_there_only_after_the_commit(ledger: Ledger) -> None:
    thread = CommitThread(ledger)
    added = thread.submit(_add("Ada")).result(timeout=30)
    with ledger.read() as db:
        assert annotators.by_id(db, added.id) == added
    thread.close()


def test_one_failing_item_does_not_fail_the_others(ledger: Ledger) -> None:
    def add_and_fail(tx: Connection) -> None:
        annotators.get_or_create(tx, "Nobody")
        raise ConflictError("It went wrong.")

    def break_a_rule(tx: Connection) -> None:
        row = {"batch_id": "nowhere", "pair_id": "nothing", "position": "0"}
        tx.execute(tables.batch_pairs.insert().values(row))

    thread = CommitThread(ledger)
    with ledger.write():
        # on SQLite everything below waits for this block and shares one transaction
        first = thread.submit(_add("Ada"))
        failing = [thread.submit(add_and_fail), thread.submit(break_a_rule)]
        last = thread.submit(_add("Ben"))
    assert [first.result(30).name, last.result(30).name] == ["Ada", "Ben"]
    assert [type(future.exception(30)).__name__ for future in failing] == [
        "ConflictError",
        "IntegrityError",
    ]
    thread.close()
    with ledger.read() as db:
        assert [annotator.name for annotator in annotators.listed(db)] == ["Ada", "Ben"]


def test_what_waits_together_shares_one_commit(workspace: Workspace) -> None:
    thread = CommitThread(workspace.ledger)
    with workspace.ledger.write():
        futures = [thread.submit(lambda tx: id(tx.get_transaction())) for _ in range(20)]
    transactions = {future.result(30) for future in futures}
    thread.close()
    assert len(transactions) == 1


def test_close_commits_what_was_submitted_and_takes_no_more(ledger: Ledger) -> None:
    thread = CommitThread(ledger)
    futures = [thread.submit(_add(f"Annotator {number}")) for number in range(200)]
    thread.close()
    thread.close()
    assert all(future.done() for future in futures)
    with pytest.raises(WorkspaceError, match="closed"):
        thread.submit(_add("Late"))
    with ledger.read() as db:
        assert len(annotators.listed(db)) == 200


def test_a_cancelled_future_does_not_run(workspace: Workspace) -> None:
    thread = CommitThread(workspace.ledger)
    with workspace.ledger.write():
        futures = [thread.submit(_add(name)) for name in ("Ada", "Ben", "Cleo")]
        assert futures[2].cancel()
    thread.close()
    with workspace.ledger.read() as db:
        assert [annotator.name for annotator in annotators.listed(db)] == ["Ada", "Ben"]


def test_when_the_commit_fails_nobody_is_told_that_it_worked(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar()
        tx.execute(text(f"PRAGMA max_page_count={pages}"))
    thread = CommitThread(workspace.ledger)
    with workspace.ledger.write():
        futures = [thread.submit(_add(f"{number:0>100}")) for number in range(500)]
    outcomes = [future.exception(30) for future in futures]
    kept = sum(outcome is None for outcome in outcomes)
    with workspace.ledger.read() as db:
        assert len(annotators.listed(db)) == kept < 500
    assert all(isinstance(outcome, WorkspaceError) for outcome in outcomes if outcome)
    # there is room again: the thread works on
    assert thread.submit(_add("Ada")).result(30).name == "Ada"
    thread.close()


@pytest.mark.parametrize("ledger_url", ["postgresql"], indirect=True)
def test_a_deadlock_is_tried_again(ledger: Ledger, people: list[Annotator]) -> None:
    table = tables.annotators
    meeting = threading.Barrier(2, timeout=30)

    def change(first: str, then: str) -> Callable[[Connection], None]:
        met: list[bool] = []

        def work(tx: Connection) -> None:
            for annotator_id in (first, then):
                named = table.update().where(table.c.id == annotator_id)
                tx.execute(named.values(simulated=True))
                if not met:
                    met.append(True)
                    meeting.wait()

        return work

    threads = [CommitThread(ledger), CommitThread(ledger)]
    ada, ben = people[0].id, people[1].id
    futures = [threads[0].submit(change(ada, ben)), threads[1].submit(change(ben, ada))]
    assert [future.exception(60) for future in futures] == [None, None]
    for thread in threads:
        thread.close()


@pytest.mark.slow
def test_acknowledged_votes_survive_kill_9_exactly_once(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    ids = [f"assignment {number}" for number in range(10)]
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=len(ids))
        ada = annotators.get_or_create(tx, "Ada")
        for new_id in ids:
            assert assignments.offer_next(
                tx,
                batch_id=batch.id,
                annotator_id=ada.id,
                new_id=new_id,
                left="a",
                now=0,
                leased_until=1,
            )
    workspace.ledger.close()
    acknowledged: list[str] = []
    for _ in range(10):
        acknowledged += _vote_until_killed(workspace.home, ids)
    assert len(acknowledged) >= 50
    _assert_all_there(workspace.home, acknowledged)


def _vote_until_killed(home: Path, ids: list[str]) -> list[str]:
    """Event ids that were acknowledged before the kill; whole lines only."""
    command = [sys.executable, "-c", VOTER, str(home), *ids]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(random.randint(5, 40))]
        time.sleep(random.uniform(0, 0.01))
        child.kill()
        lines += child.stdout.readlines()
    return [line.strip() for line in lines if line.endswith("\n")]


def _assert_all_there(home: Path, acknowledged: list[str]) -> None:
    opened = workspace.open_existing(home)
    with opened.ledger.read() as db:
        stored = db.execute(select(tables.votes.c.event_id)).scalars().all()
        assert set(acknowledged) <= set(stored)
        assert len(set(acknowledged)) == len(acknowledged)
        assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        # what is derived from the log still agrees with it
        counted = db.execute(select(func.sum(tables.batch_pairs.c.votes))).scalar()
        assert counted == len(votes.effective(db))
    opened.close()
