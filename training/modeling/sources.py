"""Where the pictures and videos of prompts come from: the media store, read and scaled down once.

No torch: judges at an address are shown the same pictures and frames.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol

from PIL import Image

from storage import pictures
from storage.media import MediaStore
from training.modeling.scaling import shrink
from training.modeling.videos import BrokenVideoError, Clip, Videos, VideoSettings, of_job


class Source(Protocol):
    """Pictures by the names that a prompt has for them, and the frames of its videos."""

    def open(self, name: str, /) -> Image.Image: ...
    def clip(self, video: str, /) -> Clip: ...


class PictureSource:
    """Pictures of a media store by id, and frames of its videos, at most `max_pixels` large."""

    def __init__(
        self, media_url: str, max_pixels: int | None, videos: Videos | None = None
    ) -> None:
        """Without `videos` no video can be shown."""
        self._store = MediaStore(media_url)
        self._max_pixels = max_pixels
        self._videos = videos

    def open(self, media_id: str) -> Image.Image:
        """A picture, or a frame of a clip that was asked for.

        Raises NotFoundError when the store does not hold it.
        """
        if self._videos is not None and (frame := self._videos.open(media_id)) is not None:
            return frame
        return shrink(pictures.open_picture(self._store.read(media_id)), self._max_pixels)

    def clip(self, video: str) -> Clip:
        """Raises BrokenVideoError when no frame of the video can be had."""
        if self._videos is None:
            raise BrokenVideoError(video, "There is no place to keep its frames.")
        return self._videos.clip(video, partial(self._store.opened, video))


def stored(media_url: str, cache: Path, settings: VideoSettings) -> PictureSource:
    """The pictures and frames that a job with these settings sees."""
    return PictureSource(media_url, settings.max_pixels, of_job(cache, settings))
