"""What one sees of every pair before reading: words, lengths and layout of its two answers."""

from __future__ import annotations

from collections.abc import Callable

import polars

from storage import analytics, pairs, prompts
from storage.analytics import conduct
from storage.rows import Pair
from storage.workspace import Workspace


def test_words_lengths_and_layout_are_those_of_the_pairs_own_answers(
    place: Workspace, make_pair: Callable[..., Pair]
) -> None:
    with place.ledger.write() as tx:
        for number in range(1, 4):
            make_pair(tx, "How many " * number, "One:\n- two", "three " * number)
    with analytics.open(place).reading() as view, place.ledger.read() as db:
        found = conduct.answers(db, view.coded)
        shown = {one.pair.id: one for one in pairs.page(db, pairs.PairFilter(), 9)}
        views = [shown[pair_id] for pair_id in view.coded.pairs["pair_id"]]
    said = [f"{prompts.words(one.prompt)}{one.text_a}{one.text_b}" for one in views]
    assert found.to_dict(as_series=False) == {
        "words": [text.count(" ") + 1 for text in said],
        "length_a": [len(one.text_a) for one in views],
        "length_b": [len(one.text_b) for one in views],
        "laid_out_a": [one.text_a.startswith("One") for one in views],
        "laid_out_b": [one.text_b.startswith("One") for one in views],
    }


def test_ids_with_the_same_hash_are_noticed_and_not_taken_for_each_other(
    place: Workspace, make_pair: Callable[..., Pair]
) -> None:
    with place.ledger.write() as tx:
        name = make_pair(tx).id
    with place.ledger.read() as db:
        # an id has the hash of itself
        assert conduct._answers(db, polars.Series([name, name]), 0) is None
        assert conduct._answers(db, polars.Series([name]), 0) is not None
