"""Videos in other families: frames as pictures, and videos for the model's own processor.

The processors of videos need torchvision, which has no build for this machine: a stand-in cuts the
frames into patches as Qwen's does. The rest, from the template to the gradients, is the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from trl.trainer.utils import add_fused_lm_head

from training.modeling import rows, showing, sources
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.runs import sharing
from training.settings.spec import DPOSpec

Families = Mapping[str, Callable[..., tuple[Any, Any]]]
RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)
_PLACE = "<|vision_start|><|video_pad|><|vision_end|>"


class Patches:
    """Two frames at a time become one layer of patches."""

    merge_size = temporal_patch_size = 2

    def __init__(self, pictures: Any) -> None:
        self._pictures = pictures
        self.seen: list[dict[str, Any]] = []

    def __call__(
        self, videos: Sequence[Any], video_metadata: Sequence[Any], **kwargs: Any
    ) -> dict[str, Any]:
        from transformers.video_utils import make_batched_metadata

        assert kwargs["do_sample_frames"] is False
        self.seen += video_metadata
        made = [self._patches(frames) for frames in videos]
        return {
            "pixel_values_videos": torch.cat([patches for patches, _ in made]),
            "video_grid_thw": torch.stack([grid for _, grid in made]),
            "video_metadata": make_batched_metadata(list(videos), video_metadata=video_metadata),
        }

    def _patches(self, frames: Any) -> tuple[torch.Tensor, torch.Tensor]:
        even = frames if len(frames) % 2 == 0 else np.concatenate([frames, frames[-1:]])
        said = self._pictures(images=[Image.fromarray(one) for one in even], return_tensors="pt")
        _, high, wide = said["image_grid_thw"][0].tolist()
        # frame, place, colour, moment, pixels
        parts = said["pixel_values"].view(len(even), high * wide, 3, 2, -1)
        both = torch.stack([parts[0::2, :, :, 0], parts[1::2, :, :, 1]], dim=3)
        return both.flatten(0, 1).flatten(1), torch.tensor([len(even) // 2, high, wide])


def encoded(
    made: tuple[Any, Any], world: Any, examples: Any
) -> tuple[Any, Encoder, tuple[EncodedPair, ...]]:
    """The model, and pairs with a video of three frames, with a picture and a video, with none."""
    model, processor = made
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    add_fused_lm_head(model)
    loaded = Loaded(model.eval(), processor, processor.tokenizer, True)
    settings = DPOSpec(video_frames=3)
    encoder = Encoder(loaded, sources.stored(world.store.url, world.home / "cache", settings))
    first, second = world.video([RED, GREEN, BLUE], each=2), world.video([GREEN, BLUE, RED], each=2)
    many = [
        examples.pair("which?", "Red, then blue.", "Blue", video=first),
        examples.pair("{} and?", "It is green", "No.", (BLUE,), video=second),
        examples.pair("nothing?", "Nothing", "Something"),
    ]
    return model, encoder, encoder.encode(rows.read(world.write(many))).pairs


def check_exact(model: Any, encoder: Encoder, pairs: Sequence[EncodedPair]) -> None:
    found = sharing.difference(model, encoder, pairs, sharing._attention(model))
    assert found.log_probability < 1e-5
    assert found.gradient < 1e-4
    assert sharing.choose(model, encoder, pairs).reason == ""


@pytest.mark.parametrize("name", ["gemma3", "llava", "qwen2_5_vl"])
def test_shared_prompts_are_exact_where_frames_are_pictures(
    name: str, families: Families, world: Any, examples: Any
) -> None:
    model, encoder, pairs = encoded(families[name](), world, examples)
    assert [len(pair.prompt.images) for pair in pairs] == [3, 4, 0]
    check_exact(model, encoder, pairs)


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_the_model_s_own_processor_gets_the_same_frames_as_a_video(
    name: str, families: Families, world: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "is_torchvision_available", lambda: True)
    model, processor = families[name]()
    processor.video_processor = patches = Patches(processor.image_processor)
    picture = "{% if part['type'] == 'image' %}"
    template = processor.chat_template
    assert picture in template
    video = f"{{% if part['type'] == 'video' %}}{_PLACE}" + picture.replace("if", "elif", 1)
    processor.chat_template = template.replace(picture, video)
    model, encoder, pairs = encoded((model, processor), world, examples)
    assert [len(pair.prompt.images) for pair in pairs] == [0, 1, 0]
    assert [len(pair.prompt.clips) for pair in pairs] == [1, 1, 0]
    # six frames at 4 a second, three of them
    # (Qwen3-VL's processor repeats the last one)
    assert patches.seen[0]["frames_indices"][:3] == [250, 750, 1250]
    assert (patches.seen[0]["fps"], patches.seen[0]["duration"]) == (1000.0, 1.5)
    batch = encoder.collate(pairs, pictures_once=True)
    # three frames make two layers of 4 x 4 patches
    assert batch["video_grid_thw"].tolist() == [[2, 4, 4], [2, 4, 4]]
    assert batch["pixel_values_videos"].shape[0] == 2 * 32
    tokens = [pair.prompt.ids.count(processor.video_token_id) for pair in pairs]
    assert tokens == [8, 8, 0]
    check_exact(model, encoder, pairs)
