"""Measure a model folder on unseen scenes: exact answers by category, and what samples look like.

`python -m examples.shapes.measure --model DIR --name NAME --out FILE.json` adds one entry to
the file. Shares are cut to three digits, never rounded up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from examples.shapes.answering import answer, load
from examples.shapes.oracle import grade, prefer
from examples.shapes.prompts import SPLITS, Asked, ask_about_scenes


@dataclass(frozen=True)
class Share:
    """`hits` of `n`, and the share (0 to 1, cut to three digits)."""

    hits: int
    n: int
    share: float


@dataclass(frozen=True)
class Samples:
    """Two samples to every prompt: how often they are identical, decidable, or tied.

    The three shares add up to all pairs; `exact` counts right answers among all samples.
    """

    temperature: float
    identical: Share
    decidable: Share
    tied: Share
    exact: Share
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """What was measured on how many prompts of which split."""

    split: str
    seed: int
    prompts: int
    greedy: dict[str, Share]
    greedy_seconds: float
    samples: Samples | None


def measure(
    model_folder: Path, count: int, seed: int, split: str, temperature: float = 1.0
) -> Measurement:
    """Answer `count` prompts greedily and, above temperature 0, with two samples each."""
    model, processor = load(model_folder)
    asked = ask_about_scenes(count, seed, split)
    began = time.monotonic()
    answers = _answers(model, processor, asked, 0.0)
    seconds = round(time.monotonic() - began, 1)
    greedy = exact_by_category(asked, answers)
    samples = sample_pairs(model, processor, asked, temperature) if temperature else None
    return Measurement(split, seed, count, greedy, seconds, samples)


def exact_by_category(asked: list[Asked], answers: list[str]) -> dict[str, Share]:
    """Exact answers in every category and, as "all", together."""
    hits: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for entry, text in zip(asked, answers, strict=True):
        for name in (entry.truth.category, "all"):
            totals[name] += 1
            hits[name] += grade(entry.truth, text).exact
    return {name: _share(hits[name], totals[name]) for name in sorted(totals)}


def sample_pairs(model: Any, processor: Any, asked: list[Asked], temperature: float) -> Samples:
    """Sample two answers to every prompt and let the oracle compare them."""
    began = time.monotonic()
    first = _answers(model, processor, asked, temperature)
    second = _answers(model, processor, asked, temperature)
    seconds = round(time.monotonic() - began, 1)
    outcomes: Counter[str] = Counter()
    exact = 0
    for entry, one, two in zip(asked, first, second, strict=True):
        exact += grade(entry.truth, one).exact + grade(entry.truth, two).exact
        tie = prefer(entry.truth, one, two) == "tie"
        outcomes["identical" if one == two else "tied" if tie else "decidable"] += 1
    return Samples(
        temperature,
        identical=_share(outcomes["identical"], len(asked)),
        decidable=_share(outcomes["decidable"], len(asked)),
        tied=_share(outcomes["tied"], len(asked)),
        exact=_share(exact, 2 * len(asked)),
        seconds=seconds,
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure as the command line says and add the result to the file."""
    parser = argparse.ArgumentParser(description="Measure a model of the tiny world.")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--name", required=True, help="name of the entry in the file")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to add to")
    parser.add_argument("--count", type=int, default=1800, help="prompts, default 1800")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=SPLITS, default="exact")
    parser.add_argument("--threads", type=int, default=1, help="more on an idle machine")
    parser.add_argument("--temperature", type=float, default=1.0, help="0: no samples")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    result = measure(chosen.model, chosen.count, chosen.seed, chosen.split, chosen.temperature)
    entries = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    entries[chosen.name] = asdict(result)
    chosen.out.write_text(json.dumps(entries, indent=1) + "\n")
    for name, share in result.greedy.items():
        print(f"{name:14} {share.share:.3f} of {share.n}")
    return 0


def _answers(model: Any, processor: Any, asked: list[Asked], temperature: float) -> list[str]:
    questions = [(entry.picture, entry.truth.question) for entry in asked]
    return answer(model, processor, questions, temperature)


def _share(hits: int, n: int) -> Share:
    return Share(hits, n, hits * 1000 // n / 1000 if n else 0.0)


if __name__ == "__main__":
    sys.exit(main())
