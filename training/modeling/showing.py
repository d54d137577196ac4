"""What of a prompt the model is shown: its pictures, and its videos as frames.

Where the model's own video processor runs (it needs torchvision), a video stays a video: the
processor gets the sampled frames with their times. Everywhere else the frames are pictures in the
place of the video, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers.utils import is_torchvision_available

from storage.rows import Part, Turn
from training.modeling.models import Loaded
from training.modeling.sources import Source
from training.modeling.videos import Clip

# times of frames are told in thousandths of a second
_TICKS = 1000


@dataclass(frozen=True)
class Shown:
    """Turns with what they show.

    Attributes:
        turns: where frames are pictures, no part of them is a video.
        images: names of pictures, frames as pictures among them, in the order of their parts.
        clips: the videos that stay videos, in the order of their parts.
    """

    turns: tuple[Turn, ...]
    images: tuple[str, ...]
    clips: tuple[Clip, ...] = ()


def takes_videos(processor: Any) -> bool:
    """Whether the model's own video processor is there and runs here."""
    return getattr(processor, "video_processor", None) is not None and is_torchvision_available()


def shown(turns: Sequence[Turn], source: Source, whole_videos: bool) -> Shown:
    """Sample the videos of some turns; with `whole_videos` they stay videos.

    Raises BrokenVideoError when one of them cannot be decoded.
    """
    clips: list[Clip] = []
    made: list[Turn] = []
    for turn in turns:
        parts: list[Part] = []
        for part in turn.parts:
            if part.type != "video":
                parts.append(part)
                continue
            clip = source.clip(part.media)
            if whole_videos:
                clips.append(clip)
                parts.append(part)
            else:
                parts += [Part("image", media=name) for name in clip.frames]
        made.append(Turn(turn.role, tuple(parts)))
    images = tuple(part.media for one in made for part in one.parts if part.type == "image")
    return Shown(tuple(made), images, tuple(clips))


def opened(
    source: Source, images: Sequence[Sequence[str]], clips: Sequence[Sequence[Clip]]
) -> dict[str, Any]:
    """Pictures and videos of several prompts as arguments of a processor."""
    given: dict[str, Any] = {}
    if any(images) or not any(clips):
        given["images"] = [[source.open(one) for one in names] for names in images]
    flat = [clip for some in clips for clip in some]
    if flat:
        # frames by height by width by colour
        given["videos"] = [
            np.stack([np.asarray(source.open(name)) for name in clip.frames]) for clip in flat
        ]
        given["videos_kwargs"] = {
            "do_sample_frames": False,
            "return_metadata": True,
            "video_metadata": [_metadata(clip) for clip in flat],
        }
    return given


def messages(turns: Sequence[Turn], parts: bool) -> list[dict[str, Any]]:
    """Turns for the chat template: lists of parts for models that see, plain text for others."""
    made: list[dict[str, Any]] = []
    for turn in turns:
        if not parts:
            made.append(message(turn.role, "".join(one.text for one in turn.parts), False))
            continue
        content = [
            {"type": "text", "text": part.text} if part.type == "text" else {"type": part.type}
            for part in turn.parts
        ]
        made.append({"role": turn.role, "content": content})
    return made


def message(role: str, text: str, parts: bool) -> dict[str, Any]:
    """A turn of text alone for the chat template."""
    return {"role": role, "content": [{"type": "text", "text": text}] if parts else text}


def picture_tokens(loaded: Loaded) -> frozenset[int]:
    """The tokens that stand once for every picture token of the decoder; none without eyes."""
    found = set[int]()
    for kind in ("image", "video") if loaded.sees else ():
        number = getattr(loaded.processor, f"{kind}_token_id", None)
        name = getattr(loaded.processor, f"{kind}_token", None)
        if number is None and isinstance(name, str):
            number = loaded.tokenizer.convert_tokens_to_ids(name)
        found |= set() if number is None else {int(number)}
    return frozenset(found)


def _metadata(clip: Clip) -> dict[str, Any]:
    """The times of the frames, as processors read them."""
    return {
        "total_num_frames": max(1, round(clip.seconds * _TICKS)),
        "fps": float(_TICKS),
        "duration": clip.seconds,
        "frames_indices": [round(time * _TICKS) for time in clip.times],
    }
