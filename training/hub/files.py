"""Which files of a checkpoint are published, and what is taken out of them first.

Only weights as safetensors, configurations, processor and tokenizer, by an allow-list: optimizer
and random states, `training_args.bin` and sub-folders (TRL keeps a `ref` adapter in one) stay here.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path, PureWindowsPath
from typing import Any

from storage.errors import WrongInputError
from training.runs import manifest

PUBLISHED = (
    *("*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json"),
    *("adapter_config.json", "preprocessor_config.json", "processor_config.json"),
    *("video_preprocessor_config.json", "image_processor_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "spiece.model"),
    *("chat_template.jinja", "chat_template.json"),
)
# what an earlier push may have left that would now be loaded by mistake
REPLACED = ("*.safetensors", "*.safetensors.index.json", "adapter_config.json", "config.json")
_PATH_KEYS = ("base_model_name_or_path", "_name_or_path", "name_or_path", "tokenizer_file")
_WRITTEN = (".json", ".md", ".txt", ".jinja")


def gather(source: Path, target: Path, base: str) -> list[Path]:
    """Copy what is published of a verified checkpoint into `target`; returns the files.

    Args:
        base: id of the model underneath on the Hub, empty when it has none; an adapter's
            configuration names it in place of the folder here.

    Raises:
        DamagedError: the checkpoint does not verify.
    """
    whole = manifest.verify(source)
    target.mkdir(parents=True, exist_ok=True)
    found = []
    for name in sorted(whole.files):
        if "/" in name or not any(fnmatch(name, pattern) for pattern in PUBLISHED):
            continue
        copy = target / name
        if copy.suffix == ".json":
            _write_without_paths(source / name, copy, base)
        else:
            _link(source / name, copy)
        found.append(copy)
    return found


def require_no_paths(files: Iterable[Path], private: Sequence[str]) -> None:
    """Refuse a push when a text still names a folder of this machine.

    Raises:
        WrongInputError: naming the file.
    """
    for path in files:
        if path.suffix not in _WRITTEN:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(_inside_json(folder) in text or folder in text for folder in private if folder):
            raise WrongInputError(
                f"{path.name} names a folder of this machine, so it is not published.",
                "Take the path out of the model's configuration, then push again.",
            )


def _link(source: Path, target: Path) -> None:
    """The same bytes under another name: weights can be many gigabytes."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _write_without_paths(source: Path, target: Path, base: str) -> None:
    text = source.read_text(encoding="utf-8")
    data = json.loads(text)
    cleaned = _cleaned(data, base)
    # bytes as they were where nothing is taken out
    unchanged = cleaned == data
    target.write_text(
        text if unchanged else json.dumps(cleaned, indent=2, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


def _cleaned(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_cleaned(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: _cleaned(item, base)
        for key, item in value.items()
        if key not in _PATH_KEYS or not _is_local(item)
    }
    if "base_model_name_or_path" in value and "base_model_name_or_path" not in kept:
        kept["base_model_name_or_path"] = base or None
    return kept


def _is_local(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return (
        Path(value).is_absolute()
        or PureWindowsPath(value).is_absolute()
        or value.startswith((".", "~"))
        or Path(value).exists()
    )


def _inside_json(text: str) -> str:
    return json.dumps(text)[1:-1]
