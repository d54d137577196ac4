"""The world is deterministic, its splits never meet, and pixels name scenes."""

from __future__ import annotations

import io
from itertools import islice

from PIL import Image

from examples.shapes.world import COLOURS, SHAPES, SIDE, draw, pixel_hash, scenes


def test_the_same_seed_gives_the_same_scenes_and_pixels() -> None:
    first = [pixel_hash(draw(scene)) for scene in islice(scenes("train", 3), 30)]
    second = [pixel_hash(draw(scene)) for scene in islice(scenes("train", 3), 30)]
    assert first == second
    assert len(set(first)) == 30


def test_splits_and_seeds_never_share_a_layout() -> None:
    layouts = [
        {scene.layout() for scene in islice(scenes(split, seed), 80)}
        for split, seed in (("school", 0), ("train", 0), ("train", 1), ("audit", 0), ("exact", 0))
    ]
    assert len(set().union(*layouts)) == 5 * 80


def test_a_picture_keeps_its_hash_through_png_and_changes_it_with_one_pixel() -> None:
    picture = draw(next(scenes("audit", 1)))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    assert pixel_hash(Image.open(file)) == pixel_hash(picture)
    assert pixel_hash(picture.convert("RGBA")) == pixel_hash(picture)
    picture.putpixel((5, 5), (0, 0, 0))
    assert pixel_hash(Image.open(file)) != pixel_hash(picture)


def test_a_picture_has_the_size_and_things_that_its_scene_says() -> None:
    for scene in islice(scenes("train", 0), 20):
        picture = draw(scene)
        assert picture.size == (SIDE, SIDE)
        assert 3 <= len(scene.things) <= 5
        for thing in scene.things:
            assert thing.colour in COLOURS
            assert thing.shape in SHAPES
            middle = (thing.column * 32 + 16 + thing.right, thing.row * 32 + 16 + thing.down)
            empty = picture.getpixel((2, 2))
            assert picture.getpixel(middle) != empty
