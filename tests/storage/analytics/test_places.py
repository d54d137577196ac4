"""Names are found by their hashes, and told apart where hashes are the same."""

from __future__ import annotations

import numpy as np
import polars
import pytest

from storage.analytics.places import Places


def test_every_name_is_found_in_the_order_asked_for() -> None:
    names = polars.Series([f"{number:064x}" for number in range(500)])
    places = Places()
    wanted = np.random.default_rng(1).integers(0, 500, 2000).astype(np.uint32)
    assert (places.find(names, names.gather(wanted)) == wanted).all()
    longer = polars.concat([names, polars.Series(["another"])])
    assert places.find(longer, polars.Series(["another", names[3]])).tolist() == [500, 3]
    assert places.find(names, polars.Series([], dtype=polars.String)).tolist() == []


def test_a_name_that_is_not_there_is_not_found() -> None:
    names = polars.Series(["a", "b"])
    assert Places().find(names, polars.Series(["a", "c"])) is None
    assert Places().find(names.clear(), polars.Series(["a"])) is None


def test_names_with_the_same_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    names = polars.Series(["a", "b", "c"])

    def same(self: polars.Series) -> polars.Series:
        return polars.Series(np.zeros(len(self), np.uint64))

    monkeypatch.setattr(polars.Series, "hash", same)
    assert Places().find(names, polars.Series(["c", "a"])).tolist() == [2, 0]
