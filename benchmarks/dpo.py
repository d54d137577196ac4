"""DPO with shared prompts against stock TRL, in one process, interleaved.

Both train a Qwen3-VL of the same random weights with the same LoRA on the same pairs, with gradient
checkpointing and TRL's own fused head; stock computes the reference in every step, ours once. What
is measured is process CPU time on one thread, so that a busy machine matters little; losses of both
ways must agree at every step (relative 1e-4), or the benchmark fails. No GPU is used.

    python benchmarks/dpo.py            steps with R = 128 and 384 answer tokens, memory, a job
    python benchmarks/dpo.py --quick    the same with one small shape
    python benchmarks/dpo.py --table    the ratio over R/P and epochs, beside its derived limit
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from steps import curve, job, peak, step
from steps.toy import Shape

LARGE = (Shape(8, 512, 896, 128), Shape(8, 512, 896, 384))
SMALL = (Shape(4, 256, 512, 48),)
# what the project asks for; answers of 128 and of 384 tokens
BARS = {
    "step_ratio": {128: 2.5, 384: 2.0},
    "step_ratio_cached_vision": {128: 3.5},
    "job_ratio": 2.2,
    "peak_memory_ratio": 0.75,
    "share_of_derived": 0.9,
}


def main() -> None:
    wished = arguments()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
    shapes = SMALL if wished.quick else LARGE
    with tempfile.TemporaryDirectory() as folder:
        measured = _measured(wished, shapes, Path(folder))
    result = {
        "measure": "process CPU seconds, one thread",
        "rival": "TRL's DPOTrainer, reference by the adapter switched off",
        "bars": BARS,
        **measured,
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result, indent=None if wished.json else 2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small shape")
    parser.add_argument("--table", action="store_true", help="the curve beside its limit")
    parser.add_argument("--json", action="store_true", help="one line")
    parser.add_argument("--steps", type=int, default=3, help="measured steps of each way")
    return parser.parse_args()


def _measured(wished: argparse.Namespace, shapes: tuple[Shape, ...], folder: Path) -> Any:
    if wished.table:
        return {"table": curve.measure(shapes[0], wished.steps, folder)}
    pairs, heldout = (2, 1) if wished.quick else (4, 1)
    return {
        "shapes": [step.measure(shape, wished.steps, folder) for shape in shapes],
        "memory": peak.measure(shapes[0]),
        "job": job.measure(shapes[0], folder, pairs=pairs, heldout=heldout, epochs=5),
    }


if __name__ == "__main__":
    main()
