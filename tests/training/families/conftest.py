"""Model families as very small models with random weights, each with its own real processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from tests.training.families.rarer import VISION, mistral3, mllama, text_config

Made = tuple[Any, Any]


def idefics3(tiny: Any) -> Made:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import (
        Idefics3ImageProcessorPil,
    )

    tokenizer = tiny.tokenizer(*_tiles())
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}
    )
    processor = Idefics3Processor(
        pictures, tokenizer, image_seq_len=4, chat_template=tiny.template("<image>")
    )
    config = Idefics3Config(
        text_config={"model_type": "llama", **text_config(tokenizer)}, **_tiled(tokenizer)
    )
    return Idefics3ForConditionalGeneration(config), processor


def smolvlm(tiny: Any) -> Made:
    """With the processor of Idefics3, which writes the same: its own needs num2words."""
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

    _, processor = idefics3(tiny)
    config = SmolVLMConfig(
        text_config={"model_type": "llama", **text_config(processor.tokenizer)},
        **_tiled(processor.tokenizer),
    )
    return SmolVLMForConditionalGeneration(config), processor


def gemma3(tiny: Any, window: int = 24) -> Made:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    tokenizer = tiny.tokenizer(boi_token="<boi>", eoi_token="<eoi>")
    number = tokenizer.convert_tokens_to_ids
    processor = Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": 32, "width": 32}),
        tokenizer,
        chat_template=tiny.template("<boi>"),
        image_seq_length=4,
    )
    config = Gemma3Config(
        text_config=text_config(
            tokenizer,
            head_dim=16,
            sliding_window=window,
            layer_types=["sliding_attention", "full_attention"],
        ),
        vision_config=VISION,
        mm_tokens_per_image=4,
        image_token_index=number("<image>"),
        boi_token_index=number("<boi>"),
        eoi_token_index=number("<eoi>"),
        tie_word_embeddings=False,
    )
    return Gemma3ForConditionalGeneration(config), processor


def llava(tiny: Any, decoder: str = "llama", **more: Any) -> Made:
    from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = tiny.tokenizer()
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"height": 32, "width": 32}, do_center_crop=False
        ),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tiny.template("<image>"),
    )
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **VISION},
        text_config={"model_type": decoder, **text_config(tokenizer), **more},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    return LlavaForConditionalGeneration(config), processor


def llava_onevision(tiny: Any) -> Made:
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionProcessor,
    )
    from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
        LlavaOnevisionImageProcessorPil,
    )

    tokenizer = tiny.tokenizer("<video>")
    pictures = LlavaOnevisionImageProcessorPil(
        size={"height": 32, "width": 32}, image_grid_pinpoints=[[32, 32], [32, 64]]
    )
    processor = _without_video(LlavaOnevisionProcessor)(
        pictures,
        tokenizer,
        None,
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=tiny.template("<image>"),
    )
    number = tokenizer.convert_tokens_to_ids
    config = LlavaOnevisionConfig(
        vision_config={"model_type": "siglip_vision_model", **VISION},
        text_config={"model_type": "qwen2", **text_config(tokenizer)},
        image_token_index=number("<image>"),
        video_token_index=number("<video>"),
        image_grid_pinpoints=[[32, 32], [32, 64]],
        tie_word_embeddings=False,
    )
    return LlavaOnevisionForConditionalGeneration(config), processor


def qwen2_vl(tiny: Any) -> Made:
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

    tokenizer, processor = _qwen(tiny, Qwen2VLProcessor)
    vision = {
        "depth": 1,
        "embed_dim": 32,
        "hidden_size": 32,
        "num_heads": 2,
        "mlp_ratio": 2,
        "patch_size": 8,
    }
    config = Qwen2VLConfig(vision_config=vision, **_rotated(tokenizer, [2, 3, 3]))
    return Qwen2VLForConditionalGeneration(config), processor


def qwen2_5_vl(tiny: Any) -> Made:
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
    )

    tokenizer, processor = _qwen(tiny, Qwen2_5_VLProcessor)
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "out_hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 8,
        "window_size": 32,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(vision_config=vision, **_rotated(tokenizer, [2, 3, 3]))
    return Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3_vl(tiny: Any) -> Made:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor

    tokenizer, processor = _qwen(tiny, Qwen3VLProcessor)
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "out_hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 8,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    config = Qwen3VLConfig(vision_config=vision, **_rotated(tokenizer, [2, 3, 3], head_dim=16))
    return Qwen3VLForConditionalGeneration(config), processor


def internvl(tiny: Any) -> Made:
    from transformers import InternVLConfig, InternVLForConditionalGeneration, InternVLProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    tokenizer = tiny.tokenizer(
        "<video>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    pictures = GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}, crop_to_patches=False)
    processor = _without_video(InternVLProcessor)(
        pictures,
        tokenizer,
        None,
        image_seq_length=4,
        chat_template=tiny.template("<IMG_CONTEXT>"),
    )
    config = InternVLConfig(
        vision_config={**VISION, "image_size": [32, 32], "patch_size": [8, 8]},
        text_config={"model_type": "qwen2", **text_config(tokenizer)},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    return InternVLForConditionalGeneration(config), processor


def text_only(tiny: Any, family: str = "llama", **more: Any) -> Made:
    """A model without eyes; its tokenizer stands where others have a processor."""
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = tiny.template("<image>")
    config = AutoConfig.for_model(
        family, **text_config(tokenizer), head_dim=16, tie_word_embeddings=False, **more
    )
    return AutoModelForCausalLM.from_config(config), tokenizer


def qwen3_5(tiny: Any) -> Made:
    """A hybrid: its first layer carries a state from token to token."""
    return text_only(
        tiny,
        "qwen3_5_text",
        layer_types=["linear_attention", "full_attention"],
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=16,
        linear_value_head_dim=16,
    )


def glm4v(tiny: Any) -> Made:
    from transformers import Glm4vConfig, Glm4vForConditionalGeneration, Glm4vProcessor
    from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

    tokenizer = tiny.tokenizer(
        "<|begin_of_image|>",
        "<|end_of_image|>",
        "<|video|>",
        image_token="<|image|>",
        video_token="<|video|>",
    )
    side = {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}
    processor = _without_video(Glm4vProcessor)(
        Glm4vImageProcessorPil(size=side, patch_size=8),
        tokenizer,
        None,
        chat_template=tiny.template("<|begin_of_image|><|image|><|end_of_image|>"),
    )
    vision = {
        "depth": 1,
        "hidden_size": 32,
        "out_hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 8,
        "image_size": 32,
    }
    number = tokenizer.convert_tokens_to_ids
    config = Glm4vConfig(
        text_config=text_config(
            tokenizer,
            rope_parameters={
                "rope_type": "default",
                "mrope_section": [1, 1, 2],
                "rope_theta": 10000.0,
                "partial_rotary_factor": 0.5,
            },
        ),
        vision_config=vision,
        image_token_id=number("<|image|>"),
        video_token_id=number("<|video|>"),
        image_start_token_id=number("<|begin_of_image|>"),
        image_end_token_id=number("<|end_of_image|>"),
        tie_word_embeddings=False,
    )
    return Glm4vForConditionalGeneration(config), processor


def _qwen(tiny: Any, kind: Any) -> Made:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = tiny.tokenizer(
        "<|vision_start|>", "<|vision_end|>", "<|video_pad|>", image_token="<|image_pad|>"
    )
    processor = _without_video(kind)(
        Qwen2VLImageProcessorPil(min_pixels=32 * 32, max_pixels=64 * 64, patch_size=8),
        tokenizer,
        None,
        chat_template=tiny.template("<|vision_start|><|image_pad|><|vision_end|>"),
    )
    return tokenizer, processor


def _rotated(tokenizer: Any, sections: list[int], **more: Any) -> dict[str, Any]:
    number = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "mrope_section": sections, "rope_theta": 10000.0}
    return {
        "text_config": text_config(tokenizer, rope_parameters=rope, **more),
        "image_token_id": number("<|image_pad|>"),
        "video_token_id": number("<|video_pad|>"),
        "vision_start_token_id": number("<|vision_start|>"),
        "vision_end_token_id": number("<|vision_end|>"),
        "tie_word_embeddings": False,
    }


def _tiles() -> list[str]:
    tiles = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    return ["<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *tiles]


def _tiled(tokenizer: Any) -> dict[str, Any]:
    return {
        "vision_config": VISION,
        "scale_factor": 2,
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": False,
    }


def _without_video(kind: Any) -> Any:
    """The processor without its part for videos, which needs torchvision."""
    return type(kind.__name__, (kind,), {"check_argument_for_proper_class": lambda *_: None})


BUILDERS = {
    build.__name__: build
    for build in (
        gemma3,
        glm4v,
        idefics3,
        internvl,
        llava,
        llava_onevision,
        mistral3,
        mllama,
        qwen2_5_vl,
        qwen2_vl,
        qwen3_5,
        qwen3_vl,
        smolvlm,
        text_only,
    )
}


@pytest.fixture
def families(tiny: Any) -> Mapping[str, Callable[..., Made]]:
    """Name of a family -> how to make one of it; keywords change its decoder."""

    def builder(build: Callable[..., Made]) -> Callable[..., Made]:
        def make(**more: Any) -> Made:
            torch.manual_seed(0)
            return build(tiny, **more)

        return make

    return {name: builder(build) for name, build in BUILDERS.items()}
