"""Pictures as the expert and the model both see them: upright RGB pixels in a PNG, nothing else.

Normalizing applies the orientation and drops everything that is not a pixel: EXIF, ICC profile,
texts, file name. Colours are taken as they are stored; a profile is not applied.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from storage import identity
from storage.errors import WrongInputError
from storage.rows import Media

MOST_PIXELS = 40_000_000
PNG, JPEG, WEBP = "PNG", "JPEG", "WebP"

_HOW = "Save it again as a PNG, JPEG or WebP picture."
_CLASSES: dict[str, type[ImageFile]] = {PNG: PngImageFile, JPEG: JpegImageFile, WEBP: WebPImageFile}
# what Pillow raises on damaged files, from its own checks and from its parsers
_DAMAGE = (OSError, SyntaxError, ValueError, KeyError, IndexError, EOFError, struct.error)
# 16-bit grey to 8 bits: 65535 / 255
_GREY_STEPS = 257
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_FAST = 3  # zlib level: half the time of the default for a few percent more bytes


def kind_of(data: bytes) -> str | None:
    """`PNG`, `JPEG` or `WebP` by the first bytes, None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    return None


def normalize(data: bytes) -> tuple[Media, bytes]:
    """The picture as it is stored: a PNG of its upright RGB pixels, transparency over white.

    16 bits per channel become 8. The id is the SHA-256 over width, height and RGB bytes, so every
    lossless file of the same pixels has the same id.

    Raises:
        WrongInputError: not a PNG, JPEG or WebP by its content, animated, above 40 megapixels
            (checked before a pixel is decoded), truncated or damaged.
    """
    picture = _upright_rgb(data)
    media = Media(
        id=identity.picture_id(picture.width, picture.height, picture.tobytes()),
        kind="picture",
        mime="image/png",
        width=picture.width,
        height=picture.height,
        size=0,
    )
    stored = io.BytesIO()
    picture.save(stored, "PNG", compress_level=_FAST)
    encoded = stored.getvalue()
    return Media(**{**vars(media), "size": len(encoded)}), encoded


def open_picture(data: bytes) -> Image.Image:
    """The upright RGB picture in these bytes.

    Raises:
        WrongInputError: as for `normalize`.
    """
    return _upright_rgb(data)


def _upright_rgb(data: bytes) -> Image.Image:
    kind = kind_of(data)
    if kind is None:
        raise WrongInputError("The file is no PNG, JPEG or WebP picture by its content.", _HOW)
    if kind == WEBP:
        _check_webp(data)
    try:
        # Pillow warns about broken EXIF, as soon as it opens a file; such a picture is fine
        with _quietly(), _CLASSES[kind](io.BytesIO(data)) as picture:
            _check_size(*picture.size)
            _check_still(picture)
            if kind == PNG:
                _verify_png(data)
            picture.load()
            return _flat(_upright(picture))
    except _DAMAGE as problem:
        raise WrongInputError(
            f"The {kind} picture is damaged or cut off: {str(problem)[:200]}.", _HOW
        ) from problem


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise WrongInputError(
            f"The picture has {width} x {height} = {width * height / 1e6:.1f} megapixels.",
            f"Scale it to at most {MOST_PIXELS // 10**6} megapixels.",
        )
    if width == 0 or height == 0:
        raise WrongInputError(f"The picture has {width} x {height} pixels.", _HOW)


def _check_still(picture: ImageFile) -> None:
    if getattr(picture, "is_animated", False):
        raise WrongInputError("The picture is animated.", "Save one frame of it, or use a video.")


def _check_webp(data: bytes) -> None:
    """Size and animation from the header: opening a WebP already allocates its canvas."""
    form, start = data[12:16], data[20:30]
    if len(start) < 10:
        raise WrongInputError("The WebP picture is cut off.", _HOW)
    if form == b"VP8X":
        if start[0] & 0x02:
            raise WrongInputError(
                "The picture is animated.", "Save one frame of it, or use a video."
            )
        width = int.from_bytes(start[4:7], "little") + 1
        height = int.from_bytes(start[7:10], "little") + 1
    elif form == b"VP8L":
        bits = int.from_bytes(start[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(start[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    _check_size(width, height)


def _verify_png(data: bytes) -> None:
    """Check sums and the end of the file, which decoding alone does not look at."""
    with PngImageFile(io.BytesIO(data)) as picture:
        picture.verify()
    if _PNG_END not in data:
        raise ValueError("its end is missing")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        turned: Image.Image = ImageOps.exif_transpose(picture)
    except (*_DAMAGE, TypeError, AttributeError, ZeroDivisionError):
        # with a broken EXIF block, browsers show the picture as it is stored
        return picture
    return turned


def _flat(picture: Image.Image) -> Image.Image:
    """RGB without anything beside the pixels."""
    if picture.mode.startswith("I"):
        picture = picture.convert("I").point(lambda value: value * (1 / _GREY_STEPS)).convert("L")
    elif picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.new("RGB", layer.size, "white")
        picture.paste(layer, mask=layer.getchannel("A"))
    rgb = picture.convert("RGB")
    rgb.info.clear()
    return rgb
