"""Pictures of the rows: missing, too small, blurred, or nearly the same on both sides of the split.

Likeness is the difference hash: 64 signs of brightness between neighbours of a 9 x 8 thumbnail.
Sharpness is the variance of the Laplacian of the grey picture, a quarter megapixel at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rounds.readiness.finding import BLOCKING, WARNING, Finding, found_in
from storage import pictures
from storage.dataset_split import HOLDOUT, TRAIN
from storage.errors import PairwrightError
from storage.media import MediaStore
from storage.rows import DatasetRow

SMALLEST = 224
# below it edges are gone; flat drawings have few edges, but sharp ones
BLURRED = 15.0
# differing signs of 64 up to which two pictures are taken as one
_NEAR = 3
_LARGEST = 512
_AT_ONCE = 4_000_000
_HELD = "held-out row"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Look:
    """What is known of a picture that opens. `signs` is its difference hash."""

    smaller_side: int
    sharpness: float
    signs: int


def check(
    rows: Sequence[DatasetRow], store: MediaStore, progress: Progress = lambda done, total: None
) -> list[Finding]:
    """Everything about pictures; each is read once. `progress` gets pictures done and in all."""
    using = _rows_by_picture(rows)
    looks: dict[str, Look] = {}
    broken: set[str] = set()
    for number, name in enumerate(using):
        progress(number, len(using))
        try:
            looks[name] = look(pictures.open_picture(store.read(name)))
        except PairwrightError:
            broken.add(name)
    small = {name for name, one in looks.items() if one.smaller_side < SMALLEST}
    blurred = {name for name, one in looks.items() if one.sharpness < BLURRED}
    return [
        *found_in(
            *(BLOCKING, "broken_media", "a picture that is missing or does not open"),
            "Import the pictures again, or leave these pairs out.",
            _pairs_with(using, broken),
        ),
        *found_in(
            *(WARNING, "small_pictures", f"a picture under {SMALLEST} pixels on a side"),
            "Use the originals if there are any; models see little in so few pixels.",
            _pairs_with(using, small),
        ),
        *found_in(
            *(WARNING, "blurred_pictures", "a picture without sharp edges"),
            "Look at some: what experts cannot see, the model is not to be blamed for.",
            _pairs_with(using, blurred),
        ),
        *_leaks(rows, using, looks),
    ]


def look(picture: Image.Image) -> Look:
    """Measure one picture."""
    grey = picture.convert("L")
    signs = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (signs[:, 1:] > signs[:, :-1]).ravel()
    number = int(np.packbits(bits).view(">u8")[0])
    grey.thumbnail((_LARGEST, _LARGEST))
    return Look(min(picture.size), _sharpness(np.asarray(grey, dtype=np.float64)), number)


def _sharpness(grey: NDArray[np.float64]) -> float:
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * middle).var())


def _rows_by_picture(rows: Sequence[DatasetRow]) -> dict[str, list[DatasetRow]]:
    using: dict[str, list[DatasetRow]] = defaultdict(list)
    for row in rows:
        parts = (part for turn in row.prompt.turns for part in turn.parts)
        for name in dict.fromkeys(part.media for part in parts if part.type == "image"):
            using[name].append(row)
    return using


def _pairs_with(using: dict[str, list[DatasetRow]], names: set[str]) -> list[str]:
    concerned = (row.pair_id for name in using if name in names for row in using[name])
    return list(dict.fromkeys(concerned))


def _leaks(
    rows: Sequence[DatasetRow], using: dict[str, list[DatasetRow]], looks: dict[str, Look]
) -> list[Finding]:
    sides = {name: {row.split for row in found} for name, found in using.items()}
    same = {name for name, found in sides.items() if {TRAIN, HOLDOUT} <= found}
    train = [name for name in looks if TRAIN in sides[name]]
    held = [name for name in looks if HOLDOUT in sides[name] and name not in same]
    near = {held[at] for at in _near(_signs(looks, held), _signs(looks, train))}
    kept = {row.pair_id for row in rows if row.split == HOLDOUT}
    return [
        *found_in(
            *(BLOCKING, "picture_leakage", "a picture that is trained on, too"),
            "Build again with a holdout: pictures are kept apart.",
            [pair for pair in _pairs_with(using, same) if pair in kept],
            _HELD,
        ),
        *found_in(
            *(WARNING, "near_picture_leakage", "a picture much like one that is trained on"),
            "Frames of one video, or crops of one photograph? Then held-out figures are too good.",
            [pair for pair in _pairs_with(using, near) if pair in kept],
            _HELD,
        ),
    ]


def _signs(looks: dict[str, Look], names: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([looks[name].signs for name in names], dtype=np.uint64)


def _near(ours: NDArray[np.uint64], theirs: NDArray[np.uint64]) -> list[int]:
    """Positions of our hashes within a few signs of any of theirs."""
    found: list[int] = []
    if not len(theirs):
        return found
    step = max(1, _AT_ONCE // len(theirs))
    for start in range(0, len(ours), step):
        apart = np.bitwise_count(ours[start : start + step, None] ^ theirs[None, :])
        found += [start + int(at) for at in np.flatnonzero((apart <= _NEAR).any(axis=1))]
    return found
