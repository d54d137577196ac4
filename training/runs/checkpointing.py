"""Checkpoints of a run: saved whole at every evaluation, few kept, resumed from the newest.

`checkpoints/step-N/` holds the adapter (or the full weights with config and processor) and what
resuming needs beside it (optimizer, schedule, random state), under a manifest. Whoever publishes a
checkpoint leaves the second part behind; `manifest.RESUME_ONLY` names it. An adapter needs no
processor: it is used with the model that it was trained on.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from training.jobs.folder import JobFolder
from training.runs import manifest, sharding
from training.runs.ranks import ALONE, Ranks

KEPT = 2
_SCORES = "scores"


def save(
    folder: JobFolder, trainer: Any, facts: Mapping[str, Any], ranks: Ranks = ALONE
) -> Path | None:
    """Write the checkpoint of the trainer's step, manifest last; returns its folder.

    Of several processes the first writes, and all must come here; None in the others.
    """
    step = int(trainer.state.global_step)
    final = manifest.step_folder(folder.checkpoints, step)
    partial = final.with_name(f"{final.name}.partial")
    if ranks.is_first:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
    whole, optimizer = sharding.weights(trainer), None
    if trainer.is_deepspeed_enabled:
        ranks.wait()
        # its shares of the optimizer, one file for each process
        trainer.deepspeed.save_checkpoint(str(partial), exclude_frozen_parameters=True)
        ranks.wait()
    else:
        optimizer = sharding.optimizer(trainer)
    if not ranks.is_first:
        return None
    _save_weights(trainer, partial, whole)
    if optimizer is not None:
        torch.save(optimizer, partial / "optimizer.pt")
    torch.save(trainer.lr_scheduler.state_dict(), partial / "scheduler.pt")
    # the trainer's own methods: what they save is what it restores
    trainer._save_scaler(str(partial))
    trainer._save_rng_state(str(partial))
    trainer.state.save_to_json(str(partial / "trainer_state.json"))
    manifest.complete(partial, {"step": step, **facts})
    return final


def load_sharded(trainer: Any, checkpoint: Path) -> None:
    """Put a saved optimizer and schedule into a trainer whose weights lie in shares."""
    state = torch.load(checkpoint / "optimizer.pt", map_location="cpu", weights_only=True)
    sharding.restore_optimizer(trainer, state)
    schedule = torch.load(checkpoint / "scheduler.pt", weights_only=True)
    trainer.lr_scheduler.load_state_dict(schedule)


def load_adapter(trainer: Any, checkpoint: Path) -> None:
    """Put a saved adapter's weights into the trainer's policy."""
    weights = load_file(checkpoint / "adapter_model.safetensors")
    set_peft_model_state_dict(trainer.model, weights)


def step_of(checkpoint: Path) -> int:
    """The optimizer step of a checkpoint folder that a run saved."""
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return int(state["global_step"])


def prune(folder: JobFolder, keep: Iterable[int], measured: Iterable[int] = ()) -> None:
    """Remove what was kept of steps that are neither in `keep` nor among the newest.

    Of the steps in `measured` the results stay, without their checkpoints.
    """
    saved = sorted(_steps(folder.checkpoints), reverse=True)
    kept = {*saved[:KEPT], *keep}
    for step in saved:
        if step not in kept:
            shutil.rmtree(manifest.step_folder(folder.checkpoints, step))
    for scores in (folder.path / _SCORES).glob("step-*.jsonl"):
        if int(scores.stem.partition("-")[2]) not in kept | {*measured}:
            scores.unlink()


def scores_file(folder: JobFolder, step: int) -> Path:
    """Where the per-pair results of the evaluation at a step are, until the run ends."""
    scores = folder.path / _SCORES
    scores.mkdir(exist_ok=True)
    return scores / f"step-{step}.jsonl"


def conclude(folder: JobFolder, step: int) -> str:
    """Keep the results of the published step as `scores.jsonl`; returns its checkpoint's path."""
    scores = scores_file(folder, step)
    if scores.exists():
        scores.replace(folder.path / "scores.jsonl")
    shutil.rmtree(folder.path / _SCORES)
    return path_of(folder, step)


def path_of(folder: JobFolder, step: int) -> str:
    """The checkpoint of a step relative to the job folder."""
    return manifest.step_folder(folder.checkpoints, step).relative_to(folder.path).as_posix()


def _save_weights(
    trainer: Any, target: Path, whole: Mapping[str, torch.Tensor] | None = None
) -> None:
    """`whole` are weights that lie in shares elsewhere, see `sharding.weights`."""
    model = trainer.model
    if not hasattr(model, "peft_config"):
        model.save_pretrained(target, state_dict=whole)
        trainer.processing_class.save_pretrained(target)
        return
    # without PEFT's model card, which says text generation and is wrong for a model that sees
    weights = get_peft_model_state_dict(model, whole, save_embedding_layers=False)
    held = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    save_file(held, target / "adapter_model.safetensors", metadata={"format": "pt"})
    config = copy.copy(model.peft_config["default"])
    config.inference_mode = True
    config.save_pretrained(target)


def _steps(checkpoints: Path) -> list[int]:
    names = (path.name.partition("-")[2] for path in checkpoints.glob("step-*"))
    return [int(name) for name in names if name.isdigit()]
