"""The examples as the demo uses them: files to import, prompts to ask, and what the oracle says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import examples
from examples.shapes import oracle, prompts
from examples.shapes.oracle import Truth
from storage.errors import NotFoundError

EXAMPLES = Path(examples.__file__).resolve().parent
PHOTOS = EXAMPLES / "photos" / "preferences.jsonl"
MODEL = EXAMPLES / "shapes" / "model"
MODEL_NAME = "shapes-tiny"
# the longest right answer of the tiny world has about 40 tokens
SAMPLING: Mapping[str, float] = {"max_new_tokens": 48, "batch_size": 256}


@dataclass(frozen=True)
class Asked:
    """Prompts written to a folder, with their answer key beside them."""

    prompts: Path

    @property
    def folder(self) -> Path:
        return self.prompts.parent

    @property
    def world(self) -> Path:
        return self.folder / "world.jsonl"

    def truths(self) -> dict[str, Truth]:
        """Record id -> truth."""
        return {truth.id: truth for truth in oracle.load_oracle(self.world).truths()}


@dataclass(frozen=True)
class Share:
    """`exact` right answers of `n`."""

    exact: int
    n: int

    @property
    def value(self) -> float:
        return round(self.exact / self.n, 4) if self.n else 0.0


def model_folder() -> Path:
    """The folder of the tiny model. Raises NotFoundError when its weights are not there."""
    if not (MODEL / "config.json").is_file():
        raise NotFoundError(
            f"The tiny model is not in {MODEL}.", "Check out the repository whole, or make it anew."
        )
    return MODEL


def ask(folder: Path, count: int, seed: int, split: str) -> Asked:
    """Write prompts with pictures and answer key; the same arguments write the same again."""
    folder.mkdir(parents=True, exist_ok=True)
    return Asked(prompts.write_prompts(folder, count, seed, split))


def exact_by_category(asked: Asked, samples: Path) -> dict[str, Share]:
    """The share of first answers that are right, by category and as `overall`."""
    truths = asked.truths()
    hits: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for record in _records(samples):
        truth = truths[str(record["id"])]
        for name in (truth.category, "overall"):
            totals[name] += 1
            hits[name] += oracle.grade(truth, _answers(record)[0]).exact
    return {name: Share(hits[name], totals[name]) for name in sorted(totals)}


def write_labeled(asked: Asked, samples: Path, out: Path) -> int:
    """Write the sampled pairs that the oracle can decide as preference records; return how many."""
    truths = asked.truths()
    decided = 0
    with out.open("w", encoding="utf-8") as file:
        for record in _records(samples):
            truth = truths[str(record["id"])]
            labeled = _labeled(truth, _answers(record))
            if labeled is not None:
                decided += 1
                file.write(json.dumps(labeled, ensure_ascii=False) + "\n")
    return decided


def _labeled(truth: Truth, answers: list[str]) -> dict[str, object] | None:
    first, second = answers
    better = oracle.prefer(truth, first, second)
    if better == "tie":
        return None
    chosen, rejected = (first, second) if better == "first" else (second, first)
    return {
        "id": truth.id,
        "category": truth.category,
        "messages": [
            {"role": "user", "content": f"<image>{truth.question}"},
            {"role": "assistant", "content": chosen},
        ],
        "images": [f"pictures/{truth.pixels[:16]}.png"],
        "rejected_response": rejected,
    }


def _records(samples: Path) -> Iterator[Mapping[str, object]]:
    with samples.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _answers(record: Mapping[str, object]) -> list[str]:
    answers = record["answers"]
    assert isinstance(answers, list)
    return [str(answer) for answer in answers]
