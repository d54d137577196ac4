"""Sealing votes and pairs: every row in one segment or in the tail, never in both or neither."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars
import pytest

from storage import analytics, batches, sealing, segments
from storage.errors import DamagedError
from storage.ledger import Ledger
from storage.media import MediaStore
from storage.rows import Batch, Pair
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

VoteAt = Callable[..., str]
VOTES = SegmentKind.VOTES
# a minute in microseconds
MINUTE = 60_000_000


@pytest.fixture
def batch(place: Workspace, make_batch: Callable[..., Batch]) -> Batch:
    with place.ledger.write() as tx:
        return make_batch(tx, pair_count=4, overlap=2)


@pytest.fixture
def pair_ids(place: Workspace, batch: Batch) -> list[str]:
    with analytics.open(place).reading() as view:
        return sorted(view.coded.names_of(view.coded.members[batch.id]))


def seal(place: Workspace) -> list[Segment]:
    return sealing.run(place, settling_seconds=0)


def events(place: Workspace) -> Counter[str]:
    """How often readers see each vote event."""
    with analytics.open(place).reading() as view:
        return Counter(view.query("SELECT event_id FROM {votes}")["event_id"].to_list())


def sealed(place: Workspace) -> Counter[str]:
    """How often each vote event is in a segment."""
    with place.ledger.read() as db:
        paths = segments.paths(place, segments.listed(db, VOTES))
    return Counter(name for path in paths for name in polars.read_parquet(path)["event_id"])


def once(names: list[str]) -> Counter[str]:
    return Counter(dict.fromkeys(names, 1))


def test_a_vote_is_seen_before_and_after_it_is_sealed(
    place: Workspace, batch: Batch, pair_ids: list[str], vote_at: VoteAt
) -> None:
    with place.ledger.write() as tx:
        first = vote_at(tx, batch, pair_ids[0], "ana", 1000)
    assert events(place) == once([first])
    assert [segment.kind for segment in seal(place)] == ["votes", "pairs"]
    assert (sealed(place), events(place)) == (once([first]), once([first]))
    with place.ledger.write() as tx:
        second = vote_at(tx, batch, pair_ids[1], "ana", 2000)
    assert events(place) == once([first, second])
    assert sealed(place) == once([first])


def test_only_what_has_settled_is_sealed(
    place: Workspace, batch: Batch, pair_ids: list[str], label: Callable[..., None], vote_at: VoteAt
) -> None:
    with place.ledger.write() as tx:
        old = vote_at(tx, batch, pair_ids[0], "ana", 1000)
        label(tx, batch, "ben", {pair_ids[1]: "a"})
    sealing.run(place)
    assert sealed(place) == once([old])
    assert len(events(place)) == 2


def test_votes_of_the_same_microsecond_are_sealed_together(
    place: Workspace,
    batch: Batch,
    pair_ids: list[str],
    vote_at: VoteAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealing, "LARGEST", 2)
    with place.ledger.write() as tx:
        times = [(who, pair) for who in ("ana", "ben", "cleo") for pair in pair_ids]
        names = [vote_at(tx, batch, pair, who, 1000 + (who == "cleo")) for who, pair in times]
    made = [segment.rows for segment in seal(place) if segment.kind == VOTES]
    assert made == [8, 4]
    assert sealed(place) == once(names)
    assert seal(place) == []


def test_a_vote_that_commits_late_with_an_earlier_time_is_seen_and_sealed_once(
    place: Workspace, batch: Batch, pair_ids: list[str], vote_at: VoteAt
) -> None:
    hour = 60 * MINUTE
    with place.ledger.write() as tx:
        names = [vote_at(tx, batch, pair_ids[0], "ana", 2 * hour)]
    seal(place)
    assert events(place) == once(names)
    for moment in (hour, 2 * hour, 2 * hour - 1):
        with place.ledger.write() as tx:
            names.append(vote_at(tx, batch, pair_ids[1], f"late {moment}", moment))
        assert events(place) == once(names)
    with place.ledger.write() as tx:
        names.append(vote_at(tx, batch, pair_ids[2], "ben", 3 * hour))
    assert events(place) == once(names)
    seal(place)
    assert (sealed(place), events(place)) == (once(names), once(names))
    assert seal(place) == []


def test_a_live_tail_finds_what_came_with_a_much_earlier_time(
    place: Workspace, batch: Batch, pair_ids: list[str], vote_at: VoteAt
) -> None:
    names = []
    for moment in (500 * MINUTE, 499 * MINUTE, 3, 500 * MINUTE, 501 * MINUTE, 4):
        with place.ledger.write() as tx:
            names.append(vote_at(tx, batch, pair_ids[0], f"at {len(names)}", moment))
        assert events(place) == once(names)


def test_a_transaction_that_is_open_while_others_are_sealed_loses_nothing(
    postgres_url: str, tmp_path: Path, make_batch: Callable[..., Batch], vote_at: VoteAt
) -> None:
    with opened_on(postgres_url, tmp_path) as place:
        with place.ledger.write() as tx:
            batch = make_batch(tx, name=tmp_path.name, pair_count=2)
            ids = [vote_at(tx, batch, pair, "ana", 1) and pair for pair in members(tx, batch)]
            first = vote_at(tx, batch, ids[0], "ben", 2)
        with place.ledger.write() as slow:
            late = vote_at(slow, batch, ids[0], "slow", 10)
            with place.ledger.write() as quick:
                early = vote_at(quick, batch, ids[1], "quick", 20)
            seal(place)
            assert late not in events(place)
            assert {first, early} <= set(sealed(place))
        assert events(place)[late] == 1
        seal(place)
        assert sealed(place)[late] == 1
        assert set(sealed(place).values()) == {1}


def test_two_workers_do_not_seal_the_same_rows(
    place: Workspace, batch: Batch, pair_ids: list[str], vote_at: VoteAt
) -> None:
    with place.ledger.write() as tx:
        names = [vote_at(tx, batch, pair, "ana", 1000) for pair in pair_ids]
    real = segments.replace

    def overtaken(*arguments: object, **more: object) -> Segment:
        segments.replace = real  # type: ignore[assignment]
        assert [segment.rows for segment in seal(place) if segment.kind == VOTES] == [4]
        return real(*arguments, **more)  # type: ignore[arg-type]

    segments.replace = overtaken  # type: ignore[assignment]
    try:
        assert [segment for segment in seal(place) if segment.kind == VOTES] == []
    finally:
        segments.replace = real  # type: ignore[assignment]
    assert (sealed(place), events(place)) == (once(names), once(names))


def test_many_small_segments_become_one(
    place: Workspace, batch: Batch, pair_ids: list[str], vote_at: VoteAt
) -> None:
    names = []
    for moment in range(sealing.MANY):
        with place.ledger.write() as tx:
            names.append(vote_at(tx, batch, pair_ids[0], f"at {moment}", moment))
        seal(place)
        assert events(place) == once(names)
    with place.ledger.read() as db:
        (one,) = segments.listed(db, VOTES)
    assert (one.rows, int(one.low), int(one.high)) == (sealing.MANY, 0, sealing.MANY - 1)
    assert segments.sweep(place, kept_seconds=-1) == sealing.MANY
    assert events(place) == once(names)


@pytest.mark.parametrize("harm", ["gone", "torn"])
def test_a_damaged_segment_of_votes_is_made_again_from_the_ledger(
    harm: str, place: Workspace, batch: Batch, pair_ids: list[str], vote_at: VoteAt
) -> None:
    names = []
    for moment in range(3):
        with place.ledger.write() as tx:
            names.append(vote_at(tx, batch, pair_ids[moment], "ana", moment))
        seal(place)
    with place.ledger.read() as db:
        middle = segments.listed(db, VOTES)[1]
    path = place.home / middle.path
    path.unlink()
    if harm == "torn":
        path.write_bytes(bytes(middle.size))
    with pytest.raises(DamagedError, match="its worker makes the segment anew"):
        events(place)
    assert sealing.retire_damaged(place) == [middle]
    assert events(place) == once(names)
    seal(place)
    assert (sealed(place), events(place)) == (once(names), once(names))


def test_pairs_are_sealed_with_their_words_in_small_letters(
    place: Workspace, make_pair: Callable[..., Pair]
) -> None:
    with place.ledger.write() as tx:
        batch = batches.create(tx, "b")
        batches.add_pair(tx, batch.id, make_pair(tx, "Wie VIELE Äpfel?").id)
    seal(place)
    with analytics.open(place).reading() as view:
        (words,) = view.query("SELECT words FROM {pairs}")["words"]
    assert words.startswith("wie viele äpfel?\nthere are t")


def members(db: object, batch: Batch) -> list[str]:
    from storage.analytics import facts

    return list(facts.members(db, batch.id))  # type: ignore[arg-type]


@contextmanager
def opened_on(url: str, folder: Path) -> Iterator[Workspace]:
    ledger = Ledger(url)
    try:
        yield Workspace(folder, ledger, MediaStore(str(folder / "media")))
    finally:
        ledger.close()


def test_a_worker_seals_until_it_is_told_to_stop(
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    vote_at: VoteAt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Trouble in one round does not end it."""
    monkeypatch.setattr(sealing, "PAUSE_SECONDS", 0.01)
    with workspace.ledger.write() as tx:
        batch = make_batch(tx)
        name = vote_at(tx, batch, members(tx, batch)[0], "ana", 1000)
    blocked = segments.folder(workspace)
    blocked.write_text("not a folder", encoding="utf-8")
    stop = threading.Event()
    keeper = threading.Thread(target=sealing.keep, args=(workspace, stop))
    keeper.start()
    try:
        printed = ""
        while "sealing failed and is tried again" not in printed:
            stop.wait(0.01)
            printed += capsys.readouterr().out
        blocked.unlink()
        while not sealed(workspace):
            stop.wait(0.01)
    finally:
        stop.set()
        keeper.join()
    assert sealed(workspace) == once([name])
