"""Where names stand in a long column: found by their hashes, which are sorted once."""

from __future__ import annotations

import threading

import numpy as np
import polars
from numpy.typing import NDArray

Places32 = NDArray[np.uint32]


class Places:
    """The places of the names of a column, for as long as the column stays what it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: polars.Series | None = None
        self._hashes = np.zeros(0, np.uint64)
        self._order = np.zeros(0, np.uint32)

    def find(self, names: polars.Series, wanted: polars.Series) -> Places32 | None:
        """The place of each wanted one among the names (each there once); None if one is missing.

        Two names in a million million have the same hash, so what was found is compared.
        """
        if wanted.is_empty():
            return np.zeros(0, np.uint32)
        if names.is_empty():
            return None
        hashes, order = self._index(names)
        at = np.searchsorted(hashes, wanted.hash().to_numpy())
        found = order[np.minimum(at, len(order) - 1)]
        if (names.gather(found) == wanted).all():
            return found
        return _joined(names, wanted)

    def _index(self, names: polars.Series) -> tuple[NDArray[np.uint64], Places32]:
        with self._lock:
            if self._names is None or not _is_same(self._names, names):
                hashes = names.hash().to_numpy()
                order = np.argsort(hashes).astype(np.uint32)
                self._names, self._hashes, self._order = names, hashes[order], order
            return self._hashes, self._order


def _is_same(known: polars.Series, names: polars.Series) -> bool:
    """Whether the columns are one: names are only ever added at the end, or all is read anew."""
    if len(known) != len(names):
        return False
    ends = [0, len(names) // 2, -1]
    return bool((known.gather(ends) == names.gather(ends)).all())


def _joined(names: polars.Series, wanted: polars.Series) -> Places32 | None:
    known = names.alias("name").to_frame().with_row_index("place")
    asked = wanted.alias("name").to_frame()
    found = asked.join(known, on="name", how="left", maintain_order="left")["place"]
    return None if found.null_count() else found.to_numpy()
