"""Batches and the pairs in them, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import batches, guidelines, labels, pairs, prompts, responses
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.pairs import PairFilter
from storage.rows import Batch, ImportedLabel, Pair, Part, Source, Turn

MakePair = Callable[..., Pair]
MakeBatch = Callable[..., Batch]


def test_a_batch_is_found_by_name_and_by_id(ledger: Ledger) -> None:
    with ledger.write() as tx:
        made = batches.create(tx, "first", overlap=2, guidelines="Look twice.", both_bad=True)
    with ledger.read() as db:
        assert batches.get(db, "first") == batches.by_id(db, made.id) == made
        assert batches.listed(db) == [made]
        with pytest.raises(NotFoundError, match="Batches: first"):
            batches.get(db, "second")
        with pytest.raises(NotFoundError, match="No batch has the id"):
            batches.by_id(db, "x")


def test_names_are_unique_and_one_line(ledger: Ledger) -> None:
    with ledger.write() as tx:
        batches.create(tx, "first")
        with pytest.raises(ConflictError, match="already there"):
            batches.create(tx, "first")
        for name in ("", " ", "a\nb", "x" * 101):
            with pytest.raises(WrongInputError, match="name of a batch"):
                batches.create(tx, name)
        for overlap in (0, -1, 101):
            with pytest.raises(WrongInputError, match="cannot be used"):
                batches.create(tx, "other", overlap=overlap)


def test_only_what_is_given_is_changed(ledger: Ledger) -> None:
    with ledger.write() as tx:
        made = batches.create(tx, "first", guidelines="Look twice.")
        assert batches.update(tx, made.id) == made
        changed = batches.update(tx, made.id, overlap=3, both_bad=True)
        assert (changed.overlap, changed.both_bad, changed.guidelines) == (3, True, "Look twice.")
        assert batches.update(tx, made.id, guidelines="").guidelines == ""
        with pytest.raises(NotFoundError):
            batches.update(tx, "x", overlap=2)


def test_a_pair_is_in_a_batch_once(ledger: Ledger, make_pair: MakePair) -> None:
    with ledger.write() as tx:
        batch, pair = batches.create(tx, "first"), make_pair(tx)
        assert not batches.has_pair(tx, batch.id, pair.id)
        assert batches.add_pair(tx, batch.id, pair.id)
        assert not batches.add_pair(tx, batch.id, pair.id)
        assert batches.has_pair(tx, batch.id, pair.id)
        assert batches.pair_count(tx, batch.id) == 1


def test_a_response_keeps_all_its_sources(ledger: Ledger) -> None:
    prompt = prompts.build([Turn("user", (Part("text", "Why?"),))])
    answer = responses.build(prompt.id, "Because.")
    model = Source("checkpoint", "tiny", {"temperature": 1.0})
    with ledger.write() as tx:
        assert prompts.add(tx, prompt)
        assert not prompts.add(tx, prompt)
        assert responses.add(tx, answer, Source("file", "a.jsonl"))
        assert not responses.add(tx, answer, model)
        assert not responses.add(tx, answer, model)
        assert responses.sources(tx, answer.id) == [model, Source("file", "a.jsonl")]
        assert prompts.get(tx, prompt.id) == prompt
        assert prompts.categories(tx) == ["uncategorized"]
        with pytest.raises(NotFoundError):
            prompts.get(tx, "x")


def test_labels_that_contradict_are_both_kept(ledger: Ledger, make_pair: MakePair) -> None:
    with ledger.write() as tx:
        batch, pair = batches.create(tx, "first"), make_pair(tx)
        first = ImportedLabel(pair.id, "a", "imported", batch.id, "x.jsonl", 1, "r1")
        other = ImportedLabel(pair.id, "b", "imported", batch.id, "x.jsonl", 2, "r2")
        assert [labels.add(tx, label) for label in (first, first, other)] == [True, False, True]
        assert labels.of_pairs(tx, batch.id, "imported") == [first, other]
        assert labels.of_pairs(tx, labeled_by="oracle") == []
        assert labels.winners(tx, pair.id, batch.id, "imported") == {"a", "b"}


def test_a_page_shows_the_pairs_of_a_batch_by_position(
    ledger: Ledger, make_batch: MakeBatch
) -> None:
    with ledger.write() as tx:
        make_batch(tx, "first", pair_count=5)
        make_batch(tx, "second", pair_count=2)
    with ledger.read() as db:
        whole = pairs.page(db, PairFilter(batch="first"), limit=10)
        assert len(whole) == pairs.count(db, PairFilter(batch="first")) == 5
        assert pairs.page(db, PairFilter(batch="first"), limit=2, offset=4) == whole[4:]
        assert pairs.page(db, PairFilter(batch="first"), limit=2, offset=1) == whole[1:3]
        assert pairs.count(db, PairFilter()) == len(pairs.page(db, PairFilter(), limit=100)) == 7
        assert pairs.count(db, PairFilter(batch="third")) == 0
        ids = [view.pair.id for view in reversed(whole)]
        assert pairs.views(db, ids) == whole[::-1]
        assert pairs.view(db, ids[0]) == whole[-1]


def test_a_page_before_the_first_does_not_exist(ledger: Ledger) -> None:
    with ledger.read() as db:
        for limit, offset in ((-1, 0), (1, -1)):
            with pytest.raises(WrongInputError, match="does not exist"):
                pairs.page(db, PairFilter(), limit, offset)


def test_an_unknown_pair_is_named(ledger: Ledger) -> None:
    with ledger.read() as db:
        assert pairs.views(db, []) == []
        with pytest.raises(NotFoundError, match="No pair has the id 'x'"):
            pairs.view(db, "x")


FOUND = {
    "": 3,
    "50% off": 1,
    "%": 1,
    "_": 1,
    "a_b": 1,
    "\\": 1,
    "user": 0,
    "TEXT": 0,
    'say "hi"': 1,
    "two.": 2,
    "TWO.": 2,
    "größe": 1,
    "' OR 1=1 --": 0,
}


def test_a_search_finds_words_as_they_are_and_no_structure(
    ledger: Ledger, make_pair: MakePair
) -> None:
    with ledger.write() as tx:
        make_pair(tx, "How many? 50% off", "There are two.", "None\\nothing")
        make_pair(tx, 'Did they say "hi"?', "a_b", "c")
        make_pair(tx, "Die größe?", "There are two.", "Three.")
    with ledger.read() as db:
        assert {text: pairs.count(db, PairFilter(text=text)) for text in FOUND} == FOUND


def test_a_search_that_no_database_can_make_is_refused(ledger: Ledger) -> None:
    with ledger.read() as db:
        for text in ("x" * 1001, "a\0b"):
            with pytest.raises(WrongInputError, match="cannot be made"):
                pairs.count(db, PairFilter(text=text))


def test_a_category_filters(ledger: Ledger, make_pair: MakePair) -> None:
    with ledger.write() as tx:
        make_pair(tx, "One?", category="counting")
        make_pair(tx, "Two?", category="spatial")
    with ledger.read() as db:
        assert prompts.categories(db) == ["counting", "spatial"]
        assert pairs.count(db, PairFilter(category="spatial")) == 1
        assert pairs.count(db, PairFilter(category="nothing")) == 0


def _ask_verdicts(db: Connection) -> dict[str, int]:
    wanted = {
        "Ada": PairFilter(annotator="Ada"),
        "Ben": PairFilter(annotator="Ben"),
        "a": PairFilter(verdict="a"),
        "b": PairFilter(verdict="b"),
        "Ada b": PairFilter(annotator="Ada", verdict="b"),
        "Ben b": PairFilter(annotator="Ben", verdict="b"),
        "a in first": PairFilter(batch="first", verdict="a"),
        "a in second": PairFilter(batch="second", verdict="a"),
    }
    return {name: pairs.count(db, chosen) for name, chosen in wanted.items()}


def test_annotator_and_verdict_filter_by_effective_votes(
    ledger: Ledger, make_batch: MakeBatch, cast: Callable[..., None]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, "first", pair_count=1, overlap=2)
        cast(tx, batch, "Ada", ["a"])
        cast(tx, batch, "Ben", ["b"])
        pair = pairs.page(tx, PairFilter(), limit=1)[0].pair
        batches.add_pair(tx, batches.create(tx, "second").id, pair.id)
    counts = {"Ada": 1, "Ben": 1, "a": 1, "b": 1, "Ada b": 0, "Ben b": 1}
    with ledger.read() as db:
        assert _ask_verdicts(db) == {**counts, "a in first": 1, "a in second": 0}


def test_an_undone_vote_does_not_filter(
    ledger: Ledger, make_batch: MakeBatch, cast: Callable[..., None]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, "first", pair_count=1)
        cast(tx, batch, "Ada", ["a", None, "b", None])
        assert set(_ask_verdicts(tx).values()) == {0}
    with ledger.write() as tx:
        batch = make_batch(tx, "again", pair_count=1)
        cast(tx, batch, "Ada", ["a", None, "b"])
        assert _ask_verdicts(tx)["Ada b"] == 1
        assert _ask_verdicts(tx)["a"] == 0


def test_an_unknown_verdict_is_refused(ledger: Ledger) -> None:
    with ledger.read() as db, pytest.raises(WrongInputError, match="Verdicts: a, b, tie"):
        pairs.count(db, PairFilter(verdict="left"))


def test_guidelines_keep_every_version_and_the_same_text_makes_no_new_one(ledger: Ledger) -> None:
    with ledger.write() as tx:
        batch = batches.create(tx, "guided", guidelines="Be fair.")
        assert batch.guidelines_version == 1
        assert batches.update(tx, batch.id, guidelines="Be fair.").guidelines_version == 1
        changed = batches.update(tx, batch.id, guidelines="Be quick.", overlap=2)
        assert (changed.guidelines, changed.guidelines_version) == ("Be quick.", 2)
        assert batches.update(tx, batch.id, guidelines="").guidelines_version == 3
        kept = guidelines.versions(tx, batch.id)
        assert [(each.version, each.text) for each in kept] == [
            (1, "Be fair."),
            (2, "Be quick."),
            (3, ""),
        ]
        assert batches.create(tx, "silent").guidelines_version == 0
        with pytest.raises(WrongInputError, match="200,001 characters"):
            batches.update(tx, batch.id, guidelines="x" * (guidelines.LONGEST + 1))
        with pytest.raises(NotFoundError, match="nothing"):
            guidelines.write(tx, "nothing", "Be fair.")
