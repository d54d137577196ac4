"""Models of the sizes that people train, with random weights, and pairs of token numbers for them.

The sizes are those of the models' own config.json: Qwen3-VL-4B-Instruct and Qwen2.5-VL-7B-Instruct.
No processor is needed: a pair is numbers of tokens and random patches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

# pixels a side that are one token of the decoder, and text beside the picture
MERGE, TEXT = 2, 64
_SPECIAL = {
    "image_token_id": 151655,
    "video_token_id": 151656,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
}


@dataclass(frozen=True)
class Size:
    """A model to be made and the picture and answers of its pairs.

    `rows` and `columns` count patches of the picture, `answer` tokens of each answer.
    """

    name: str
    kind: Any
    config: Any
    rows: int = 80
    columns: int = 64
    answer: int = 150

    @property
    def pictures(self) -> int:
        """Tokens of the picture."""
        return self.rows * self.columns // MERGE**2


def qwen3_vl_4b() -> Size:
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": 151936,
            "hidden_size": 2560,
            "intermediate_size": 9728,
            "num_hidden_layers": 36,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "rope_parameters": _rope([24, 20, 20], 5e6),
        },
        vision_config={
            "depth": 24,
            "hidden_size": 1024,
            "out_hidden_size": 2560,
            "intermediate_size": 4096,
            "num_heads": 16,
            "patch_size": 16,
            "spatial_merge_size": MERGE,
            "num_position_embeddings": 2304,
            "deepstack_visual_indexes": [5, 11, 17],
        },
        tie_word_embeddings=True,
        **_SPECIAL,
    )
    return Size("Qwen3-VL-4B", Qwen3VLForConditionalGeneration, config)


def qwen2_5_vl_7b() -> Size:
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 152064,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "rope_parameters": _rope([16, 24, 24], 1e6),
        },
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "out_hidden_size": 3584,
            "intermediate_size": 3420,
            "num_heads": 16,
            "patch_size": 14,
            "spatial_merge_size": MERGE,
            "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
        tie_word_embeddings=False,
        **_SPECIAL,
    )
    return Size("Qwen2.5-VL-7B", Qwen2_5_VLForConditionalGeneration, config)


def tiny() -> tuple[Size, ...]:
    """Both families small enough for any CPU, to see that the benchmark runs."""
    return tuple(_shrunk(one) for one in (qwen3_vl_4b(), qwen2_5_vl_7b()))


def model_of(size: Size, device: torch.device, dtype: torch.dtype) -> Any:
    """The model with random weights, drawn on the device in its number format."""
    torch.manual_seed(0)
    with device:
        made = size.kind._from_config(size.config, dtype=dtype)
    return made.to(device)


def pairs_of(size: Size, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """TRL's batch of two rows a pair, each pair's picture once."""
    config = size.config
    most = min(config.get_text_config().vocab_size, config.vision_start_token_id)

    def words(number: int) -> torch.Tensor:
        return torch.randint(3, most, (number,), generator=generator)

    marks = config.vision_start_token_id, config.image_token_id, config.vision_end_token_id
    picture = torch.tensor([marks[0], *[marks[1]] * size.pictures, marks[2]])
    prompts = [torch.cat([words(8), picture, words(TEXT - 8)]) for _ in range(count)]
    rows = torch.stack([torch.cat([one, words(size.answer)]) for one in prompts * 2])
    mask = torch.zeros_like(rows)
    mask[:, -size.answer :] = 1
    channels = 3 * 2 * config.vision_config.patch_size**2
    patches = size.rows * size.columns * count
    return {
        "input_ids": rows,
        "attention_mask": torch.ones_like(rows),
        "completion_mask": mask,
        "mm_token_type_ids": (rows == config.image_token_id).long(),
        "pixel_values": torch.randn(patches, channels, generator=generator),
        "image_grid_thw": torch.tensor([[1, size.rows, size.columns]] * count),
    }


def _rope(sections: list[int], theta: float) -> dict[str, Any]:
    return {"rope_type": "default", "mrope_section": sections, "rope_theta": theta}


def _shrunk(size: Size) -> Size:
    text: Mapping[str, Any] = {
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "rope_parameters": _rope([4, 6, 6], 1e4),
        "bos_token_id": None,
        "eos_token_id": None,
    }
    vision = {"depth": 2, "hidden_size": 32, "out_hidden_size": 64, "num_heads": 2}
    more = {"intermediate_size": 64, "patch_size": 14, "spatial_merge_size": MERGE}
    places = {"deepstack_visual_indexes": [0], "num_position_embeddings": 64}
    if "Qwen2.5" in size.name:
        places = {"window_size": 56, "fullatt_block_indexes": [1]}
    numbers = {name: 500 + at for at, name in enumerate(_SPECIAL)}
    config = type(size.config)(
        text_config=text, vision_config=vision | more | places, tie_word_embeddings=False, **numbers
    )
    return Size(f"{size.name} in small", size.kind, config, rows=8, columns=8, answer=6)
