"""Number formats that need more than a word: float16, and weights of 4 bits under a LoRA.

4 bits is QLoRA (Dettmers et al. 2023): the decoder's frozen linear layers as NF4 with double
quantization, computed in the run's number format; vision tower, projector and LM head stay whole.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from storage.errors import WrongInputError
from training.settings.spec import DPOSpec

FOUR_BITS = "4bit"
_INSTALL = "Install bitsandbytes where the worker runs (pip install pairwright[quantize])"


def check(settings: DPOSpec, device: torch.device, kind: str, adapters: Sequence[str]) -> None:
    """Raise WrongInputError, before anything is loaded, for a format that this job cannot have.

    Args:
        kind: of the job. What was trained elsewhere in float16 is measured anywhere.
        adapters: what the job starts from besides the model.
    """
    trains = kind in ("train", "plan")
    if trains and settings.dtype == "float16" and device.type != "cuda":
        raise WrongInputError(
            f"dtype is float16, and this job runs on {_named(device)}: training in float16 scales "
            "the loss, which is for CUDA devices only.",
            "Use dtype auto, bfloat16 or float32, or a worker with a CUDA device.",
        )
    if settings.quantize == FOUR_BITS:
        _check_four_bits(settings, device, adapters if trains else ())


def quantized(model: Any, dtype: torch.dtype) -> Any:
    """How to load such a model with the decoder's linear layers in 4 bits.

    `model` may be empty of weights (on the meta device): only its layers' names are asked.
    """
    from transformers import BitsAndBytesConfig

    decoder = model.get_decoder()
    inside = {id(one) for one in decoder.modules()}
    kept = [
        name
        for name, one in model.named_modules()
        if isinstance(one, nn.Linear) and (id(one) not in inside or name.endswith("lm_head"))
    ]
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=kept,
    )


def _check_four_bits(settings: DPOSpec, device: torch.device, adapters: Sequence[str]) -> None:
    if settings.method != "lora":
        raise WrongInputError(
            f"quantize is 4bit and method is {settings.method}: weights of 4 bits cannot be "
            "trained themselves.",
            "Use method lora, or quantize none.",
        )
    if adapters:
        raise WrongInputError(
            "quantize is 4bit, and the start is a checkpoint that is an adapter: merging it into "
            "weights of 4 bits would round it away.",
            "Merge it first (pairwright checkpoint merge) and start from what that makes, or use "
            "quantize none.",
        )
    reason = _why_not(device)
    if reason:
        raise WrongInputError(
            f"quantize is 4bit, and bitsandbytes does not run on {_named(device)}: {reason}.",
            f"{_INSTALL}, or use quantize none.",
        )


def _why_not(device: torch.device) -> str:
    """Why bitsandbytes cannot quantize here; empty when it just has."""
    if importlib.util.find_spec("bitsandbytes") is None:
        return "it is not installed"
    try:
        from bitsandbytes import functional

        small = torch.ones(64, 64, device=device)
        packed, state = functional.quantize_4bit(small, quant_type="nf4")
        back = functional.dequantize_4bit(packed, state)
    except Exception as error:
        # a library for another device, or one that was built for none
        return f"{type(error).__name__}: {str(error).strip().splitlines()[:1]}"
    return "" if torch.allclose(back, small) else "what it packs it does not unpack"


def _named(device: torch.device) -> str:
    return "the CPU" if device.type == "cpu" else str(device)
