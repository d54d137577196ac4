"""Pictures and videos in the user's own folders: finding them, and refusing what is not safe.

Nothing outside the root is ever opened, neither by `..` nor through a link.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path, PurePosixPath

from storage import browser_sizes, pictures, videos
from storage.errors import WrongInputError
from storage.media import MediaStore
from storage.rows import Media

LARGEST_PICTURE = 256 * 1024 * 1024
LARGEST_VIDEO = 512 * 1024 * 1024

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SUFFIXES = {
    ".png": pictures.PNG,
    ".jpg": pictures.JPEG,
    ".jpeg": pictures.JPEG,
    ".jpe": pictures.JPEG,
    ".jfif": pictures.JPEG,
    ".webp": pictures.WEBP,
    ".mp4": videos.MP4,
    ".m4v": videos.MP4,
    ".webm": videos.WEBM,
}


class MediaFolder:
    """The files below one root. What was normalized once is remembered by its path."""

    def __init__(self, root: Path, store: MediaStore | None) -> None:
        """Args: `root`, the folder; `store`, where normalized files go, None to only check."""
        self.root = root.resolve()
        self._store = store
        self._known: dict[Path, Media | WrongInputError] = {}

    def normalized(self, name: str, kind: str) -> Media:
        """The file with this name as it is stored.

        Args:
            name: as a record names it.
            kind: `picture` or `video`.

        Raises:
            WrongInputError: not found below the root, ambiguous, too large, or not what it says.
        """
        path = self.find(name)
        if path not in self._known:
            self._known[path] = self._normalize(path, name)
        known = self._known[path]
        if isinstance(known, WrongInputError):
            raise known
        if known.kind != kind:
            raise WrongInputError(f"{name!r} is a {known.kind}, but is named as a {kind}.")
        return known

    def embedded(self, data: bytes, kind: str) -> Media:
        """Bytes that stand in a record itself, as they are stored.

        Raises:
            WrongInputError: they are not what the record says.
        """
        read = pictures.normalize if kind == "picture" else videos.normalize
        media, stored = read(data)
        self._keep(media, stored)
        return media

    def shown(self, name: str) -> tuple[Media, bytes]:
        """The file with this name as people would see it first, without storing it.

        Raises:
            WrongInputError: as in `normalized`.
        """
        try:
            media, data = _read(self.find(name))
        except OSError as problem:
            raise WrongInputError(f"{name!r} cannot be read: {problem.strerror}.") from problem
        small = browser_sizes.make(data) if browser_sizes.is_large(media) else b""
        return media, small or data

    def find(self, name: str) -> Path:
        """The regular file below the root that a name means.

        A relative name is looked for from the root on. An absolute one is taken as it is when it
        leads into the root; otherwise its last parts are looked for below the root.

        Raises:
            WrongInputError: there is none, or several, or the name leads out of the root.
        """
        self._check_name(name)
        pure = PurePosixPath(name)
        if not pure.is_absolute():
            candidates = [self.root / pure]
        elif (inside := self._inside(Path(name))) is not None:
            return inside
        else:
            parts = pure.parts[1:]
            candidates = [self.root.joinpath(*parts[start:]) for start in range(len(parts))]
        found = {path for c in candidates if (path := self._inside(c)) is not None}
        if len(found) > 1:
            there = " and ".join(sorted(str(path.relative_to(self.root)) for path in found))
            raise WrongInputError(f"{name!r} is ambiguous below {self.root}: {there} are there.")
        if not found:
            if any(_is_there(candidate) for candidate in candidates):
                raise WrongInputError(
                    f"{name!r} is no file inside {self.root}; links out of it are not followed."
                )
            raise WrongInputError(f"{name!r} was not found below {self.root}.")
        return found.pop()

    def _check_name(self, name: str) -> None:
        if not name.strip() or len(name) > 4096 or not name.isprintable():
            raise WrongInputError(f"{name[:80]!r} is no file name.")
        if _ADDRESS.match(name):
            raise WrongInputError(f"{name[:200]!r} is an address; only files are read.")
        if ".." in PurePosixPath(name).parts:
            raise WrongInputError(f"{name!r} contains '..', which could lead out of the root.")

    def _inside(self, path: Path) -> Path | None:
        """The real path when it is a regular file below the root."""
        try:
            real = path.resolve(strict=True)
            is_file = stat.S_ISREG(real.stat().st_mode) if real.is_relative_to(self.root) else False
        except (OSError, RuntimeError):  # RuntimeError: links that go round in a circle
            return None
        return real if is_file else None

    def _normalize(self, path: Path, name: str) -> Media | WrongInputError:
        try:
            media, data = _read(path)
        except OSError as problem:
            return WrongInputError(f"{name!r} cannot be read: {problem.strerror}.")
        except WrongInputError as problem:
            return WrongInputError(f"{name!r}: {problem.what}", problem.next_step)
        self._keep(media, data)
        return media

    def _keep(self, media: Media, data: bytes) -> None:
        if self._store is not None:
            self._store.put(data, media)
            browser_sizes.keep(self._store, media, data)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _read(path: Path) -> tuple[Media, bytes]:
    with path.open("rb") as file:
        start = file.read(64)
        content = pictures.kind_of(start) or videos.kind_of(start)
        if content is None:
            raise WrongInputError(
                "is no PNG, JPEG or WebP picture and no MP4 or WebM video by its content."
            )
        named = _SUFFIXES.get(path.suffix.lower(), content)
        if named != content:
            raise WrongInputError(f"is named as {named}, but its content is {content}.")
        is_picture = pictures.kind_of(start) is not None
        largest = LARGEST_PICTURE if is_picture else LARGEST_VIDEO
        size = path.stat().st_size
        if size > largest:
            raise WrongInputError(
                f"has {size / 1024**2:.0f} MiB, but {largest // 1024**2} MiB are the most."
            )
        data = start + file.read()
    return pictures.normalize(data) if is_picture else videos.normalize(data)
