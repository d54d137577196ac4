"""Many pairs at once on the Pairs page: pages by cursor, saved views, actions and single votes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from console.views import pair_bulk, pair_searches
from labeling import explorer
from labeling.explorer import Cursor, Search
from rounds import dataset, decisions
from rounds.dataset import BuildSettings
from storage import clock, exclusions, pair_actions, pairs, round_log, votes
from storage.errors import ConflictError, WrongInputError
from storage.pair_actions import ActionKind
from storage.pair_filters import PairFilter
from storage.rows import Batch
from storage.workspace import Workspace

Page = Callable[..., AppTest]
FIRST = Search(PairFilter(batch="first"))


@dataclass(frozen=True)
class Shelf:
    """`ids` are the pairs of batch `first` by position; ana finds A better on the first three."""

    workspace: Workspace
    batch: Batch
    ids: list[str]

    def found(self, **facts: str) -> list[int]:
        found = pair_bulk.ids_of(self.workspace, Search(PairFilter(batch="first", **facts)))
        return [self.ids.index(pair_id) for pair_id in found]

    def do(self, kind: str, places: slice, value: str = "") -> None:
        order = pair_bulk.Order(ActionKind(kind), value, "lea", "second look")
        pair_bulk.apply(self.workspace, order, self.ids[places])


@pytest.fixture
def shelf(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> Shelf:
    with workspace.ledger.write() as tx:
        make_batch(tx, "other", pair_count=1)
        batch = make_batch(tx, "first", pair_count=104, overlap=2)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch="first"), 200)]
        label(tx, batch, "ana", dict.fromkeys(ids[:3], "a"))
    return Shelf(workspace, batch, ids)


def texts(test: AppTest) -> list[str]:
    return [text.value for text in test.text]


@pytest.mark.parametrize("batch", ["", "first"])
def test_pages_by_cursor_are_the_whole_list_in_both_directions(batch: str, shelf: Shelf) -> None:
    found = explorer.find(shelf.workspace, Search(PairFilter(batch=batch)))
    whole = found.ids(0, 1000)
    assert len(whole) == (104 if batch else 105)
    seen: list[str] = []
    page = found.at(Cursor(), 40)
    while page.ids:
        assert (page.first, page.total) == (len(seen) + 1, len(whole))
        assert page.has_before == bool(seen)
        seen += page.ids
        assert page.has_after == (len(seen) < len(whole))
        page = found.at(Cursor(seen[-1]), 40)
    assert seen == whole
    assert list(found.at(Cursor("", backwards=True), 40).ids) == whole[-40:]
    assert list(found.at(Cursor(whole[50], backwards=True), 40).ids) == whole[10:50]
    assert list(found.at(Cursor(whole[5], backwards=True), 40).ids) == whole[:5]


def test_a_page_stays_where_it_is_when_its_pairs_match_no_more(
    shelf: Shelf, label: Callable[..., None]
) -> None:
    unvoted = Search(PairFilter(batch="first"), consensus="no votes")
    before = explorer.find(shelf.workspace, unvoted).at(Cursor(shelf.ids[9]), 5)
    assert list(before.ids) == shelf.ids[10:15]
    with shelf.workspace.ledger.write() as tx:
        label(tx, shelf.batch, "ben", dict.fromkeys(shelf.ids[5:10], "a"))
    after = explorer.find(shelf.workspace, unvoted).at(Cursor(shelf.ids[9]), 5)
    assert (list(after.ids), after.first) == (list(before.ids), before.first - 5)


def test_a_cursor_that_points_nowhere_is_refused(shelf: Shelf) -> None:
    found = explorer.find(shelf.workspace, FIRST)
    (elsewhere,) = pair_bulk.ids_of(shelf.workspace, Search(PairFilter(batch="other")))
    for pair_id in ("gone", elsewhere):
        with pytest.raises(WrongInputError, match="No page begins"):
            found.at(Cursor(pair_id), 5)


def test_pairs_are_found_by_tag_exclusion_round_and_day(shelf: Shelf) -> None:
    shelf.do("tag", slice(2, 5), "hard")
    shelf.do("exclude", slice(4, 6))
    with shelf.workspace.ledger.write() as tx:
        turn = round_log.open_next(tx, start="tiny", target_pairs=9, focus="all", actor="lea")
        round_log.add_batch(tx, turn.number, shelf.batch.id, actor="lea")
        day = datetime.fromtimestamp(clock.now(tx) / clock.SECOND, UTC).date().isoformat()
    assert shelf.found(tag="hard") == [2, 3, 4]
    assert shelf.found(tag="hard", left_out="yes") == [4]
    assert len(shelf.found(left_out="no")) == 102
    assert len(shelf.found(round="1")) == len(shelf.found(added_from=day, added_to=day)) == 104
    assert shelf.found(round="2") == shelf.found(added_to="2001-01-01") == []
    everywhere = explorer.find(shelf.workspace, Search(PairFilter(round="1")))
    assert len(everywhere.numbers) == 104
    for facts in ({"tag": "hard", "left_out": "yes"}, {"round": "1", "added_from": day}):
        wanted = PairFilter(batch="first", **facts)
        with shelf.workspace.ledger.read() as db:
            told = [view.pair.id for view in pairs.page(db, wanted, 200)]
        assert told == pair_bulk.ids_of(shelf.workspace, Search(wanted))


def test_a_search_is_the_same_after_it_was_words(shelf: Shelf) -> None:
    search = Search(PairFilter("first", tag="hard", voted_to="2026-01-01"), "settled", 0.5, None)
    said = pair_searches.words(search)
    assert said == {
        **{"batch": "first", "tag": "hard", "to": "2026-01-01"},
        **{"consensus": "settled", "low": "0.5"},
    }
    assert pair_searches.search_of(said) == search
    for wrong in ({"low": "much"}, {"colour": "red"}):
        with pytest.raises(WrongInputError):
            pair_searches.search_of(wrong)


def test_an_excluded_pair_is_in_no_version_and_no_figure(shelf: Shelf) -> None:
    build = BuildSettings(batch="first", labels="votes")
    assert len(dataset.preview(shelf.workspace, build).rows) == 3
    shelf.do("exclude", slice(0, 2))
    found = dataset.preview(shelf.workspace, build)
    assert [row.pair_id for row in found.rows] == shelf.ids[2:3]
    assert found.excluded[decisions.EXCLUDED] == 2
    settled = explorer.find(shelf.workspace, Search(consensus="settled"))
    assert settled.ids(0, 9) == shelf.ids[2:3]
    pair_bulk.undo(shelf.workspace, None, "lea")
    assert len(dataset.preview(shelf.workspace, build).rows) == 3
    assert len(explorer.find(shelf.workspace, Search(consensus="settled")).numbers) == 3


def test_more_pairs_than_were_shown_are_not_changed(shelf: Shelf) -> None:
    with pytest.raises(ConflictError, match="104 pairs match now; 103 did"):
        pair_bulk.ids_of(shelf.workspace, FIRST, shown=103)


def test_many_pairs_are_changed_by_two_clicks_and_taken_back(shelf: Shelf, page: Page) -> None:
    shelf.do("tag", slice(0, 2), "earlier")
    test = page("pairs", batch="first")
    test.radio(key="bulk-scope-This pair").set_value("All that match").run()
    test.text_input(key="bulk-tag").input("hard").run()
    test.button(key="bulk-ask").click().run()
    assert test.button(key="bulk-do").label == "Yes. Tag: 104 pairs"
    test.button(key="bulk-do").click().run()
    assert not test.exception
    assert len(shelf.found(tag="hard")) == 104
    test.button(key="bulk-undo").click().run()
    assert not test.exception
    assert shelf.found(tag="hard") == []
    with shelf.workspace.ledger.read() as db:
        assert [one.pairs for one in pair_actions.listed(db)] == [104, 104, 2]
    assert len(shelf.found(tag="earlier")) == 2


def test_one_pair_is_excluded_by_one_click_with_a_reason(shelf: Shelf, page: Page) -> None:
    test = page("pairs", batch="first", pair=shelf.ids[1])
    test.selectbox(key="bulk-kind").set_value(ActionKind.EXCLUDE).run()
    assert test.button(key="bulk-do").disabled
    test.text_input(key="bulk-reason").input("alike").run()
    test.button(key="bulk-do").click().run()
    assert shelf.found(left_out="yes") == [1]
    assert {"Excluded: alike", f"Pair {shelf.ids[1][:12]} · counting · excluded"} <= {*texts(test)}
    history = next(frame.value for frame in test.dataframe if "said" in frame.value)
    assert list(history["what"])[-1] == "excluded"
    assert list(history["said"])[-1] == "alike"


def test_a_view_is_saved_opened_renamed_and_deleted(shelf: Shelf, page: Page) -> None:
    test = page("pairs", batch="first", annotator="ana", low="0.7")
    test.text_input(key="view-new").input("mine").run()
    test.button(key="view-save").click().run()
    (saved,) = pair_searches.listed(shelf.workspace)
    assert saved.search == {"batch": "first", "annotator": "ana", "low": "0.7"}
    test = page("pairs", text="nothing")
    test.button(key="view-open").click().run()
    assert not test.exception
    assert "Pairs 1 to 3 of 3" in texts(test)
    assert test.text_input(key="text").value == ""
    test.text_input(key="view-renamed").input("ours").run()
    test.button(key="view-rename").click().run()
    assert [one.name for one in pair_searches.listed(shelf.workspace)] == ["ours"]
    test.button(key="view-delete").click().run()
    assert pair_searches.listed(shelf.workspace) == []


def test_a_single_vote_is_excluded_and_counts_again(shelf: Shelf, page: Page) -> None:
    test = page("pairs", pair=shelf.ids[0])
    assert test.button(key="vote-exclude").disabled
    test.text_input(key="vote-reason").input("hasty").run()
    test.button(key="vote-exclude").click().run()
    assert not test.exception
    with shelf.workspace.ledger.read() as db:
        assert votes.effective(db, pair_ids=shelf.ids[:1]) == []
        (event,) = exclusions.in_force(db).standing
    assert (event.pair_id, event.reason) == (shelf.ids[0], "hasty")
    assert "Excluded: hasty" in texts(test)
    test.text_input(key="vote-reason").input("was fine").run()
    test.button(key="vote-exclude").click().run()
    with shelf.workspace.ledger.read() as db:
        assert len(votes.effective(db, pair_ids=shelf.ids[:1])) == 1
