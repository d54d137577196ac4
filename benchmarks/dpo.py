"""DPO with shared prompts against stock TRL, in one process, interleaved.

Both train a Qwen3-VL of the same random weights with the same LoRA on the same pairs, with gradient
checkpointing and TRL's own fused head; stock computes the reference in every step, ours once. What
is measured is process CPU time on one thread, so that a busy machine matters little; losses of both
ways must agree at every step (relative 1e-4), or the benchmark fails. No GPU is used but by --gpu.

    python benchmarks/dpo.py            steps with R = 128 and 384 answer tokens, memory, and a job
                                        of either size; about a quarter of an hour
    python benchmarks/dpo.py --quick    one small shape, two steps, three epochs; under a minute
    python benchmarks/dpo.py --table    the ratio over R/P and epochs, beside its derived limit
    python benchmarks/dpo.py --gpu      Qwen3-VL-4B and Qwen2.5-VL-7B with random weights on one
                                        GPU of 80 GB: pairs a second and peak memory
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
from steps import curve, gpu, job, peak, shapes, step
from steps.toy import Shape

LARGE = (Shape(8, 512, 896, 128), Shape(8, 512, 896, 384))
SMALL = (Shape(4, 256, 448, 40),)
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
    if wished.gpu or wished.gpu_dry_run:
        print(json.dumps(_on_gpu(wished), indent=None if wished.json else 2))
        return
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
    with tempfile.TemporaryDirectory() as folder:
        measured = _measured(wished, Path(folder))
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
    parser.add_argument("--gpu", action="store_true", help="sizes that people train, on a GPU")
    parser.add_argument("--gpu-dry-run", action="store_true", help="the same in small, on the CPU")
    parser.add_argument("--steps", type=int, help="measured steps of each way: 3, quick 2, gpu 6")
    return parser.parse_args()


def _measured(wished: argparse.Namespace, folder: Path) -> dict[str, Any]:
    measured = SMALL if wished.quick else LARGE
    if wished.table:
        return {"table": curve.measure(measured[0], wished.steps or 3, folder)}
    steps = [
        step.measure(shape, wished.steps or (2 if wished.quick else 3), folder / str(number))
        for number, shape in enumerate(measured)
    ]
    memory = peak.measure(measured[0])
    jobs = {"small": _job(SMALL[0], folder / "small", pairs=2, epochs=3 if wished.quick else 5)}
    if not wished.quick:
        jobs["large"] = _job(LARGE[0], folder / "large", pairs=4, epochs=5)
    return {**_headline(steps, memory, jobs), "shapes": steps, "memory": memory, "jobs": jobs}


def _job(shape: Shape, folder: Path, *, pairs: int, epochs: int) -> dict[str, Any]:
    folder.mkdir()
    return job.measure(shape, folder, pairs=pairs, heldout=1, epochs=epochs)


def _headline(
    steps: list[dict[str, Any]], memory: dict[str, float], jobs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The figures that BARS are about: of steps by answer tokens, of jobs by size."""
    by_answer = {str(one["answer_tokens"]): one for one in steps}
    named = ("step_ratio", "step_ratio_cached_vision")
    of_jobs = ("job_ratio", "processor_calls_per_pair_and_epoch", "vision_forwards_per_pair")
    return {
        **{name: {tokens: one[name] for tokens, one in by_answer.items()} for name in named},
        **{name: {size: one[name] for size, one in jobs.items()} for name in of_jobs},
        "peak_memory_ratio": memory["peak_memory_ratio"],
    }


def _on_gpu(wished: argparse.Namespace) -> dict[str, Any]:
    if wished.gpu_dry_run:
        sizes = shapes.tiny()
        wanted = gpu.Wanted(torch.device("cpu"), torch.float32, pairs=2, steps=wished.steps or 1)
        device = "CPU: a dry run, whose figures mean nothing"
    elif torch.cuda.is_available():
        sizes = (shapes.qwen3_vl_4b(), shapes.qwen2_5_vl_7b())
        wanted = gpu.Wanted(torch.device("cuda"), torch.bfloat16, steps=wished.steps or 6)
        device = torch.cuda.get_device_name()
    else:
        raise SystemExit("This machine has no CUDA device. Use --gpu-dry-run to see that it runs.")
    with tempfile.TemporaryDirectory() as folder:
        models = gpu.measure(sizes, wanted, Path(folder))
    rival = "TRL's DPOTrainer, reference by the adapter switched off"
    return {"measure": "wall seconds", "rival": rival, "device": device, "models": models}


if __name__ == "__main__":
    main()
