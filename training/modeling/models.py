"""Models from a folder or the Hub, with adapters merged in, and the LoRA that a run adds.

Weights are read from safetensors only and no code of a model repository is run. Adapters are
merged parent first, so that every run starts from plain weights with one fresh adapter at most.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from storage.errors import NotFoundError, WrongInputError
from training.modeling import formats

# what transformers and the Hub client raise for folders and ids that do not work
_LOADING = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Loaded:
    """A model ready to run.

    Attributes:
        model: on its device, in evaluation mode.
        processor: a processor (pictures and text) or, for a text-only model, a tokenizer.
        tokenizer: the tokenizer inside the processor.
        sees: whether the model takes pictures.
    """

    model: Any
    processor: Any
    tokenizer: Any
    sees: bool


def load(
    location: str,
    adapters: Sequence[str] = (),
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    four_bits: bool = False,
) -> Loaded:
    """Load weights and processor, and merge the adapters parent first.

    With `four_bits` the decoder is quantized (see `formats`), and adapters are put on instead: in
    weights of 4 bits they would be lost.

    Raises:
        NotFoundError: the folder, or a file that it needs, is not there.
        WrongInputError: weights that are no safetensors, no chat template, an unknown
            architecture, or an adapter that does not fit.
    """
    check_folder(location)
    for adapter in adapters:
        check_adapter(adapter)
    try:
        config = AutoConfig.from_pretrained(location, trust_remote_code=False)
        sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        more = _four_bits(kind, config, device, dtype) if four_bits else {}
        model = kind.from_pretrained(
            location, dtype=dtype, use_safetensors=True, trust_remote_code=False, **more
        )
        processor = AutoProcessor.from_pretrained(location, trust_remote_code=False)
    except _LOADING as error:
        raise _unloadable(location, error) from error
    tokenizer = getattr(processor, "tokenizer", processor)
    _check_words(location, processor, tokenizer)
    for adapter in adapters:
        put_on = stacked(model, adapter)
        model = put_on if four_bits else put_on.merge_and_unload()
    return Loaded(model.to(device).eval(), processor, tokenizer, sees)


def _four_bits(kind: Any, config: Any, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    with torch.device("meta"):
        empty = kind.from_config(config)
    return {"quantization_config": formats.quantized(empty, dtype), "device_map": {"": device}}


def load_processor(location: str) -> tuple[Loaded, tuple[int, ...]]:
    """What encodes for a model, without its weights (`model` is None), and the limits of tokens
    that its configuration and its tokenizer name.

    Raises: as `load`.
    """
    check_folder(location)
    try:
        config = AutoConfig.from_pretrained(location, trust_remote_code=False)
        processor = AutoProcessor.from_pretrained(location, trust_remote_code=False)
    except _LOADING as error:
        raise _unloadable(location, error) from error
    tokenizer = getattr(processor, "tokenizer", processor)
    _check_words(location, processor, tokenizer)
    said = (
        getattr(config.get_text_config(), "max_position_embeddings", None),
        getattr(tokenizer, "model_max_length", None),
    )
    sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    return Loaded(None, processor, tokenizer, sees), tuple(int(one) for one in said if one)


def check_folder(location: str) -> None:
    """Refuse a folder without what loading needs. A Hub id passes: the Hub answers for it."""
    folder = Path(location)
    if not folder.is_dir():
        if folder.is_absolute() or location.startswith((".", "~")) or location.count("/") != 1:
            raise NotFoundError(
                f"There is no model folder {location!r}.",
                "Give a folder with config.json and *.safetensors, or a Hub id (ORG/NAME).",
            )
        return
    if not (folder / "config.json").is_file():
        raise NotFoundError(
            f"The model folder {location} has no config.json.",
            "Give the folder that the model's save_pretrained wrote.",
        )
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(path.name for path in folder.iterdir() if _is_pickled(path))
    if pickled:
        raise WrongInputError(
            f"The weights in {location} are {pickled[0]}, which can run code when it is loaded.",
            "Convert them to safetensors: load them where you trust them and save_pretrained.",
        )
    raise NotFoundError(
        f"The model folder {location} has no *.safetensors.", "Copy the weights into it."
    )


def check_adapter(path: str) -> None:
    """Refuse an adapter folder that lacks its configuration or its safetensors."""
    for name in _ADAPTER_FILES:
        if not (Path(path) / name).is_file():
            raise NotFoundError(
                f"The adapter folder {path} has no {name}.",
                "Use a checkpoint that is whole; adapters are read from safetensors only.",
            )


def lora(model: Any, rank: int, modules: str | Sequence[str]) -> LoraConfig:
    """A LoRA on the decoder's linear layers (`decoder`), or on those of its layers with a name.

    The vision tower, the projector and the LM head are never touched. alpha is twice the rank,
    dropout is 0.
    """
    prefix, linears = _decoder_linears(model)
    leaves = sorted({name.rpartition(".")[2] for name in linears})
    wanted = leaves if modules == "decoder" else list(modules)
    unknown = sorted(set(wanted) - set(leaves))
    if unknown or not leaves:
        raise WrongInputError(
            f"target_modules names {', '.join(unknown) or 'decoder'}, which the decoder lacks.",
            f"Its linear layers are {', '.join(leaves) or 'none'}; or say decoder for all.",
        )
    names = "|".join(re.escape(name) for name in wanted)
    pattern = rf"{re.escape(prefix)}(?:.*\.)?(?:{names})"
    return LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, bias="none", target_modules=pattern
    )


def freeze_outside_decoder(model: Any) -> int:
    """Full fine-tuning trains decoder, embeddings and LM head; returns how many values train.

    The vision tower and the projector stay as they are, as with LoRA.
    """
    model.requires_grad_(False)
    model.get_decoder().requires_grad_(True)
    for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
        if layer is not None:
            layer.requires_grad_(True)
    return sum(value.numel() for value in model.parameters() if value.requires_grad)


@contextmanager
def quiet_peft() -> Iterator[None]:
    """PEFT and TRL ask models by a name that transformers has deprecated; we do not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def _decoder_linears(model: Any) -> tuple[str, list[str]]:
    """The prefix of the decoder's module names, and the names of its linear layers."""
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    prefix = next(name for name, module in model.named_modules() if module is decoder)
    prefix = f"{prefix}." if prefix else ""
    found = [
        f"{prefix}{name}"
        for name, module in decoder.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    ]
    return prefix, found


