"""A Qwen3-VL of random weights with its own processor, and pairs with pictures on disk.

The vocabulary is small: on a CPU TRL's head scores every position, which would hide the difference
that is measured.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from storage.rows import Part, Turn
from training.modeling.rows import PairRow
from training.modeling.videos import Clip

PATCH, MERGE, VOCABULARY = 16, 2, 512
# letters have the first 256 numbers, these words the last
WORDS = (
    "<|image_pad|>",
    "<|video_pad|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|end|>",
    "<|pad|>",
    "<|user|>",
    "<|assistant|>",
)
IMAGE, VIDEO, START, END, _, PAD, *_ = range(VOCABULARY - len(WORDS), VOCABULARY)
# letters beside the picture of a prompt
TEXT = 50
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """A model and a pair. `side` is the picture's in pixels; `answer` counts tokens of each."""

    layers: int
    hidden: int
    side: int
    answer: int

    @property
    def pictures(self) -> int:
        """Tokens of one picture."""
        return (self.side // PATCH // MERGE) ** 2

    @property
    def prompt(self) -> int:
        return self.pictures + TEXT + 2


class Files:
    """Pictures by the name of their file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str, /) -> Image.Image:
        with Image.open(self._folder / name) as picture:
            return picture.convert("RGB")

    def clip(self, video: str, /) -> Clip:
        raise NotImplementedError("the rows have pictures only")

    def make(self, name: str, side: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        small = torch.randint(0, 256, (8, 8, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(small.numpy()).resize((side, side)).save(self._folder / name)


def rows(shape: Shape, files: Files, count: int) -> list[PairRow]:
    """Pairs with a picture each and answers of as many letters as the shape says, less one."""
    made = []
    for number in range(count):
        name = f"{number}.png"
        files.make(name, shape.side, number)
        turns = (Turn("user", (Part("image", media=name), Part("text", letters(TEXT, number)))),)
        chosen, rejected = (letters(shape.answer - 1, 2 * number + one) for one in (1000, 1001))
        made.append(
            PairRow(f"{number:04}", "", "train", turns, (name,), (), chosen, rejected, number)
        )
    return made


def stock_rows(given: Sequence[PairRow], files: Files) -> list[dict[str, Any]]:
    """The same pairs as TRL's own collator takes them, pictures read from disk."""
    return [
        {
            "prompt": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image"},
                        {"type": "text", "text": row.turns[0].parts[1].text},
                    ],
                }
            ],
            "chosen": [{"role": "assistant", "content": [{"type": "text", "text": row.chosen}]}],
            "rejected": [
                {"role": "assistant", "content": [{"type": "text", "text": row.rejected}]}
            ],
            "images": [files.open(row.images[0])],
        }
        for row in given
    ]


def letters(count: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("abcdefghij klmno", k=count))


def tokenizer() -> Any:
    known = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = known + [f"unused{number}" for number in range(VOCABULARY - len(known) - len(WORDS))]
    made = Tokenizer(models.BPE(vocab={name: at for at, name in enumerate(names)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(WORDS))
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        **{"eos_token": "<|end|>", "pad_token": "<|pad|>"},
        extra_special_tokens={"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
    )


def processor() -> Any:
    """Qwen3-VL's, without its part for videos, which needs torchvision."""
    kind = type(
        "Qwen3VLProcessor",
        (Qwen3VLProcessor,),
        {"check_argument_for_proper_class": lambda *_: None},
    )
    pictures = Qwen2VLImageProcessorPil(
        min_pixels=PATCH * PATCH, max_pixels=1 << 24, patch_size=PATCH, merge_size=MERGE
    )
    return kind(pictures, tokenizer(), None, chat_template=TEMPLATE)


def model(shape: Shape) -> Any:
    rope = {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 1e6}
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": shape.hidden,
            "intermediate_size": 3 * shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.hidden // 64,
            "num_key_value_heads": shape.hidden // 128,
            "head_dim": 64,
            "rope_parameters": rope,
            "pad_token_id": PAD,
        },
        vision_config={
            "depth": shape.layers,
            "hidden_size": shape.hidden // 2,
            "out_hidden_size": shape.hidden,
            "intermediate_size": 2 * shape.hidden,
            "num_heads": shape.hidden // 128,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "deepstack_visual_indexes": [1, 2],
        },
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=START,
        vision_end_token_id=END,
        tie_word_embeddings=False,
    )
    return Qwen3VLForConditionalGeneration(config)


def pair_of(shape: Shape, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """One pair as TRL's batch of two rows, its picture once."""

    def words(count: int) -> torch.Tensor:
        return torch.randint(3, 250, (count,), generator=generator)

    picture = torch.tensor([START, *[IMAGE] * shape.pictures, END])
    prompt = torch.cat([words(TEXT // 2), picture, words(TEXT - TEXT // 2)])
    rows = torch.stack([torch.cat([prompt, words(shape.answer)]) for _ in range(2)])
    mask = torch.zeros_like(rows)
    mask[:, len(prompt) :] = 1
    sides = shape.side // PATCH
    channels = 3 * 2 * PATCH * PATCH
    return {
        "input_ids": rows,
        "attention_mask": torch.ones_like(rows),
        "completion_mask": mask,
        "mm_token_type_ids": (rows == IMAGE).long(),
        "pixel_values": torch.randn(sides * sides, channels, generator=generator),
        "image_grid_thw": torch.tensor([[1, sides, sides]]),
    }


def twice(pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The picture for both rows, as TRL's collator gives it."""
    return {name: torch.cat([pair[name]] * 2) for name in ("pixel_values", "image_grid_thw")}
