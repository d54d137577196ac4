"""The media store: bytes by content id, on a disk or behind any fsspec URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from storage import media, pictures
from storage.errors import DamagedError, NotFoundError
from storage.media import MediaStore
from storage.rows import Media
from storage.workspace import Workspace

Encoded = Callable[..., bytes]
Photo = Callable[..., Image.Image]


@pytest.fixture
def picture(photo: Photo, encoded: Encoded) -> tuple[Media, bytes]:
    """A normalized picture."""
    return pictures.normalize(encoded(photo(), "PNG"))


def test_what_was_put_is_read_and_putting_it_again_changes_nothing(
    tmp_path: Path, picture: tuple[Media, bytes]
) -> None:
    row, data = picture
    store = MediaStore(str(tmp_path / "media"))
    store.put(data, row)
    before = Path(store.path_of(row.id)).stat()
    store.put(data, row)
    assert store.read(row.id) == data
    assert Path(store.path_of(row.id)).stat().st_mtime_ns == before.st_mtime_ns
    assert [p.name for p in (tmp_path / "media").rglob("*") if p.is_file()] == [row.id]


def test_a_file_that_was_cut_is_replaced(tmp_path: Path, picture: tuple[Media, bytes]) -> None:
    row, data = picture
    store = MediaStore(str(tmp_path / "media"))
    store.put(data, row)
    Path(store.path_of(row.id)).write_bytes(data[:10])
    store.put(data, row)
    assert store.read(row.id) == data


def test_any_fsspec_url_can_hold_the_media(picture: tuple[Media, bytes]) -> None:
    row, data = picture
    store = MediaStore("memory://bucket/media")
    store.put(data, row)
    assert store.read(row.id) == data
    assert store.url == "memory:///bucket/media"
    assert MediaStore(store.url).read(row.id) == data


def test_another_process_finds_the_media_by_the_url(
    tmp_path: Path, picture: tuple[Media, bytes]
) -> None:
    row, data = picture
    store = MediaStore(str(tmp_path / "with space" / "media"))
    store.put(data, row)
    assert store.url.startswith("file:///")
    assert MediaStore(store.url).read(row.id) == data


def test_bytes_of_another_length_are_refused(tmp_path: Path, picture: tuple[Media, bytes]) -> None:
    row, data = picture
    with pytest.raises(DamagedError, match="is recorded"):
        MediaStore(str(tmp_path)).put(data, replace(row, size=1))


def test_missing_media_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="0000 are not in file://"):
        MediaStore(str(tmp_path)).read("0" * 64)


@pytest.mark.parametrize(
    "name", ["", "../secret", "/etc/passwd", "0" * 63, "A" * 64, "0" * 63 + "/", "0" * 64 + "\n"]
)
def test_only_ids_become_paths(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no media id"):
        MediaStore(str(tmp_path)).path_of(name)


def test_the_ledger_keeps_the_facts(workspace: Workspace, picture: tuple[Media, bytes]) -> None:
    row, _ = picture
    with workspace.ledger.write() as tx:
        assert media.add(tx, row)
        assert not media.add(tx, row)
        assert media.get(tx, row.id) == row
        with pytest.raises(NotFoundError, match="No media has the id"):
            media.get(tx, "0" * 64)