def stacked(model: Any, adapter: str) -> Any:
    """The model with an adapter on it, not merged.

    Raises WrongInputError when the adapter does not fit.
    """
    try:
        with quiet_peft():
            return PeftModel.from_pretrained(model, adapter, is_trainable=False)
    except _LOADING as error:
        raise WrongInputError(
            f"The adapter in {adapter} does not fit the model ({_first_line(error)}).",
            "Start from the model that the adapter was trained on.",
        ) from error


def _check_words(location: str, processor: Any, tokenizer: Any) -> None:
    template = getattr(processor, "chat_template", None) or getattr(
        tokenizer, "chat_template", None
    )
    if not template:
        raise WrongInputError(
            f"The model {location} has no chat template, so a prompt cannot be written for it.",
            "Use an instruction-tuned model, or add chat_template.jinja to its folder.",
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


def _unloadable(location: str, error: BaseException) -> NotFoundError | WrongInputError:
    reason = _first_line(error)
    if Path(location).is_dir():
        return WrongInputError(
            f"The model in {location} cannot be loaded ({reason}).",
            "Check that its files are complete and that its architecture is one of transformers.",
        )
    return NotFoundError(
        f"{location!r} is no folder here, and the Hub did not give it ({reason}).",
        "Check the name, the network and your access, or give a model folder.",
    )


def _is_pickled(path: Path) -> bool:
    return path.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:300]}" if text else type(error).__name__
