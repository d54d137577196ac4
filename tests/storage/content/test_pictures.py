"""Pictures are normalized once, and what is no sound picture is refused early."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage import pictures
from storage.errors import WrongInputError

Encoded = Callable[..., bytes]
Photo = Callable[..., Image.Image]
CANARY = b"CANARY"


def _pixels(data: bytes) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "RGB"
        return np.asarray(picture)


def _chunk(kind: bytes, payload: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + check


def test_lossless_files_of_the_same_pixels_are_the_same_picture(
    photo: Photo, encoded: Encoded
) -> None:
    picture = photo()
    files = [
        encoded(picture, "PNG"),
        encoded(picture, "PNG", compress_level=1),
        encoded(picture, "WEBP", lossless=True),
        encoded(picture.convert("RGBA"), "PNG"),
    ]
    stored = {pictures.normalize(data) for data in files}
    assert len(stored) == 1
    media, data = stored.pop()
    assert (media.kind, media.mime, media.width, media.height) == ("picture", "image/png", 40, 30)
    assert media.size == len(data)
    assert np.array_equal(_pixels(data), np.asarray(picture))


def test_normalizing_what_is_normalized_changes_nothing(photo: Photo, encoded: Encoded) -> None:
    media, data = pictures.normalize(encoded(photo(), "JPEG"))
    assert pictures.normalize(data) == (media, data)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_the_orientation_is_applied(form: str, photo: Photo, encoded: Encoded) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    media, data = pictures.normalize(encoded(photo(), form, exif=exif, lossless=True))
    assert (media.width, media.height) == (30, 40)
    if form != "JPEG":
        assert np.array_equal(_pixels(data), np.rot90(np.asarray(photo()), -1))


def test_nothing_but_pixels_is_kept(photo: Photo, encoded: Encoded) -> None:
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    texts = PngInfo()
    texts.add_text("Comment", CANARY.decode())
    files = [
        encoded(photo(), "PNG", pnginfo=texts, exif=exif, icc_profile=CANARY),
        encoded(photo(), "JPEG", comment=CANARY, exif=exif, icc_profile=CANARY),
        encoded(photo(), "WEBP", exif=exif, icc_profile=CANARY, xmp=CANARY),
        encoded(photo(), "PNG") + CANARY,
    ]
    for data in files:
        assert CANARY in data
        assert CANARY not in pictures.normalize(data)[1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_usual_kind_of_pixel_becomes_rgb(mode: str, photo: Photo, encoded: Encoded) -> None:
    media, data = pictures.normalize(encoded(photo().convert(mode), "PNG"))
    assert _pixels(data).shape == (media.height, media.width, 3)


def test_transparent_pixels_become_white(encoded: Encoded) -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert _pixels(pictures.normalize(encoded(clear, "PNG"))[1]).min() == 255


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off(encoded: Encoded) -> None:
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    data = pictures.normalize(encoded(Image.fromarray(levels), "PNG"))[1]
    assert np.abs(_pixels(data)[0, :, 0].astype(int) - [0, 1, 128, 255]).max() <= 1


def test_a_broken_exif_block_does_not_refuse_the_picture(photo: Photo, encoded: Encoded) -> None:
    data = encoded(photo(), "JPEG", exif=b"Exif\0\0MM\0*garbage that is no directory")
    assert pictures.normalize(data)[0].width == 40


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.999])
def test_a_picture_that_is_cut_off_is_refused(
    form: str, kept: float, photo: Photo, encoded: Encoded
) -> None:
    data = encoded(photo(), form)
    with pytest.raises(WrongInputError, match="cut off"):
        pictures.normalize(data[: int(len(data) * kept)])


def test_a_png_with_one_wrong_bit_is_refused(photo: Photo, encoded: Encoded) -> None:
    data = bytearray(encoded(photo(), "PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(WrongInputError, match="damaged"):
        pictures.normalize(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"SIMPLE  =                    T",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"II*\x00\x08\x00\x00\x00",
    ],
)
def test_what_is_no_png_jpeg_or_webp_is_refused_by_its_content(data: bytes) -> None:
    with pytest.raises(WrongInputError, match="no PNG, JPEG or WebP"):
        pictures.normalize(data)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_an_animated_picture_is_refused(form: str, photo: Photo, encoded: Encoded) -> None:
    frames = [photo(seed) for seed in range(3)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    with pytest.raises(WrongInputError, match="animated"):
        pictures.normalize(data)


def test_a_picture_bomb_is_refused_before_it_is_decoded() -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + _chunk(b"IEND", b"")
    )
    webp_canvas = (16_382).to_bytes(3, "little") * 2
    webp = b"RIFF" + b"\x1e\0\0\0" + b"WEBPVP8X\x0a\0\0\0" + bytes(4) + webp_canvas
    for data in (png, webp):
        with pytest.raises(WrongInputError, match="megapixels"):
            pictures.normalize(data)


def test_forty_megapixels_are_the_most(encoded: Encoded) -> None:
    with pytest.raises(WrongInputError, match=r"8000 x 5001 = 40\.0 megapixels"):
        pictures.normalize(encoded(Image.new("L", (8000, 5001)), "JPEG"))
    assert pictures.open_picture(encoded(Image.new("L", (8000, 5000)), "JPEG")).size == (8000, 5000)
