"""The code in a card that loads the checkpoint and asks it about a picture. A test runs it."""

from __future__ import annotations

from collections.abc import Sequence


def code(
    *, repo: str, tag: str, base: str, parents: Sequence[str], is_adapter: bool, sees: bool
) -> str:
    """A whole program.

    Args:
        base: id of the model underneath on the Hub; empty when it is only a folder.
        parents: sub-folders of the repository with the adapters underneath, the first one first.
        sees: whether the model takes pictures.
    """
    weights = "BASE" if is_adapter else "REPO"
    kind = "AutoModelForImageTextToText" if sees else "AutoModelForCausalLM"
    reader = "AutoProcessor" if sees else "AutoTokenizer"
    pinned = "" if is_adapter else ", revision=TAG"
    lines = [
        *(["from PIL import Image"] if sees else []),
        *(["from peft import PeftModel"] if is_adapter else []),
        f"from transformers import {kind}, {reader}\n",
        *([_base_line(base)] if is_adapter else []),
        f'REPO = "{repo}"',
        f'TAG = "{tag}"\n',
        f"processor = {reader}.from_pretrained({weights}{pinned})",
        f"model = {kind}.from_pretrained({weights}{pinned})",
    ]
    for parent in parents:
        lines.append(
            f'model = PeftModel.from_pretrained(model, REPO, subfolder="{parent}", revision=TAG)'
        )
        lines.append("model = model.merge_and_unload()")
    if is_adapter:
        lines.append("model = PeftModel.from_pretrained(model, REPO, revision=TAG)")
    return "\n".join([*lines, "", *(_ask_about_picture() if sees else _ask())])


def _base_line(base: str) -> str:
    return f'BASE = "{base}"' if base else 'BASE = "FOLDER"  # of the base model'


def _ask_about_picture() -> list[str]:
    return [
        'question = [{"type": "image"}, {"type": "text", "text": "What do you see?"}]',
        'messages = [{"role": "user", "content": question}]',
        "text = processor.apply_chat_template(messages, add_generation_prompt=True)",
        'picture = Image.open("picture.png").convert("RGB")',
        'inputs = processor(images=[picture], text=[text], return_tensors="pt")',
        "tokens = model.generate(**inputs, max_new_tokens=64)",
        'answer = tokens[:, inputs["input_ids"].shape[1] :]',
        "print(processor.batch_decode(answer, skip_special_tokens=True)[0])",
    ]


def _ask() -> list[str]:
    return [
        'messages = [{"role": "user", "content": "What is a preference?"}]',
        "text = processor.apply_chat_template(messages, add_generation_prompt=True, "
        "tokenize=False)",
        'inputs = processor([text], return_tensors="pt", add_special_tokens=False)',
        "tokens = model.generate(**inputs, max_new_tokens=64)",
        'answer = tokens[:, inputs["input_ids"].shape[1] :]',
        "print(processor.batch_decode(answer, skip_special_tokens=True)[0])",
    ]
