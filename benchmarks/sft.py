"""The stage before DPO on the world of shapes: how many answers it takes to the shipped model.

The start is the shipped model with its decoder forgotten: the tower sees, and no word is known. A
file of right answers becomes a dataset version, a job with `stage=sft` trains on it, by the same
worker and runner as any other, and the checkpoint answers unseen questions greedily. Prints one
JSON object: its exact rate beside that of the shipped model on the same questions, and the
difference in points.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

# before this folder, where `labeling.py` would be taken for the room of the same name
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from examples.shapes import answering, measure, prompts
from storage import checkpoints, demonstrations, jobs, workspace
from training.jobs import submission, worker
from training.settings import spec as specs

SHIPPED = Path(__file__).resolve().parent.parent / "examples" / "shapes" / "model"
ASKED = 600
SEED = 7


def forgetful(folder: Path) -> Path:
    """The shipped model with random weights in its decoder, word embeddings and LM head."""
    model, processor = answering.load(SHIPPED)
    torch.manual_seed(SEED)
    spread = float(model.config.get_text_config().initializer_range)
    with torch.no_grad():
        for part in (model.get_decoder(), model.get_output_embeddings()):
            for name, weight in part.named_parameters():
                if weight.dim() > 1:
                    weight.normal_(std=spread)
                else:
                    weight.fill_(0.0 if name.endswith("bias") else 1.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_answers(folder: Path, count: int) -> Path:
    """Right answers to questions of the split `train`, one swift record a line."""
    asked = prompts.write_prompts(folder, count, SEED)
    truths = map(json.loads, (folder / "world.jsonl").read_text(encoding="utf-8").splitlines())
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as out:
        for line, truth in zip(asked.read_text(encoding="utf-8").splitlines(), truths, strict=True):
            record = json.loads(line)
            record["messages"].append({"role": "assistant", "content": truth["answer"]})
            out.write(json.dumps(record) + "\n")
    return folder / "answers.jsonl"


def taught(home: Path, base: Path, answers: Path, settings: dict[str, Any]) -> tuple[Path, Any]:
    """The folder of the checkpoint that the stage makes, and its figures."""
    opened = workspace.create(home)
    try:
        version = demonstrations.import_file(opened, answers, holdout=0.05).version
        spec = specs.parse_spec({"stage": "sft", "method": "full", **settings})
        job = submission.submit_training(
            opened, dataset=version.id, start_from=str(base), spec=spec
        )
        worker.run(opened, stop=threading.Event(), once=True)
        with opened.ledger.read() as db:
            done = jobs.get(db, job.id)
            if not done.result:
                raise SystemExit(f"The run ended as {done.state.value}: {done.error}")
            made = checkpoints.get(db, done.result["checkpoint"])
        return home / made.path, made.metrics
    finally:
        opened.close()


def main(arguments: list[str] | None = None) -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=20_000, help="right answers to learn from")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--batch", type=int, default=64, help="answers in an update")
    parser.add_argument("--asked", type=int, default=ASKED, help="unseen questions")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pairwright-sft-") as place:
        folder = Path(place)
        answers = write_answers(folder / "asked", chosen.answers)
        settings = {
            "learning_rate": chosen.rate,
            "epochs": chosen.epochs,
            "batch_size": chosen.batch,
            "gradient_accumulation_steps": 1,
            "max_pairs": chosen.answers,
        }
        began = time.monotonic()
        base = forgetful(folder / "base")
        made, metrics = taught(folder / "home", base, answers, settings)
        seconds = time.monotonic() - began
        found = {
            name: measure.measure(model, chosen.asked, SEED, "exact", 0.0).greedy["all"].share
            for name, model in (("base", base), ("sft", made), ("shipped", SHIPPED))
        }
    print(
        json.dumps(
            {
                "exact": found,
                "points_from_shipped": round(100 * (found["sft"] - found["shipped"]), 1),
                "answers": chosen.answers,
                "epochs": chosen.epochs,
                "steps": metrics["steps"],
                "held_out_loss": metrics["validation_loss"]["value"],
                "token_accuracy": metrics["token_accuracy"]["value"],
                "seconds": round(seconds, 1),
            },
            indent=1,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
