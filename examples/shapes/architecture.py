"""The untrained tiny VLM: a byte-level tokenizer, a processor and a LLaVA made from a config.

Everything is built here from nothing, so that no model hub is needed: a CLIP-style tower sees
nine patches (one per cell of the board), a small Llama decoder reads them and speaks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from examples.shapes.asking import ask
from examples.shapes.questions import CATEGORIES
from examples.shapes.world import CELL, SIDE, scenes

PHOTOS = Path(__file__).parents[1] / "photos" / "preferences.jsonl"
SYSTEM, USER, ASSISTANT, END = "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
PAD, IMAGE = "<|pad|>", "<image>"
CONTEXT = 2048
VOCABULARY = 1024

# A turn is its role's token, its parts in order, and the end token: nothing else, so that a
# rendered prompt is an exact prefix of the rendered conversation, in text and in tokens.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>' }}"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{{ '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True)
class Size:
    """Widths and depths of the tiny model."""

    tower_width: int = 96
    tower_depth: int = 2
    width: int = 128
    depth: int = 4
    inner: int = 320
    heads: int = 4


def build_processor(photos: Path = PHOTOS, seed: int = 0) -> LlavaProcessor:
    """Train the tokenizer on the world's and the photographs' texts; return the processor."""
    tokenizer = _trained_tokenizer(_texts(photos, seed))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        extra_special_tokens={"image_token": IMAGE},
    )
    side = {"height": SIDE, "width": SIDE}
    images = CLIPImageProcessorPil(
        size=side,
        crop_size=side,
        do_center_crop=False,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=fast,
        patch_size=CELL,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=CHAT_TEMPLATE,
    )


def build_model(processor: LlavaProcessor, size: Size = Size()) -> LlavaForConditionalGeneration:
    """An untrained model for the processor's vocabulary, float32."""
    tokenizer: Any = processor.tokenizer
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    tower = CLIPVisionConfig(
        hidden_size=size.tower_width,
        intermediate_size=2 * size.tower_width,
        projection_dim=size.tower_width,
        num_hidden_layers=size.tower_depth,
        num_attention_heads=4,
        image_size=SIDE,
        patch_size=CELL,
        hidden_act="gelu",
    )
    decoder = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        tie_word_embeddings=True,
        initializer_range=0.04,
        **ids,
    )
    config = LlavaConfig(
        vision_config=tower,
        text_config=decoder,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=(SIDE // CELL) ** 2,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        tie_word_embeddings=True,
        **ids,
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config = GenerationConfig(max_new_tokens=64, **ids)
    return model.to(torch.float32)


def _trained_tokenizer(texts: Iterable[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[SYSTEM, USER, ASSISTANT, END, PAD, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _texts(photos: Path, seed: int) -> Iterator[str]:
    """The world's texts, and the photographs' texts often enough for their words to be merged."""
    random = Random(seed)
    source = scenes("school", seed)
    for _ in range(600):
        scene = next(source)
        for category in CATEGORIES:
            question = ask(scene, category, random)
            yield from (question.text, question.answer, *question.lapses)
    for line in photos.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for message in record["messages"]:
            yield from 8 * [message["content"].replace(IMAGE, "")]
        yield from 8 * [record["rejected_response"]]
