"""Which file a name in a record means, and which files are never opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from storage.errors import WrongInputError
from storage.media_files import MediaFolder

Encoded = Callable[..., bytes]
Photo = Callable[..., Image.Image]


@pytest.fixture
def root(tmp_path: Path, photo: Photo, encoded: Encoded) -> Path:
    """A media root with a picture in a folder, and a picture outside it."""
    root = tmp_path / "root"
    (root / "data").mkdir(parents=True)
    (root / "data" / "dog.jpg").write_bytes(encoded(photo(1), "JPEG"))
    (tmp_path / "outside.jpg").write_bytes(encoded(photo(2), "JPEG"))
    return root


@pytest.mark.parametrize("name", ["data/dog.jpg", "./data//dog.jpg", "/data/dog.jpg", "/x/dog.jpg"])
def test_a_name_is_looked_for_below_the_root(name: str, root: Path) -> None:
    if name == "/x/dog.jpg":
        (root / "data" / "dog.jpg").rename(root / "dog.jpg")
    found = MediaFolder(root, None).find(name)
    assert found.name == "dog.jpg"
    assert found.is_relative_to(root)


def test_an_absolute_name_that_leads_into_the_root_is_taken_as_it_is(root: Path) -> None:
    inner = root / root.relative_to("/") / "data"
    inner.mkdir(parents=True)
    (inner / "dog.jpg").write_bytes(b"another file at the same end of the path")
    path = root / "data" / "dog.jpg"
    assert MediaFolder(root, None).find(str(path)) == path


def test_a_root_behind_a_link_is_fine(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    folder = MediaFolder(tmp_path / "link", None)
    assert folder.find(str(tmp_path / "link" / "data" / "dog.jpg")) == folder.find("data/dog.jpg")


def test_an_ambiguous_name_is_refused_and_names_both(root: Path) -> None:
    (root / "dog.jpg").write_bytes((root / "data" / "dog.jpg").read_bytes())
    with pytest.raises(WrongInputError, match=r"ambiguous .* data/dog.jpg and dog.jpg are there"):
        MediaFolder(root, None).find("/data/dog.jpg")
    assert MediaFolder(root, None).find("data/dog.jpg") == root / "data" / "dog.jpg"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cat.jpg", "not found below"),
        ("dog.jpg", "not found below"),
        ("data", "is no file inside"),
        ("../outside.jpg", r"contains '\.\.'"),
        ("data/../../outside.jpg", r"contains '\.\.'"),
        ("data/../data/dog.jpg", r"contains '\.\.'"),
        ("/etc/passwd", "not found below"),
        ("https://example.org/dog.jpg", "an address"),
        ("file:///data/dog.jpg", "an address"),
        ("data:image/png;base64,AAAA", "an address"),
        ("", "no file name"),
        ("a\nb", "no file name"),
        ("x" * 300, "not found below"),
        ("x/" * 3000, "no file name"),
    ],
)
def test_names_that_mean_no_file_below_the_root_are_refused(
    name: str, reason: str, root: Path
) -> None:
    with pytest.raises(WrongInputError, match=reason):
        MediaFolder(root, None).find(name)


def test_links_out_of_the_root_are_refused_and_links_inside_it_are_not(
    root: Path, tmp_path: Path
) -> None:
    (root / "out.jpg").symlink_to(tmp_path / "outside.jpg")
    (root / "folder").symlink_to(tmp_path)
    (root / "circle.jpg").symlink_to(root / "circle.jpg")
    (root / "in.jpg").symlink_to(root / "data" / "dog.jpg")
    folder = MediaFolder(root, None)
    for name in ("out.jpg", "folder/outside.jpg", "circle.jpg"):
        with pytest.raises(WrongInputError, match="links out of it are not followed"):
            folder.find(name)
    with pytest.raises(WrongInputError, match="not found below"):
        folder.find(str(tmp_path / "outside.jpg"))
    assert folder.find("in.jpg") == root / "data" / "dog.jpg"


def test_only_regular_files_are_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    with pytest.raises(WrongInputError, match="is no file inside"):
        MediaFolder(root, None).normalized("pipe.jpg", "picture")


@pytest.mark.parametrize(
    ("name", "form", "kind", "reason"),
    [
        ("x.png", "JPEG", "picture", "named as PNG, but its content is JPEG"),
        ("x.JPG", "PNG", "picture", "named as JPEG, but its content is PNG"),
        ("x.mp4", "PNG", "video", "named as MP4, but its content is PNG"),
        ("x.png", "PNG", "video", "is a picture, but is named as a video"),
        ("x.png", None, "picture", "no PNG, JPEG or WebP picture and no MP4"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(
    name: str,
    form: str | None,
    kind: str,
    reason: str,
    root: Path,
    photo: Photo,
    encoded: Encoded,
) -> None:
    (root / name).write_bytes(b"not a picture" if form is None else encoded(photo(), form))
    with pytest.raises(WrongInputError, match=reason):
        MediaFolder(root, None).normalized(name, kind)


@pytest.mark.parametrize("name", ["x", "x.jpeg", "x.JFIF", "x.backup"])
def test_the_content_counts_where_the_name_says_nothing_else(
    name: str, root: Path, photo: Photo, encoded: Encoded
) -> None:
    (root / name).write_bytes(encoded(photo(), "JPEG"))
    assert MediaFolder(root, None).normalized(name, "picture").width == 40


def test_a_file_beyond_the_limit_is_refused_unread(
    root: Path, photo: Photo, encoded: Encoded
) -> None:
    path = root / "huge.png"
    path.write_bytes(encoded(photo(), "PNG"))
    os.truncate(path, 300 * 1024 * 1024)
    with pytest.raises(WrongInputError, match="has 300 MiB, but 256 MiB are the most"):
        MediaFolder(root, None).normalized("huge.png", "picture")
