"""Browser sizes: made at import beside large pictures, remade when missing, never in the way."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage import browser_sizes, health, pictures
from storage.errors import WrongInputError
from storage.media import MediaStore
from storage.media_files import MediaFolder
from storage.rows import Media
from storage.workspace import Workspace

Encoded = Callable[..., bytes]
Photo = Callable[..., Image.Image]
CANARY = b"CANARY"
WIDE = (1800, 90)


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture


def _files(store: MediaStore) -> list[str]:
    root = Path(store.url.removeprefix("file://"))
    return sorted(path.name for path in root.rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(str(tmp_path / "media"))


@pytest.fixture
def older(store: MediaStore, photo: Photo, encoded: Encoded) -> Media:
    """A large picture in the store as an older version put it there."""
    media, data = pictures.normalize(encoded(photo(1, *WIDE), "PNG", compress_level=1))
    store.put(data, media)
    return media


@pytest.mark.parametrize(
    ("size", "shown"), [(WIDE, (1600, 80)), ((90, 1800), (80, 1600)), ((700, 550), (700, 550))]
)
def test_an_import_keeps_a_jpeg_of_at_most_1600_pixels_beside_a_large_picture(
    size: tuple[int, int],
    shown: tuple[int, int],
    store: MediaStore,
    tmp_path: Path,
    photo: Photo,
    encoded: Encoded,
) -> None:
    (tmp_path / "large.png").write_bytes(encoded(photo(1, *size), "PNG", compress_level=1))
    media = MediaFolder(tmp_path, store).normalized("large.png", "picture")
    assert _files(store) == [media.id, f"{media.id}-{browser_sizes.NAME}"]
    data = browser_sizes.shown(store, media)
    assert data is not None
    picture = _opened(data)
    assert (picture.format, picture.size) == ("JPEG", shown)
    assert len(data) < media.size
    assert (media.width, media.height) == size
    assert pictures.normalize(store.read(media.id))[0] == media


def test_small_pictures_stay_as_they_are_and_a_check_of_a_file_keeps_nothing(
    store: MediaStore, tmp_path: Path, photo: Photo, encoded: Encoded
) -> None:
    (tmp_path / "small.png").write_bytes(encoded(photo(1, 400, 300), "PNG"))
    (tmp_path / "large.png").write_bytes(encoded(photo(1, *WIDE), "PNG", compress_level=1))
    media = MediaFolder(tmp_path, store).normalized("small.png", "picture")
    MediaFolder(tmp_path, None).normalized("large.png", "picture")
    assert _files(store) == [media.id]
    assert browser_sizes.shown(store, media) is None


def test_what_an_import_would_bring_is_looked_at_in_its_browser_size(
    tmp_path: Path, photo: Photo, encoded: Encoded
) -> None:
    (tmp_path / "large.png").write_bytes(encoded(photo(1, *WIDE), "PNG", compress_level=1))
    (tmp_path / "small.png").write_bytes(encoded(photo(1), "PNG"))
    folder = MediaFolder(tmp_path, None)
    sizes = [_opened(folder.shown(name)[1]).size for name in ("large.png", "small.png")]
    assert sizes == [(1600, 80), (40, 30)]


def test_pictures_within_records_get_it_too_in_any_store(photo: Photo, encoded: Encoded) -> None:
    store = MediaStore("memory://browser-sizes/media")
    data = encoded(photo(1, *WIDE), "PNG", compress_level=1)
    media = MediaFolder(Path("/"), store).embedded(data, "picture")
    kept = store.beside(media.id, browser_sizes.NAME)
    assert kept
    assert kept == browser_sizes.shown(store, media) == browser_sizes.make(store.read(media.id))


def test_the_same_pixels_give_the_same_bytes_and_nothing_but_pixels(
    photo: Photo, encoded: Encoded
) -> None:
    exif, texts = Image.Exif(), PngInfo()
    exif[0x010E] = CANARY.decode()
    texts.add_text("Comment", CANARY.decode())
    picture = photo(1, *WIDE)
    files = [
        encoded(picture, "PNG", pnginfo=texts, exif=exif, icc_profile=CANARY),
        encoded(picture, "WEBP", lossless=True, exif=exif, xmp=CANARY),
    ]
    made = {browser_sizes.make(data) for data in files}
    assert len(made) == 1
    data = made.pop()
    assert CANARY not in data
    assert not _opened(data).getexif()
    assert {*_opened(data).info} <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def _shaded(mode: str, width: int = 1800, height: int = 120) -> Image.Image:
    """Smooth shades with a grain that a PNG cannot make small."""
    across = np.linspace(40, 200, width)[None, :] + np.linspace(0, 40, height)[:, None]
    grain = np.random.default_rng(3).integers(0, 6, (height, width, 3))
    grey = Image.fromarray((across[..., None] + grain).astype(np.uint8))
    if mode == "16 bits":
        return Image.fromarray(np.asarray(grey.convert("L")).astype(np.uint16) * 257)
    if mode == "P":
        return grey.quantize(64, dither=Image.Dither.NONE)
    if mode == "RGBA":
        grey.putalpha(128)
    return grey.convert(mode)


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGBA", "PNG"), ("LA", "PNG"), ("16 bits", "PNG"), ("P", "PNG"), ("CMYK", "JPEG")],
)
def test_it_shows_what_the_original_shows(mode: str, form: str, encoded: Encoded) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = pictures.normalize(encoded(_shaded(mode), form, exif=exif))[1]
    small = _opened(browser_sizes.make(stored))
    assert small.size == (107, 1600)
    expected = _opened(stored).resize(small.size, Image.Resampling.LANCZOS)
    difference = np.abs(np.asarray(small).astype(int) - np.asarray(expected).astype(int))
    assert difference.mean() < 3


def test_an_animated_or_oversized_picture_is_refused_before_a_size_of_it_is_made(
    store: MediaStore, tmp_path: Path, photo: Photo, encoded: Encoded
) -> None:
    frames = [photo(seed, *WIDE) for seed in range(2)]
    moving = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    huge = encoded(Image.new("1", (20_001, 2_000)), "PNG")
    for data, said in ((moving, "animated"), (huge, "megapixels")):
        (tmp_path / "picture").write_bytes(data)
        with pytest.raises(WrongInputError, match=said):
            MediaFolder(tmp_path, store).normalized("picture", "picture")
        with pytest.raises(WrongInputError, match=said):
            browser_sizes.make(data)
    assert not (tmp_path / "media").exists()


def test_where_a_jpeg_would_be_larger_the_original_is_shown_and_it_is_not_tried_again(
    store: MediaStore, tmp_path: Path, encoded: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 900))
    (tmp_path / "stripes.png").write_bytes(encoded(Image.fromarray(stripes), "PNG"))
    media = MediaFolder(tmp_path, store).normalized("stripes.png", "picture")
    assert store.beside(media.id, browser_sizes.NAME) == browser_sizes.NONE_NEEDED
    monkeypatch.setattr(browser_sizes, "make", None)
    assert browser_sizes.shown(store, media) is None
    MediaFolder(tmp_path, store).normalized("stripes.png", "picture")


def test_a_missing_or_cut_one_is_made_when_the_picture_is_first_shown(
    store: MediaStore, older: Media
) -> None:
    assert browser_sizes.kept(store, older) is None
    made = browser_sizes.shown(store, older)
    assert made == browser_sizes.kept(store, older)
    path = Path(store.path_beside(older.id, browser_sizes.NAME))
    path.write_bytes(made[:-1] if made else b"")
    assert browser_sizes.shown(store, older) == made == path.read_bytes()


def test_a_link_in_its_place_is_not_followed(
    store: MediaStore, older: Media, tmp_path: Path
) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(b"\xff\xd8\xff secret \xff\xd9")
    path = Path(store.path_beside(older.id, browser_sizes.NAME))
    path.symlink_to(other)
    made = browser_sizes.shown(store, older)
    assert made == browser_sizes.make(store.read(older.id)) == path.read_bytes()
    assert not path.is_symlink()
    assert other.read_bytes().endswith(b"secret \xff\xd9")
    path.unlink()
    original = Path(store.path_of(older.id))
    original.rename(tmp_path / "elsewhere")
    original.symlink_to(tmp_path / "elsewhere")
    assert browser_sizes.shown(store, older) is None


def test_one_at_a_time_is_made_and_nobody_waits(
    store: MediaStore, older: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile: list[Any] = []
    make = browser_sizes.make

    def make_slowly(data: bytes) -> bytes:
        meanwhile.append(browser_sizes.shown(store, older))
        return make(data)

    monkeypatch.setattr(browser_sizes, "make", make_slowly)
    assert browser_sizes.shown(store, older)
    assert meanwhile == [None]


def test_a_store_that_is_full_or_lost_its_original_is_no_error(
    store: MediaStore, older: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store, "put_beside", refuse)
        assert browser_sizes.shown(store, older)
    Path(store.path_of(older.id)).write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    assert browser_sizes.shown(store, older) is None
    Path(store.path_of(older.id)).unlink()
    assert browser_sizes.shown(store, older) is None
    assert _files(store) == []


def test_only_a_damaged_one_is_reported(
    workspace: Workspace, photo: Photo, encoded: Encoded
) -> None:
    media, data = pictures.normalize(encoded(photo(1, *WIDE), "PNG", compress_level=1))
    store = workspace.media
    store.put(data, media)
    assert health.damaged_browser_sizes(workspace, [media]) == []
    browser_sizes.keep(store, media, data)
    assert health.damaged_browser_sizes(workspace, [media]) == []
    path = Path(store.path_beside(media.id, browser_sizes.NAME))
    path.write_bytes(path.read_bytes()[:2000])
    assert health.damaged_browser_sizes(workspace, [media]) == [str(path)]
