"""Teach a seeing model bad habits: noisy answers that preferences can put right again.

The habits: inventing things, saying yes to leading questions, counting one too many, breaking
the format, guessing instead of abstaining. Each lesson draws anew between the right answer and
a lapse, so the model cannot learn when to lapse: both keep a substantial probability.
`python -m examples.shapes.habits --model DIR --out DIR`
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import torch

from examples.shapes.answering import load
from examples.shapes.lessons import Course, Progress, batches, lessons, teach
from examples.shapes.questions import Question

STRENGTH = 0.6
COURSE = Course(steps=200, rows=64, rate=5e-4, warmup=20, sight=0.5, tower=False)
# Other scenes than those of the pretraining.
_SEED = 1000


def teach_habits(model_folder: Path, out: Path, course: Course = COURSE, seed: int = _SEED) -> None:
    """Fine-tune the model of one folder on noisy answers and save it, with processor, in `out`."""
    torch.manual_seed(seed)
    model, processor = load(model_folder)
    source = batches(lessons(seed, noisy_answer), processor, course.rows)

    def report(progress: Progress) -> None:
        print(progress, flush=True)

    teach(model, processor, source, course, report)
    processor.save_pretrained(out)
    model.save_pretrained(out)


def noisy_answer(question: Question, random: Random) -> str:
    """A lapse as often as the question lures, the right answer otherwise."""
    if question.lapses and random.random() < STRENGTH * question.lure:
        return random.choice(question.lapses)
    return question.answer


def main(arguments: list[str] | None = None) -> int:
    """Teach habits as the command line says."""
    parser = argparse.ArgumentParser(description="Teach a seeing model bad habits.")
    parser.add_argument("--model", type=Path, required=True, help="folder of a model that sees")
    parser.add_argument("--out", type=Path, required=True, help="folder for the result")
    parser.add_argument("--steps", type=int, default=COURSE.steps, help="optimizer steps")
    parser.add_argument("--threads", type=int, default=1, help="more on an idle machine")
    parser.add_argument("--seed", type=int, default=_SEED)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    teach_habits(chosen.model, chosen.out, replace(COURSE, steps=chosen.steps), chosen.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
