"""What a model is, read from its config.json and the headers of its safetensors, without torch.

A header says the name, shape and number format of every tensor in a few kilobytes, so that a model
of any size is described at once and nothing of it is loaded.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# the library's own limit of a safetensors header
_LONGEST_HEADER = 100_000_000
_INDEX = "model.safetensors.index.json"
# parts of tensor names that belong to the vision tower or to what joins it to the decoder
_OUTSIDE_DECODER = ("vision", "visual", "projector", "connector", "multi_modal", "image_newline")
_FAMILIES = {
    "gemma3": "Gemma 3",
    "idefics3": "Idefics3",
    "internvl": "InternVL",
    "llama": "Llama",
    "llava": "LLaVA",
    "llava_next": "LLaVA-NeXT",
    "llava_onevision": "LLaVA-OneVision",
    "mllama": "Llama Vision",
    "paligemma": "PaliGemma",
    "qwen2": "Qwen2",
    "qwen2_vl": "Qwen2-VL",
    "qwen2_5_vl": "Qwen2.5-VL",
    "qwen3": "Qwen3",
    "qwen3_vl": "Qwen3-VL",
    "smolvlm": "SmolVLM",
}
_KINDS = {
    "instruct": "Instruct: follows instructions; the usual start for conversation.",
    "thinking": "Thinking: reasons step by step before it answers.",
}


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model before it is loaded.

    Attributes:
        location: folder or Hub id, as it was named.
        family: architecture as people call it, or its `model_type`; empty when unknown.
        kind: what the name says about its use, in a sentence; empty when it says nothing.
        parameters: all weights; None when unknown.
        trained: the weights that full fine-tuning trains: decoder, embeddings and LM head.
        linear_sides: sum of inputs and outputs of the decoder's linear layers; a LoRA of rank r on
            all of them has r times as many weights.
        size: bytes of all tensors in the files; None when unknown.
        dtype: number format of most weights in the files, such as `bfloat16`; empty when unknown.
        sees: whether it takes pictures; None when unknown.
        trouble: why something is unknown, and what to do; empty when all is known.
    """

    location: str
    family: str = ""
    kind: str = ""
    parameters: int | None = None
    trained: int | None = None
    linear_sides: int | None = None
    size: int | None = None
    dtype: str = ""
    sees: bool | None = None
    trouble: str = ""


@dataclass(frozen=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def in_decoder(self) -> bool:
        return not any(part in self.name.lower() for part in _OUTSIDE_DECODER)

    @property
    def is_decoder_linear(self) -> bool:
        layers = ".layers." in f".{self.name}" or ".h." in f".{self.name}"
        return self.in_decoder and layers and len(self.shape) == 2


_FORMATS = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8", 1),
    "F8_E5M2": ("float8", 1),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}


def read(location: str, name: str = "") -> ModelFacts:
    """The facts of a model. Whatever cannot be read is None with a sentence in `trouble`.

    Args:
        location: a folder, or a Hub id; of a Hub id only what was downloaded before is read.
        name: the short name that people gave it, which may tell its kind, too.
    """
    kind = _kind(f"{name} {Path(location).name}")
    folder = folder_of(location)
    if folder is None:
        if location.count("/") == 1 and not location.startswith((".", "~", "/")):
            trouble = f"{location} is not downloaded, so its size is unknown until a run loads it."
        else:
            trouble = f"There is no model folder {location}. Check the path."
        return ModelFacts(location, kind=kind, trouble=trouble)
    try:
        config = json.loads((folder / "config.json").read_bytes())
        tensors = list(_tensors(folder))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error) as problem:
        reason = f"{type(problem).__name__}: {problem}"[:200]
        return ModelFacts(location, kind=kind, trouble=f"The model cannot be read ({reason}).")
    return _facts(location, kind, config if isinstance(config, dict) else {}, tensors)


def _facts(
    location: str, kind: str, config: Mapping[str, Any], tensors: list[_Tensor]
) -> ModelFacts:
    model_type = str(config.get("model_type", ""))
    known = ModelFacts(
        location,
        family=_FAMILIES.get(model_type, model_type),
        kind=kind,
        sees="vision_config" in config,
    )
    if not tensors:
        return ModelFacts(
            **{**vars(known), "trouble": "It has no *.safetensors. Copy the weights into it."}
        )
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.count
    sizes_of = {name: size for name, size in _FORMATS.values()}
    return ModelFacts(
        **{
            **vars(known),
            "parameters": sum(tensor.count for tensor in tensors),
            "trained": sum(tensor.count for tensor in tensors if tensor.in_decoder),
            "linear_sides": sum(sum(t.shape) for t in tensors if t.is_decoder_linear),
            "size": sum(count * sizes_of.get(name, 4) for name, count in sizes.items()),
            "dtype": max(sizes, key=lambda name: sizes[name]),
        }
    )


def _kind(names: str) -> str:
    found = [text for word, text in _KINDS.items() if word in names.lower()]
    return found[-1] if found else ""


def folder_of(location: str) -> Path | None:
    """The folder that holds the model: this one, or that of the Hub's local cache."""
    try:
        folder = Path(location).expanduser()
        if folder.is_dir():
            return folder
    except (OSError, RuntimeError, ValueError):
        return None
    if location.count("/") != 1 or folder.is_absolute():
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(location, "config.json")
    except HFValidationError:
        return None
    return Path(cached).parent if isinstance(cached, str) else None


def _tensors(folder: Path) -> Iterator[_Tensor]:
    for path in _files(folder):
        for name, entry in _header(path).items():
            if name != "__metadata__":
                format_name = _FORMATS.get(entry["dtype"], (str(entry["dtype"]).lower(), 4))[0]
                yield _Tensor(name, format_name, tuple(int(side) for side in entry["shape"]))


def _files(folder: Path) -> list[Path]:
    """The files that loading would read: those of the index, else the one, else all there are."""
    index = folder / _INDEX
    if index.is_file():
        names = json.loads(index.read_bytes())["weight_map"].values()
        # an index names files beside it and nothing else
        return [folder / Path(name).name for name in sorted(set(names))]
    single = folder / "model.safetensors"
    return [single] if single.is_file() else sorted(folder.glob("*.safetensors"))


def _header(path: Path) -> dict[str, Any]:
    """The JSON in front of the tensors: 8 bytes of length, little endian, then the text.

    Source: the safetensors format, https://github.com/huggingface/safetensors#format
    """
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError(f"{path.name} has a header of {length} bytes")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"{path.name} has no header")
    return header
