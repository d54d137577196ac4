"""Pictures scaled down to a number of pixels. Apart from `pictures`, which needs torch."""

from __future__ import annotations

import math

from PIL import Image


def shrink(picture: Image.Image, max_pixels: int | None) -> Image.Image:
    """The picture with at most `max_pixels`, same proportions; smaller ones stay as they are."""
    if max_pixels is None or picture.width * picture.height <= max_pixels:
        return picture
    scale = math.sqrt(max_pixels / (picture.width * picture.height))
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)
