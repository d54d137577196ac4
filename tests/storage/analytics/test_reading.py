"""Figures from segments and tail are those of the ledger, however much of it is sealed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import analytics, labels, pairs, sealing, tables, votes
from storage.analytics import View, labeling
from storage.errors import WrongInputError
from storage.pairs import PairFilter
from storage.rows import Batch, EffectiveVote, ImportedLabel
from storage.workspace import Workspace

VoteAt = Callable[..., str]
NAMES = ("first", "second")


@dataclass(frozen=True)
class Filled:
    workspace: Workspace
    batches: Sequence[Batch]
    pairs: Sequence[str]


@pytest.fixture
def filled(place: Workspace, make_batch: Callable[..., Batch], vote_at: VoteAt) -> Filled:
    """Two batches with votes of every verdict, one undone, one in both batches."""
    with place.ledger.write() as tx:
        made = [make_batch(tx, name, pair_count=6, overlap=2) for name in NAMES]
        views = {batch.name: pairs.page(tx, PairFilter(batch=batch.name), 10) for batch in made}
        ids = [view.pair.id for batch in made for view in views[batch.name]]
        for number, verdict in enumerate(("a", "b", "tie", "both_bad", "skip", "a")):
            vote_at(tx, made[0], ids[number], "ana", 1000 + number, verdict)
            vote_at(tx, made[0], ids[number], "ben", 1000 + number, "a")
        vote_at(tx, made[1], ids[6], "ana", 2000, "b")
        labels.add(tx, ImportedLabel(ids[0], "a", "imported", made[0].id, "f", 1, ""))
        labels.add(tx, ImportedLabel(ids[0], "b", "imported", made[0].id, "f", 2, ""))
    return Filled(place, made, ids)


def told(vote: EffectiveVote) -> tuple[object, ...]:
    return (vote.pair_id, vote.batch_id, vote.annotator, vote.verdict, vote.kind, vote.received_at)


def said(view: View, batch_id: str = "") -> list[tuple[object, ...]]:
    """The votes as analytics has them, written as `told` writes those of the ledger."""
    found = view.effective(batch_id)
    rest = found.select("batch", "annotator", "verdict", "kind", "received_at").rows()
    names = view.coded.names_of(found["pair"].to_numpy())
    return [(name, *row) for name, row in zip(names, rest, strict=True)]


def matching(view: View, wanted: PairFilter) -> list[str]:
    return view.coded.names_of(labeling.matching(view, wanted))


FILTERS = (
    PairFilter(),
    PairFilter(batch="first"),
    PairFilter(batch="no such"),
    PairFilter(batch="first", category="counting"),
    PairFilter(category="spatial"),
    PairFilter(annotator="ana"),
    PairFilter(annotator="nobody"),
    PairFilter(verdict="a"),
    PairFilter(annotator="ana", verdict="b"),
    PairFilter(batch="second", annotator="ana", verdict="b"),
    PairFilter(batch="second", annotator="ben"),
    PairFilter(text="QUESTION 3"),
    PairFilter(text="question 3", batch="second", category="counting"),
    PairFilter(text="%"),
    PairFilter(text="_"),
    PairFilter(text="' OR true --"),
    PairFilter(category="' OR true --", annotator="$x", batch="\\"),
    PairFilter(voted_from="1970-01-01", voted_to="1970-01-01", verdict="b"),
    PairFilter(voted_from="1970-01-02"),
)


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize("wanted", FILTERS)
def test_a_filter_finds_what_the_ledger_finds_in_the_same_order(
    wanted: PairFilter, is_sealed: bool, filled: Filled
) -> None:
    if is_sealed:
        sealing.run(filled.workspace, settling_seconds=0)
    with filled.workspace.ledger.read() as db:
        expected = [view.pair.id for view in pairs.page(db, wanted, 100)]
    with analytics.open(filled.workspace).reading() as view:
        assert matching(view, wanted) == expected


@pytest.mark.parametrize(
    "wanted", [PairFilter(text="x" * 1001), PairFilter(text="\0"), PairFilter(verdict="best")]
)
def test_a_filter_that_cannot_be_used_is_refused(wanted: PairFilter, filled: Filled) -> None:
    with analytics.open(filled.workspace).reading() as view, pytest.raises(WrongInputError):
        labeling.matching(view, wanted)


@pytest.mark.parametrize("is_sealed", [False, True])
def test_effective_votes_are_those_of_the_ledger(is_sealed: bool, filled: Filled) -> None:
    if is_sealed:
        sealing.run(filled.workspace, settling_seconds=0)
    with filled.workspace.ledger.read() as db:
        expected = votes.effective(db)
        expected_first = votes.effective(db, filled.batches[0].id)
    with analytics.open(filled.workspace).reading() as view:
        assert said(view) == [told(vote) for vote in expected]
        assert said(view, filled.batches[0].id) == [told(vote) for vote in expected_first]
        assert said(view, "no such batch") == []
    assert len(expected) == 13


def test_an_undo_after_sealing_takes_the_sealed_vote_back(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=1)
        (pair,) = [view.pair.id for view in pairs.page(tx, PairFilter(), 1)]
        label(tx, batch, "ana", {pair: "a"})
    sealing.run(workspace, settling_seconds=0)
    with workspace.ledger.write() as tx:
        (vote,) = votes.effective(tx)
        votes.append(
            tx,
            event_id="undo",
            assignment_id=vote.assignment_id,
            kind="undo",
            verdict=None,
            shown_at=0,
            decided_at=0,
            active_ms=0,
        )
    with analytics.open(workspace).reading() as view:
        assert view.effective().is_empty()
        assert labeling.tallies(view, batch.id) == []
        assert matching(view, PairFilter(annotator="ana")) == []


def test_labels_and_sizes_are_counted_by_pair(filled: Filled) -> None:
    first, second = (batch.id for batch in filled.batches)
    with analytics.open(filled.workspace).reading() as view:
        assert view.coded.labeled == {first: 1}
        assert labeling.sizes(view) == {first: 6, second: 6}


def test_the_mark_changes_with_every_fact_and_only_then(
    filled: Filled, vote_at: VoteAt, make_batch: Callable[..., Batch]
) -> None:
    store = analytics.open(filled.workspace)

    def mark() -> tuple[object, ...]:
        with store.reading() as view:
            return view.mark

    seen = [mark()]
    assert mark() == seen[0]
    with filled.workspace.ledger.write() as tx:
        vote_at(tx, filled.batches[1], filled.pairs[7], "cleo", 5)
    seen.append(mark())
    with filled.workspace.ledger.write() as tx:
        make_batch(tx, "third")
    seen.append(mark())
    sealing.run(filled.workspace, settling_seconds=0)
    seen.append(mark())
    assert len(set(seen)) == len(seen)


def test_one_reading_is_one_state(filled: Filled, vote_at: VoteAt) -> None:
    with analytics.open(filled.workspace).reading() as view:
        before = view.effective().height
        with filled.workspace.ledger.write() as tx:
            vote_at(tx, filled.batches[1], filled.pairs[7], "cleo", 5)
        sealing.run(filled.workspace, settling_seconds=0)
        assert view.effective().height == before
    with analytics.open(filled.workspace).reading() as view:
        assert view.effective().height == before + 1


def test_many_threads_read_at_the_same_time(filled: Filled) -> None:
    store = analytics.open(filled.workspace)
    found: list[int] = []

    def look() -> None:
        for _ in range(5):
            with store.reading() as view:
                found.append(view.effective().height)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [13] * 30


CAST = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(("ana", "ben", "cleo")),
        st.sampled_from(("a", "b", "tie", "both_bad", "skip")),
        st.sampled_from(("normal", "gold", "repeat", "adjudication")),
        st.integers(0, 3),
    ),
    max_size=25,
    unique_by=lambda cast: (cast[0], cast[1], cast[3]),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cast=CAST, sealed_first=st.integers(0, 25))
def test_tallies_count_what_the_effective_votes_say(
    cast: list[tuple[int, str, str, str, int]],
    sealed_first: int,
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    vote_at: VoteAt,
) -> None:
    """Against a plain count in Python, with votes at equal times and part of them sealed."""
    with workspace.ledger.write() as tx:
        number = tx.execute(tables.batches.select()).all()
        batch = make_batch(tx, f"b{len(number)}", pair_count=3)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch=batch.name), 3)]
    for start, end in ((0, sealed_first), (sealed_first, len(cast))):
        with workspace.ledger.write() as tx:
            for pair, who, verdict, kind, moment in cast[start:end]:
                vote_at(tx, batch, ids[pair], who, moment, verdict, kind)
        if start == 0:
            sealing.run(workspace, settling_seconds=0)
    with workspace.ledger.read() as db:
        expected = votes.effective(db, batch.id)
    with analytics.open(workspace).reading() as view:
        tallies = labeling.tallies(view, batch.id)
    assert sum(tally.cast * tally.pairs for tally in tallies) == len(expected)
    said = [vote for vote in expected if vote.verdict != "skip" and vote.kind != "adjudication"]
    assert sum(tally.decided * tally.pairs for tally in tallies) == len(said)
    latest = {(vote.pair_id, vote.annotator): vote.verdict for vote in said}
    for name, verdicts in (("a", ("a",)), ("b", ("b",)), ("tie", ("tie", "both_bad"))):
        counted = sum(getattr(tally, name) * tally.pairs for tally in tallies)
        assert counted == sum(verdict in verdicts for verdict in latest.values())
