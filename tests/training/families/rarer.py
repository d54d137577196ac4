"""Two families as very small models, and what all of them are made of.

Llama 3.2 Vision looks at pictures beside its tokens; the processor of Mistral 3 cannot be loaded
without torchvision.
"""

from __future__ import annotations

from typing import Any

import torch

VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def text_config(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "initializer_range": 0.1,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    } | more


def mllama(tiny: Any) -> tuple[Any, Any]:
    """Llama 3.2 Vision: its second layer looks at the pictures, through gates that are open."""
    from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaProcessor
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    tokenizer = tiny.tokenizer("<|python_tag|>", image_token="<|image|>")
    tokenizer.bos_token = "<|system|>"
    processor = MllamaProcessor(
        MllamaImageProcessorPil(size={"height": 32, "width": 32}, max_image_tiles=2),
        tokenizer,
        chat_template=tiny.template("<|image|>"),
    )
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_global_layers": 1,
        "attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
        "max_num_tiles": 2,
        "intermediate_layers_indices": [0],
        "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]],
        "vision_output_dim": 64,
    }
    text = text_config(tokenizer) | {
        "num_hidden_layers": 3,
        "cross_attention_layers": [1],
        "bos_token_id": tokenizer.bos_token_id,
    }
    config = MllamaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
    )
    model = MllamaForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if "gate" in name and weight.numel() == 1:
            torch.nn.init.constant_(weight, 0.7)
    return model, processor


def mistral3(tiny: Any) -> tuple[Any, Any]:
    """With Pixtral's own image processor; its own processor is in a module that only torchvision
    can load, so what that writes around a picture is written here."""
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration, ProcessorMixin
    from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

    class PixtralLike(ProcessorMixin):  # type: ignore[misc]
        def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str) -> None:
            super().__init__(image_processor, tokenizer, chat_template=chat_template)
            self.image_token = "[IMG]"
            self.image_token_id = tokenizer.convert_tokens_to_ids("[IMG]")

        def check_argument_for_proper_class(self, *_: Any) -> None:
            """It is no class of the library."""

        def replace_image_token(self, image_inputs: Any, image_idx: int, **_: Any) -> str:
            height, width = (int(side) // 16 for side in image_inputs["image_sizes"][image_idx])
            return "[IMG_BREAK]".join(["[IMG]" * width] * height) + "[IMG_END]"

    tokenizer = tiny.tokenizer("[IMG_BREAK]", "[IMG_END]", image_token="[IMG]")
    pictures = PixtralImageProcessorPil(
        size={"longest_edge": 64}, patch_size={"height": 16, "width": 16}
    )
    config = Mistral3Config(
        vision_config={**VISION, "model_type": "pixtral", "head_dim": 16, "image_size": 64},
        text_config={"model_type": "mistral", **text_config(tokenizer), "sliding_window": None},
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
        tie_word_embeddings=False,
    )
    processor = PixtralLike(pictures, tokenizer, tiny.template("[IMG]"))
    return Mistral3ForConditionalGeneration(config), processor
