"""Teach the tiny model to see: right answers only, until it is exact in every category.

`python -m examples.shapes.pretrain --out DIR` builds the processor and an untrained model,
trains both tower and decoder, and saves them to the folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from random import Random

import torch

from examples.shapes.answering import load
from examples.shapes.architecture import PHOTOS, build_model, build_processor
from examples.shapes.lessons import Course, Progress, batches, lessons, teach
from examples.shapes.questions import Question

# What is slow to learn is asked about more often: places most of all; one sentence learns
# abstention.
EMPHASIS = {"spatial": 6.0, "reasoning": 2.0, "multi-object": 1.5, "abstention": 0.3}
# Naming the cells from the tower's output, in the decoder's own word embeddings, makes the tower
# see within a few hundred steps and gives the decoder features that it can compare with words;
# without it the decoder waits for features and the features wait for the decoder.
COURSE = Course(steps=2000, rows=128, rate=2e-3, warmup=100, sight=1.0)


def pretrain(
    out: Path,
    course: Course = COURSE,
    seed: int = 0,
    photos: Path = PHOTOS,
    start: Path | None = None,
) -> None:
    """Train a model that sees, from nothing or from the folder `start`, and save it into `out`."""
    torch.manual_seed(seed)
    if start is None:
        processor = build_processor(photos, seed)
        model = build_model(processor)
    else:
        model, processor = load(start)
    processor.save_pretrained(out)
    source = batches(lessons(seed, right_answer, EMPHASIS), processor, course.rows)

    def report(progress: Progress) -> None:
        print(progress, flush=True)
        if progress.step % 500 == 0:
            model.save_pretrained(out)

    teach(model, processor, source, course, report)
    model.save_pretrained(out)


def right_answer(question: Question, random: Random) -> str:
    """What a careful teacher says."""
    return question.answer


def main(arguments: list[str] | None = None) -> int:
    """Pretrain as the command line says."""
    parser = argparse.ArgumentParser(description="Teach the tiny model to see.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--start", type=Path, help="folder of a model to continue with")
    parser.add_argument("--steps", type=int, default=COURSE.steps, help="optimizer steps")
    parser.add_argument("--rows", type=int, default=COURSE.rows, help="questions per step")
    parser.add_argument("--rate", type=float, default=COURSE.rate, help="highest learning rate")
    parser.add_argument("--frozen-tower", action="store_true", help="train the rest only")
    parser.add_argument("--threads", type=int, default=1, help="more on an idle machine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="texts for the tokenizer")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    tower = not chosen.frozen_tower
    course = Course(chosen.steps, chosen.rows, chosen.rate, COURSE.warmup, COURSE.sight, tower)
    pretrain(chosen.out, course, chosen.seed, chosen.photos, chosen.start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
