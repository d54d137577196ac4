"""The log of votes: nothing twice, nothing lost, and the last word is the effective one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from storage import annotators, assignments, clock, tables, votes
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.rows import Annotator, Assignment, Batch, EffectiveVote, Verdict, VoteEvent
from storage.workspace import Workspace

_numbers = itertools.count()


def _offer(tx: Connection, batch: Batch, annotator: Annotator) -> Assignment:
    now = clock.now(tx)
    offered = assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=annotator.id,
        new_id=f"assignment {next(_numbers)}",
        left="b",
        now=now,
        leased_until=now + clock.SECOND,
    )
    assert offered is not None
    return offered


def _post(
    tx: Connection,
    assignment: Assignment,
    event_id: str,
    verdict: Verdict | None,
    **other: Any,
) -> VoteEvent:
    values: dict[str, Any] = {"shown_at": 1, "decided_at": 2, "active_ms": 3, **other}
    kind = "undo" if verdict is None else "vote"
    values.setdefault("kind", kind)
    return votes.append(
        tx, event_id=event_id, assignment_id=assignment.id, verdict=verdict, **values
    )


@pytest.fixture
def batch(ledger: Ledger, make_batch: Callable[..., Batch]) -> Batch:
    with ledger.write() as tx:
        return make_batch(tx, pair_count=4, overlap=2)


@pytest.fixture
def assignment(ledger: Ledger, batch: Batch, people: list[Annotator]) -> Assignment:
    with ledger.write() as tx:
        return _offer(tx, batch, people[0])


def test_a_vote_is_kept_with_everything_the_browser_said(
    ledger: Ledger, assignment: Assignment
) -> None:
    with ledger.write() as tx:
        event = _post(
            tx,
            assignment,
            "e1",
            Verdict.TIE,
            note="beide gleich – 同じ",
            rubric={"clarity": 2},
            failures=["counting"],
            confidence=3,
            shown_at=1_700_000_000_000_000,
            decided_at=1_700_000_003_000_000,
            active_ms=2_900,
        )
    with ledger.read() as db:
        assert votes.events(db, assignment.pair_id) == [event]
        assert abs(clock.now(db) - event.received_at) < 60 * clock.SECOND
    assert (event.sequence, event.verdict, event.rubric) == (1, Verdict.TIE, {"clarity": 2})
    assert (event.failures, event.confidence) == (["counting"], 3)


def test_the_same_event_again_returns_the_first(ledger: Ledger, assignment: Assignment) -> None:
    with ledger.write() as tx:
        first = _post(tx, assignment, "e1", Verdict.A)
        assert _post(tx, assignment, "e1", Verdict.A) == first
        undo = _post(tx, assignment, "e2", None)
        # an outbox may send an old event after a newer one
        assert _post(tx, assignment, "e1", Verdict.A) == first
        assert _post(tx, assignment, "e2", None) == undo
    with ledger.read() as db:
        assert votes.events(db, assignment.pair_id) == [first, undo]


def test_a_second_vote_needs_an_undo_first(ledger: Ledger, assignment: Assignment) -> None:
    with ledger.write() as tx:
        _post(tx, assignment, "e1", Verdict.A)
        with pytest.raises(ConflictError, match="your vote already"):
            _post(tx, assignment, "e2", Verdict.B)
        _post(tx, assignment, "e3", None)
        with pytest.raises(ConflictError, match="no vote"):
            _post(tx, assignment, "e4", None)
        _post(tx, assignment, "e5", Verdict.B)
    with ledger.read() as db:
        (effective,) = votes.effective(db)
        assert [event.sequence for event in votes.events(db, assignment.pair_id)] == [1, 2, 3]
    assert effective.verdict is Verdict.B


def test_an_undo_without_a_vote_is_refused(ledger: Ledger, assignment: Assignment) -> None:
    with pytest.raises(ConflictError, match="no vote"), ledger.write() as tx:
        _post(tx, assignment, "e1", None)


def test_an_event_of_another_assignment_is_refused(
    ledger: Ledger, batch: Batch, assignment: Assignment, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        _post(tx, assignment, "e1", Verdict.A)
        other = _offer(tx, batch, people[1])
        with pytest.raises(ConflictError, match="another assignment"):
            _post(tx, other, "e1", Verdict.A)


@pytest.mark.parametrize(
    ("kind", "verdict"), [("vote", None), ("undo", Verdict.A), ("report", Verdict.A)]
)
def test_an_event_that_makes_no_sense_is_refused(
    ledger: Ledger, assignment: Assignment, kind: str, verdict: Verdict | None
) -> None:
    with pytest.raises(WrongInputError), ledger.write() as tx:
        _post(tx, assignment, "e1", verdict, kind=kind)


@pytest.mark.parametrize(
    "other",
    [
        {"note": "a \0 inside"},
        {"note": "half a \ud800 surrogate"},
        {"note": "x" * 70_000},
        {"rubric": {"clarity": float("nan")}},
        {"rubric": {"clarity": {1}}},
        {"failures": [{1}]},
        {"confidence": 2**63},
        {"shown_at": -1},
        {"active_ms": 2**63},
    ],
)
def test_a_value_that_a_database_cannot_hold_is_refused(
    workspace: Workspace, other: dict[str, Any]
) -> None:
    nothing = {"assignment_id": "nothing", "kind": "vote", "verdict": Verdict.A}
    times = {"shown_at": 1, "decided_at": 2, "active_ms": 3}
    with pytest.raises(WrongInputError), workspace.ledger.write() as tx:
        votes.append(tx, event_id="e1", **{**nothing, **times, **other})


def test_a_vote_on_nothing_is_refused(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="nothing"), ledger.write() as tx:
        votes.append(
            tx,
            event_id="e1",
            assignment_id="nothing",
            kind="vote",
            verdict=Verdict.A,
            shown_at=1,
            decided_at=2,
            active_ms=3,
        )


def test_effective_votes_say_who_decided_what(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        first, second, third = (_offer(tx, batch, people[i]) for i in (0, 0, 1))
        given = _post(tx, first, "e1", Verdict.A)
        _post(tx, second, "e2", Verdict.SKIP)
        _post(tx, third, "e3", Verdict.B)
        _post(tx, third, "e4", None)
    vote = EffectiveVote(
        first.id, batch.id, first.pair_id, "Ada", Verdict.A, "b", given.received_at
    )
    with ledger.read() as db:
        found = votes.effective(db)
        assert vote in found
        assert {v.assignment_id: v.verdict for v in found} == {
            first.id: Verdict.A,
            second.id: Verdict.SKIP,
        }
        assert votes.effective(db, batch_id="nothing") == []
        assert votes.effective(db, batch.id, [first.pair_id]) == [vote]
        assert votes.effective(db, pair_ids=[]) == []
        many = [first.pair_id, *(f"pair {number}" for number in range(2500))]
        assert votes.effective(db, pair_ids=many) == [vote]


def test_one_event_posted_from_many_threads_is_one_vote(
    ledger: Ledger, assignment: Assignment
) -> None:
    def post(number: int) -> str:
        try:
            with ledger.write() as tx:
                return _post(tx, assignment, f"e{number % 2}", Verdict.A).event_id
        except ConflictError:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(post, range(16)))
    winner = next(outcome for outcome in outcomes if outcome != "refused")
    assert outcomes.count(winner) == 8
    assert outcomes.count("refused") == 8
    _assert_in_step(ledger)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["vote", "undo", "again"]),
        st.integers(0, 3),
        st.sampled_from(list(Verdict)),
    ),
    max_size=30,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=ACTIONS)
def test_any_order_of_votes_undos_and_repeats_follows_a_plain_model(
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    actions: list[tuple[str, int, Verdict]],
) -> None:
    ledger = workspace.ledger
    with ledger.write() as tx:
        batch = make_batch(tx, f"batch {next(_numbers)}", pair_count=2, overlap=2)
        people = [annotators.get_or_create(tx, name) for name in ("Ada", "Ben")]
        offered = [_offer(tx, batch, person) for person in people for _ in range(2)]
    standing: dict[int, Verdict] = {}
    posted: list[tuple[int, VoteEvent]] = []
    with ledger.write() as tx:
        for action, which, verdict in actions:
            _act(tx, offered, standing, posted, action, which, verdict)
    with ledger.read() as db:
        found = {vote.assignment_id: vote.verdict for vote in votes.effective(db, batch.id)}
        assert found == {offered[which].id: verdict for which, verdict in standing.items()}
        for which, one in enumerate(offered):
            mine = [event for on, event in posted if on == which]
            logged = [e for e in votes.events(db, one.pair_id) if e.assignment_id == one.id]
            assert logged == mine
    _assert_in_step(ledger)


def _act(
    tx: Connection,
    offered: list[Assignment],
    standing: dict[int, Verdict],
    posted: list[tuple[int, VoteEvent]],
    action: str,
    which: int,
    verdict: Verdict,
) -> None:
    if action == "again":
        if posted:
            on, event = posted[which % len(posted)]
            assert _post(tx, offered[on], event.event_id, event.verdict) == event
        return
    allowed = (which in standing) == (action == "undo")
    wanted = verdict if action == "vote" else None
    event_id = f"event {next(_numbers)}"
    if not allowed:
        with pytest.raises(ConflictError):
            _post(tx, offered[which], event_id, wanted)
        return
    posted.append((which, _post(tx, offered[which], event_id, wanted)))
    if wanted is None:
        del standing[which]
    else:
        standing[which] = wanted


def _assert_in_step(ledger: Ledger) -> None:
    """The columns that follow the log say what the log says."""
    with ledger.read() as db:
        effective = votes.effective(db)
        answered = {vote.assignment_id: vote.received_at for vote in effective}
        table = tables.assignments
        for row in db.execute(select(table.c.id, table.c.answered_at)):
            assert row.answered_at == answered.get(row.id)
        within = tables.batch_pairs
        for row in db.execute(select(within)):
            on_pair = [v for v in effective if (v.batch_id, v.pair_id) == (row[0], row[1])]
            assert row.votes == sum(v.verdict is not Verdict.SKIP for v in on_pair)
            assert row.votes_a == sum(v.verdict is Verdict.A for v in on_pair)
            assert row.votes_b == sum(v.verdict is Verdict.B for v in on_pair)
            assert (row.wanted > row.votes) == (row.urgency >= 0)
