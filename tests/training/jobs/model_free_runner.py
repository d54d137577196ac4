"""A second runner that keeps the contract of the job folder, without any model.

Counts steps, writes real checkpoints with manifests, resumes from the newest whole one, and does
what the run's `task_name` orders, as JSON: {"steps": 6, "pause": 0.05, "kill_at": 3, ...}.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from storage.errors import WrongInputError
from training.jobs import runner
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.runs import manifest


def main() -> int:
    folder = JobFolder(Path(sys.argv[1]))
    runner.die_with_parent(folder)
    run = folder.read_spec()
    orders = json.loads(run.settings.get("task_name") or "{}")
    if orders.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        runner.stop_on_signal(folder)
    names = [name for name in os.environ if name.startswith(("PAIRWRIGHT", "PG"))]
    print(f"attempt {run.attempt} as {os.getpid()}, sees {names}", flush=True)
    if orders.get("fail"):
        error = WrongInputError("The picture p7 cannot be read.", "Import it again.")
        folder.fail(error.what, error.next_step)
        return 1
    if orders.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if orders.get("child"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if run.attempt <= int(orders.get("hang", 0)):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if run.kind == "train":
        _count(folder, run.attempt, orders)
    elif run.kind == "sample":
        _sample(folder, Path(run.prompts or ""))
    else:
        folder.finish(None, None, {"reward_gap": {"value": 0.5}})
    return 0


def _count(folder: JobFolder, attempt: int, orders: dict[str, Any]) -> None:
    newest = manifest.newest_verified(folder.checkpoints)
    step = 0 if newest is None else int(manifest.read(newest).facts["step"])
    folder.note(f"attempt {attempt} goes on from step {step}")
    steps = int(orders.get("steps", 3))
    journal = Journal(folder)
    if step:
        journal.checkpoint(step, f"checkpoints/step-{step}")
    while step < steps and not Path(orders.get("until", "never")).exists():
        step += 1
        time.sleep(float(orders.get("pause", 0.01)))
        journal.metric(step, step / steps, "train", {"loss": 1 / step})
        folder.progress("training", step, steps, eta_seconds=0.0)
        save(folder, step)
        journal.checkpoint(step, f"checkpoints/step-{step}")
        if orders.get("prune"):
            shutil.rmtree(manifest.step_folder(folder.checkpoints, step - 2), ignore_errors=True)
        if step == orders.get("kill_at") and attempt == 1:
            tear(folder, step + 1)
            os.kill(os.getpid(), signal.SIGKILL)
        if step == orders.get("hold_at") and attempt == 1:
            time.sleep(600)
        if folder.stop_requested:
            folder.stop()
            return
    folder.finish(f"checkpoints/step-{step}", "adapter", {"reward_gap": {"value": 0.5}})


def _sample(folder: JobFolder, prompts: Path) -> None:
    """Answer each prompt with two texts, the second of three with the same text twice."""
    with folder.samples_file.open("w", encoding="utf-8") as file:
        for number, line in enumerate(prompts.read_text("utf-8").splitlines()):
            answers = ["three", "three"] if number == 1 else ["three", f"four, {number}"]
            prompt = json.loads(line)
            row = {"prompt": prompt, "answers": answers, "sampling": {}, "id": f"r{number}"}
            file.write(json.dumps(row) + "\n")
    folder.finish(None, None, {"prompts": number + 1})


def save(folder: JobFolder, step: int) -> None:
    """A whole checkpoint."""
    partial = manifest.step_folder(folder.checkpoints, step).with_suffix(".partial")
    partial.mkdir(parents=True)
    (partial / "adapter_model.safetensors").write_bytes(bytes([step % 256]) * 64)
    (partial / "optimizer.pt").write_bytes(b"moments")
    manifest.complete(partial, {"step": step})


def tear(folder: JobFolder, step: int) -> None:
    """What a kill in the middle of a save leaves behind, and half a line of events."""
    torn = manifest.step_folder(folder.checkpoints, step)
    torn.mkdir(parents=True)
    (torn / "adapter_model.safetensors").write_bytes(b"half")
    with folder.events_file.open("ab") as events:
        events.write(b'{"sequence": 99')


if __name__ == "__main__":
    sys.exit(main())
