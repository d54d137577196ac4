"""Pictures that are missing, small, blurred or nearly the same on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from rounds.readiness import pictures
from rounds.readiness.finding import BLOCKING, WARNING, Finding
from storage import pictures as stored_pictures
from storage.media import MediaStore
from storage.rows import DatasetRow

MakeRow = Callable[..., DatasetRow]


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore((tmp_path / "media").as_uri())


def keep(store: MediaStore, picture: Image.Image, folder: Path) -> str:
    path = folder / "picture.png"
    picture.save(path)
    media, data = stored_pictures.normalize(path.read_bytes())
    store.put(data, media)
    return media.id


def noise(seed: int, side: int = 256) -> Image.Image:
    """Squares of random grey: sharp, and unlike any other seed's."""
    squares = np.random.default_rng(seed).integers(0, 256, (16, 16), dtype=np.uint8)
    return Image.fromarray(squares).resize((side, side), Image.Resampling.NEAREST).convert("RGB")


def by_code(rows: Sequence[DatasetRow], store: MediaStore) -> dict[str, Finding]:
    return {finding.code: finding for finding in pictures.check(rows, store)}


def test_sharp_large_and_different_pictures_are_fine(
    row: MakeRow, store: MediaStore, tmp_path: Path
) -> None:
    rows = [
        row("One?", "a", "b", picture=keep(store, noise(1), tmp_path)),
        row("Two?", "a", "b", picture=keep(store, noise(2), tmp_path), split="holdout"),
        row("Three?", "a", "b"),
    ]
    assert by_code(rows, store) == {}


def test_missing_small_and_blurred_pictures_are_told(
    row: MakeRow, store: MediaStore, tmp_path: Path
) -> None:
    blurred = noise(3).filter(ImageFilter.GaussianBlur(12))
    rows = [
        row("One?", "a", "b", picture="0" * 64),
        row("Two?", "a", "b", picture=keep(store, noise(1, side=64), tmp_path)),
        row("Three?", "a", "b", picture=keep(store, blurred, tmp_path)),
    ]
    found = by_code(rows, store)
    assert (found["broken_media"].level, found["broken_media"].examples) == (
        BLOCKING,
        (rows[0].pair_id,),
    )
    assert found["small_pictures"].examples == (rows[1].pair_id,)
    assert found["blurred_pictures"].examples == (rows[2].pair_id,)


def test_a_picture_on_both_sides_blocks_and_a_brighter_copy_is_told(
    row: MakeRow, store: MediaStore, tmp_path: Path
) -> None:
    one, other = noise(1), noise(2)
    again = other.point(lambda value: min(255, value + 6))
    same = keep(store, one, tmp_path)
    rows = [
        row("One?", "a", "b", picture=same),
        row("Two?", "a", "b", picture=same, split="holdout"),
        row("Three?", "a", "b", picture=keep(store, other, tmp_path)),
        row("Four?", "a", "b", picture=keep(store, again, tmp_path), split="holdout"),
    ]
    found = by_code(rows, store)
    assert (found["picture_leakage"].level, found["picture_leakage"].examples) == (
        BLOCKING,
        (rows[1].pair_id,),
    )
    assert (found["near_picture_leakage"].level, found["near_picture_leakage"].examples) == (
        WARNING,
        (rows[3].pair_id,),
    )
