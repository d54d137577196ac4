"""Columns that grow with every look hold what the ledger holds, whatever came in whatever order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import analytics, batches, clock, pairs, sealing, tables, votes
from storage.analytics import View, coding, labeling
from storage.pairs import PairFilter
from storage.rows import Batch, EffectiveVote, Pair
from storage.workspace import Workspace

VoteAt = Callable[..., str]

PEOPLE = ("ana", "ben")
# pair, annotator, kind of assignment, moment; the verdict of a new vote; whether to seal afterwards
STEP = st.tuples(
    st.integers(0, 2),
    st.sampled_from(PEOPLE),
    st.sampled_from(("normal", "normal", "gold", "repeat", "adjudication", "qualification")),
    st.integers(0, 2),
    st.sampled_from(("a", "b", "skip")),
    st.booleans(),
)


def told(found: list[EffectiveVote]) -> list[tuple[object, ...]]:
    rows = [(v.pair_id, v.batch_id, v.annotator, v.verdict, v.kind, v.received_at) for v in found]
    return sorted(rows, key=lambda row: (row[-1], row))


def said(view: View) -> list[tuple[object, ...]]:
    found = view.effective()
    times = found["received_at"].to_list()
    assert times == sorted(times)
    rest = found.select("batch", "annotator", "verdict", "kind", "received_at").rows()
    names = view.coded.names_of(found["pair"].to_numpy())
    rows = [(name, *row) for name, row in zip(names, rest, strict=True)]
    return sorted(rows, key=lambda row: (row[-1], row))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=2, max_size=8))
def test_looks_between_votes_undos_and_seals_see_what_the_ledger_has(
    steps: list[tuple[int, str, str, int, str, bool]],
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    assign: Callable[..., str],
    add_event: Callable[..., str],
) -> None:
    """A second vote on an assignment is an undo, the third a vote again; times go back and forth.
    Batches and annotators come in between."""
    with workspace.ledger.write() as tx:
        number = len(batches.listed(tx))
        batch = make_batch(tx, f"b{number}", pair_count=3)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch=batch.name), 3)]
    assignments: dict[tuple[int, str, str], tuple[str, int]] = {}
    for pair, who, kind, moment, verdict, is_sealed in steps:
        key = (pair, f"{who} {number}", kind)
        with workspace.ledger.write() as tx:
            name, sequence = assignments.get(key) or (assign(tx, batch, ids[pair], *key[1:]), 0)
            event = "undo" if sequence % 2 else "vote"
            said_now = None if sequence % 2 else verdict
            add_event(tx, name, sequence + 1, event, said_now, moment + 10 * number)
        assignments[key] = (name, sequence + 1)
        if is_sealed:
            sealing.run(workspace, settling_seconds=0)
        with workspace.ledger.read() as db:
            expected = told(votes.effective(db))
        with analytics.open(workspace).reading() as view:
            assert said(view) == expected


def test_a_look_after_a_vote_reads_no_segment_again(
    place: Workspace,
    make_batch: Callable[..., Batch],
    vote_at: VoteAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when the vote was sealed between two looks."""
    with place.ledger.write() as tx:
        batch = make_batch(tx, pair_count=4)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(), 4)]
        vote_at(tx, batch, ids[0], "ana", 1000)
    sealing.run(place, settling_seconds=0)
    store = analytics.open(place)
    with store.reading() as view:
        assert view.effective().height == 1

    def refused(*_: object) -> None:
        raise AssertionError("everything was read again")

    monkeypatch.setattr(coding.Coding, "_read", refused)
    for moment, pair in enumerate(ids[1:], start=2000):
        with place.ledger.write() as tx:
            vote_at(tx, batch, pair, f"new {moment}", moment)
        if moment == 2001:
            sealing.run(place, settling_seconds=0)
        with store.reading() as view:
            assert view.effective().height == moment - 1998


def test_pairs_that_come_between_two_looks_are_found_and_numbered_by_age(
    place: Workspace,
    make_batch: Callable[..., Batch],
    make_pair: Callable[..., Pair],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second one with the time of a clock that went back."""
    with place.ledger.write() as tx:
        batch = make_batch(tx, pair_count=2)
    store = analytics.open(place)
    with store.reading() as view:
        assert len(labeling.matching(view, PairFilter())) == 2
    for number in (1, 2):
        if number == 2:
            monkeypatch.setattr(clock, "now", lambda _: 1)
        with place.ledger.write() as tx:
            added = make_pair(tx, f"A later question {number}")
            batches.add_pair(tx, batch.id, added.id)
            by_age = tables.pairs.select().order_by("created_at", "id")
            expected = [row.id for row in tx.execute(by_age)]
        with store.reading() as view:
            found = labeling.matching(view, PairFilter())
            assert view.coded.names_of(found) == expected
            members = labeling.matching(view, PairFilter(batch=batch.name))
            assert sorted(view.coded.names_of(members)) == sorted(expected)
            late = labeling.matching(view, PairFilter(text=f"later question {number}"))
            assert view.coded.names_of(late) == [added.id]


def test_a_batch_is_marked_by_its_own_votes_only(
    place: Workspace, make_batch: Callable[..., Batch], vote_at: VoteAt
) -> None:
    with place.ledger.write() as tx:
        one, other = make_batch(tx, "one", pair_count=1), make_batch(tx, "other", pair_count=1)
        (pair,) = [v.pair.id for v in pairs.page(tx, PairFilter(batch="one"), 1)]
    store = analytics.open(place)

    def marks() -> list[tuple[object, ...]]:
        with store.reading() as view:
            return [view.mark_of_batch(batch.id) for batch in (one, other)]

    before = marks()
    with place.ledger.write() as tx:
        vote_at(tx, one, pair, "ana", 1000)
    after = marks()
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)
    with place.ledger.write() as tx:
        vote_at(tx, one, pair, "ben", 1)
    assert marks()[0] not in (before[0], after[0])


def test_a_figure_is_computed_again_only_for_another_mark(workspace: Workspace) -> None:
    store = analytics.open(workspace)
    values = iter(range(9))
    seen = [store.kept("key", mark, lambda: next(values)) for mark in (1, 1, 2, 2, 1)]
    assert seen == [0, 0, 1, 1, 2]
    assert store.kept("another key", 1, lambda: next(values)) == 3
