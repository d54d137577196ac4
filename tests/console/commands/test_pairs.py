"""Leads on the command line: what waits for them, what they decide, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labeling.adjudication import access
from labeling.refusals import RefusedError
from storage import annotators, assignments, batches, clock, pairs, reports, workspace
from storage.ledger import Connection
from storage.rows import Batch


@pytest.fixture
def in_ledger(tmp_path: Path) -> Callable[[Callable[[Connection], Any]], Any]:
    """Run a function in a write transaction of the command line's workspace."""

    def run(work: Callable[[Connection], Any]) -> Any:
        opened = workspace.open_existing(tmp_path / "home")
        with opened.ledger.write() as tx:
            result = work(tx)
        opened.close()
        return result

    return run


@pytest.fixture
def disputed(pairwright: Any, records: Path, in_ledger: Any, label: Any) -> str:
    """The id of a pair of batch `first` on which two annotators disagree, at the limit of two."""
    pairwright("init")
    pairwright("batch", "create", "first", "--overlap", 2, "--review-limit", 2)
    pairwright("import", records, "--batch", "first")

    def judge(tx: Connection) -> str:
        batch: Batch = batches.get(tx, "first")
        first = pairs.page(tx, pairs.PairFilter(batch="first"), 1)[0].pair.id
        label(tx, batch, "Ada", {first: "a"})
        label(tx, batch, "Ben", {first: "b"})
        return first

    found: str = in_ledger(judge)
    return found


def test_the_queue_shows_why_a_pair_waits_and_no_annotator(pairwright: Any, disputed: str) -> None:
    (row,) = pairwright("pair", "queue", "--json").result["queue"]
    assert (row["pair_id"], row["batch"]) == (disputed, "first")
    assert row["reasons"] == [
        {"kind": "contested", "what": "votes: 1 for a, 1 for b, 0 for neither"}
    ]
    for shown in (pairwright("pair", "queue"), pairwright("pair", "queue", "--batch", "first")):
        assert disputed in shown.out
        assert "Ada" not in shown.out


def test_an_empty_queue_says_so(imported: Any) -> None:
    assert imported("pair", "queue", "--json").result == {"queue": []}
    assert "No pair waits" in imported("pair", "queue").err


def test_a_decision_settles_the_pair_until_it_is_withdrawn(pairwright: Any, disputed: str) -> None:
    words = ("pair", "adjudicate", disputed[:12], "--winner", "a", "--reason", "2 is even")
    decided = pairwright(*words, "--by", "Lea", "--json").result
    assert (decided["pair"], decided["winner"], decided["by"]) == (disputed, "a", "Lea")
    assert pairwright("pair", "queue", "--json").result == {"queue": []}
    built = pairwright("dataset", "build", "--labels", "votes", "--json").result
    assert built["rows"] == 1
    withdrawn = pairwright("pair", "withdraw", disputed, "--reason", "misread", "--json").result
    assert withdrawn["withdrawn"] == 1
    assert len(pairwright("pair", "queue", "--json").result["queue"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("adjudicate", "00000000", "--winner", "a", "--reason", "r"), 1, "no pairs"),
        (("adjudicate", "0", "--winner", "a", "--reason", "r"), 1, "no pairs"),
        (("adjudicate", "00000000", "--winner", "c", "--reason", "r"), 2, "winner"),
        (("adjudicate", "00000000", "--winner", "a"), 2, "reason"),
        (("queue", "--batch", "nowhere"), 1, "nowhere"),
    ],
)
def test_what_cannot_be_decided_says_why(
    pairwright: Any, disputed: str, words: tuple[str, ...], code: int, named: str
) -> None:
    ended = pairwright("pair", *words)
    assert ended.code == code
    assert named in ended.err
    assert disputed


def test_the_link_to_the_bench_of_a_lead_opens_it(
    pairwright: Any, disputed: str, tmp_path: Path
) -> None:
    made = pairwright("pair", "settle", "--batch", "first", "--by", "Lea", "--json").result
    token = made["url"].split("/j#")[1]
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as db:
        entry = access.exchange(db, token, opened.secret())
        seat = access.authorize(db, entry.cookie, opened.secret())
        assert (seat.lead.name, seat.batch_id) == ("Lea", batches.get(db, "first").id)
    opened.close()
    assert pairwright("pair", "settle", "--batch", "nowhere").code == 1
    assert disputed


def test_a_report_is_dismissed_and_one_that_comes_later_waits_again(
    pairwright: Any, records: Path, in_ledger: Any
) -> None:
    pairwright("init")
    pairwright("import", records, "--batch", "first")

    def report(tx: Connection, who: str) -> str:
        batch = batches.get(tx, "first")
        offered = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=annotators.get_or_create(tx, who).id,
            new_id=who,
            left="a",
            now=clock.now(tx),
            leased_until=clock.now(tx),
        )
        assert offered is not None
        reports.append(tx, event_id=f"of {who}", assignment_id=who, kind="nonsense", note="")
        return offered.pair_id

    reported = in_ledger(lambda tx: report(tx, "Ada"))
    dismissed = pairwright("pair", "dismiss", reported[:12], "--by", "Lea", "--json").result
    assert dismissed == {"pair": reported, "batch": "first", "by": "Lea"}
    assert pairwright("pair", "queue", "--json").result == {"queue": []}
    again = pairwright("pair", "dismiss", reported)
    assert (again.code, "No report is open" in again.err) == (1, True)
    assert in_ledger(lambda tx: report(tx, "Ben")) == reported
    (row,) = pairwright("pair", "queue", "--json").result["queue"]
    assert [reason["kind"] for reason in row["reasons"]] == ["reported"]


def test_a_browser_of_a_lead_is_listed_and_closed(
    pairwright: Any, disputed: str, in_ledger: Any, tmp_path: Path
) -> None:
    assert "No browser" in pairwright("lead", "list").err
    made = pairwright("pair", "settle", "--batch", "first", "--by", "Lea", "--json").result
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        entry = access.exchange(tx, made["url"].split("/j#")[1], opened.secret())
    (row,) = pairwright("lead", "list", "--json").result["browsers"]
    assert (row["lead"], row["batch"]) == ("Lea", "first")
    assert pairwright("lead", "revoke", row["id"]).code == 0
    with opened.ledger.read() as db, pytest.raises(RefusedError, match="closed for this browser"):
        access.authorize(db, entry.cookie, opened.secret())
    opened.close()
    assert pairwright("lead", "list", "--json").result == {"browsers": []}
    unknown = pairwright("lead", "revoke", "nobody")
    assert (unknown.code, "lead list" in unknown.err) == (1, True)
    assert disputed


def test_a_pair_in_two_batches_needs_the_name_of_one(
    pairwright: Any, disputed: str, records: Path
) -> None:
    pairwright("import", records, "--batch", "second")
    words = ("pair", "adjudicate", disputed, "--winner", "b", "--reason", "clear")
    refused = pairwright(*words)
    assert refused.code == 1
    assert "first, second" in refused.err
    assert pairwright(*words, "--batch", "second").code == 0
    assert len(pairwright("pair", "queue", "--json").result["queue"]) == 1
