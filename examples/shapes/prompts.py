"""Prompts of the tiny world with their pictures and the answer key, as the product imports them.

`python -m examples.shapes.prompts --out DIR --count N --seed S` writes `DIR/prompts.jsonl`,
`DIR/pictures/` and `DIR/world.jsonl`. Splits never share a layout of shapes, and neither do
seeds that differ modulo 16.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from PIL import Image

from examples.shapes.asking import ask
from examples.shapes.oracle import Truth
from examples.shapes.questions import CATEGORIES
from examples.shapes.world import draw, pixel_hash, scenes

SPLITS = ("train", "audit", "exact")


@dataclass(frozen=True)
class Asked:
    """One question to one picture, and its truth."""

    picture: Image.Image
    truth: Truth


def ask_about_scenes(count: int, seed: int, split: str) -> list[Asked]:
    """Ask `count` questions, each about its own scene; the categories take turns."""
    if count < 0:
        raise ValueError(f"count is {count}, but must be 0 or more.")
    random = Random(f"prompts {split} {seed}")
    asked = []
    for index, scene in zip(range(count), scenes(split, seed), strict=False):
        question = ask(scene, CATEGORIES[index % len(CATEGORIES)], random)
        picture = draw(scene)
        pixels = pixel_hash(picture)
        name = hashlib.sha256(f"{pixels} {question.text}".encode()).hexdigest()[:12]
        truth = Truth(
            id=f"shapes-{name}",
            pixels=pixels,
            question=question.text,
            category=question.category,
            form=question.form,
            answer=question.answer,
            scene=scene.layout(),
        )
        asked.append(Asked(picture, truth))
    return asked


def write_prompts(out: Path, count: int, seed: int, split: str = "train") -> Path:
    """Write prompts, pictures and answer key into a folder; return the path of `prompts.jsonl`."""
    pictures = out / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    asked = ask_about_scenes(count, seed, split)
    for entry in asked:
        entry.picture.save(pictures / f"{entry.truth.pixels[:16]}.png")
    prompts = out / "prompts.jsonl"
    _write_lines(prompts, [_prompt(entry.truth) for entry in asked])
    _write_lines(out / "world.jsonl", [asdict(entry.truth) for entry in asked])
    return prompts


def main(arguments: list[str] | None = None) -> None:
    """Write the prompts that the command line asks for."""
    parser = argparse.ArgumentParser(description="Write prompts of the tiny world of shapes.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--count", type=int, required=True, help="number of prompts")
    parser.add_argument("--seed", type=int, default=0, help="which prompts; default 0")
    parser.add_argument("--split", choices=SPLITS, default="train", help="default train")
    chosen = parser.parse_args(arguments)
    print(write_prompts(chosen.out, chosen.count, chosen.seed, chosen.split))


def _prompt(truth: Truth) -> dict[str, object]:
    return {
        "id": truth.id,
        "category": truth.category,
        "messages": [{"role": "user", "content": f"<image>{truth.question}"}],
        "images": [f"pictures/{truth.pixels[:16]}.png"],
    }


def _write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
