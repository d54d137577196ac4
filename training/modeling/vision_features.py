"""What the vision tower makes of pictures, kept on disk for the epochs and jobs to come.

The tower and the projector are frozen in every run of ours, so that their output is data. It is
large (megabytes a picture), so it is kept only when asked for. A folder is named by the weights of
the tower, what becomes of a picture and the number format; a file by the pictures of a prompt. It
may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from transformers.utils import ModelOutput

from storage import identity
from training.modeling.pictures import Tensors, join

# names in a file and in a batch: features that the model joins from a list, or takes as they are
LISTED, WHOLE, LEVEL = "vision_listed", "vision_whole", "vision_level_"
# and what a decoder takes that looks at pictures beside its tokens
BESIDE = "cross_attention_states"
_NAMES = (LISTED, WHOLE, LEVEL)
_SUFFIX = ".safetensors"


class VisionFeatures:
    """Features by the pictures of a prompt (ids in order), in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, images: Sequence[str]) -> bool:
        return self._file(images).is_file()

    def keep(self, images: Sequence[str], found: Tensors) -> None:
        """Write them whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{uuid.uuid4().hex}.partial"
        data = save({name: one.contiguous().cpu() for name, one in found.items()})
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._file(images))
        finally:
            temporary.unlink(missing_ok=True)

    def joined(self, prompts: Iterable[Sequence[str]]) -> dict[str, torch.Tensor]:
        """The features of several prompts as entries of a batch."""
        return join([load_file(self._file(images)) for images in prompts if images])

    def is_whole(self, images: Sequence[str]) -> bool:
        """Whether the file can be read; a damaged one is removed."""
        try:
            load_file(self._file(images))
        except (SafetensorError, OSError):
            self._file(images).unlink(missing_ok=True)
            return False
        return True

    def _file(self, images: Sequence[str]) -> Path:
        return self._folder / f"{identity.digest(list(images))}{_SUFFIX}"


def compute(inner: Any, media: Tensors) -> dict[str, torch.Tensor]:
    """The features of a prompt's pictures, and what the model needs beside them (grids, sizes)."""
    backbone, device = getattr(inner, "model", inner), next(inner.parameters()).device
    if not hasattr(backbone, "get_image_features"):
        return _beside(backbone, {name: value.to(device) for name, value in media.items()})
    wanted = inspect.signature(backbone.get_image_features).parameters
    given = {name: value.to(device) for name, value in media.items() if name in wanted}
    with torch.no_grad():
        said = backbone.get_image_features(**given, return_dict=True)
    found = {name: value for name, value in media.items() if not name.startswith("pixel_")}
    pooled = said.pooler_output
    if isinstance(pooled, torch.Tensor):
        found[WHOLE] = pooled
    else:
        found[LISTED] = torch.cat(list(pooled))
    for number, level in enumerate(getattr(said, "deepstack_features", None) or ()):
        found[f"{LEVEL}{number}"] = torch.cat(list(level))
    return found


@torch.no_grad()
def _beside(backbone: Any, media: Tensors) -> dict[str, torch.Tensor]:
    """As Mllama's own forward has it: tiles x patches x width, padded tiles among them."""
    found = backbone.multi_modal_projector(backbone.vision_model(**media).last_hidden_state)
    return {BESIDE: found.flatten(0, -3)}


def handed_over(pictures: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of a batch as arguments of the model: features as the tower's output."""
    if not any(name in pictures for name in (LISTED, WHOLE)):
        return dict(pictures)
    levels = sorted(name for name in pictures if name.startswith(LEVEL))
    said = ModelOutput(
        pooler_output=(pictures[LISTED],) if LISTED in pictures else pictures[WHOLE],
        deepstack_features=[(pictures[name],) for name in levels],
    )
    others = {name: one for name, one in pictures.items() if not name.startswith(_NAMES)}
    return others | {"mm_encoder_outputs": {"image": said}}


def fingerprint(inner: Any) -> str:
    """A hash of the weights outside of decoder, embeddings and head: tower and projector."""
    found = hashlib.sha256()
    for name, value in outside_decoder(inner):
        raw = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        found.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        found.update(raw.numpy().tobytes())
    return found.hexdigest()


def outside_decoder(inner: Any) -> list[tuple[str, torch.Tensor]]:
    """The weights of tower and projector by name."""
    head, embeddings = inner.get_output_embeddings(), inner.get_input_embeddings()
    text = [*inner.get_decoder().parameters(), *embeddings.parameters()]
    text += [] if head is None else list(head.parameters())
    known = {id(one) for one in text}
    return [(name, one) for name, one in inner.named_parameters() if id(one) not in known]


def fill(
    kept: VisionFeatures,
    prompts: Mapping[tuple[str, ...], Callable[[], Tensors]],
    inner: Any,
    heartbeat: Callable[[int, int], None],
) -> int:
    """Compute what is missing; returns how many prompts' pictures went through the tower."""
    computed = 0
    for number, (images, media) in enumerate(prompts.items()):
        heartbeat(number, len(prompts))
        if not (kept.has(images) and kept.is_whole(images)):
            kept.keep(images, compute(inner, media()))
            computed += 1
    return computed
