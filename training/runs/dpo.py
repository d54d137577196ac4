"""A training run: from a job folder's spec to a published checkpoint with its figures."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from training.jobs import shortage
from training.jobs.crew import SMALLER_VARIABLE, SmallerBatchesError
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal, StopRequestedError
from training.modeling import batching, devices, inputs
from training.runs import checkpointing, manifest, probing, references, trainer
from training.runs import ranks as joining
from training.runs.assembly import Assembly, Run, assemble
from training.runs.trainer import OurWay
from training.runs.watch import HOLDOUT, Watch
from training.settings.parallel import DDP
from training.settings.spec import DPOSpec, parse_spec

# figures of the start that stand beside those of the published checkpoint, as `start_<name>`
_BEFORE_AND_AFTER = (
    "preference_accuracy",
    "reward_accuracy",
    "reward_gap",
    "log_probability_difference",
    "validation_loss",
    "kl_per_token",
    "token_accuracy",
)


def train(folder: JobFolder) -> None:
    """Do a `train` job. An attempt after the first goes on from the newest whole checkpoint.

    When the device's memory does not hold a batch, the run goes on with a smaller one, and with
    so many of them in an update that it holds the same pairs as before.

    Raises PairwrightError when the model, the dataset or a setting cannot be used.
    """
    see_through(folder, assemble, _fit)


def see_through(
    folder: JobFolder, assembling: Callable[[Run], Any], fit: Callable[[Run, Any], None]
) -> None:
    """See a stage of training through. What is assembled has the training `pairs`."""
    try:
        run = _begin(folder)
        while (smaller := _train(run, assembling, fit)) is not None:
            gc.collect()
            torch.cuda.empty_cache()
            newest = manifest.newest_verified(folder.checkpoints)
            run = replace(run, settings=smaller, resumed=newest)
    except StopRequestedError:
        folder.stop()


def _begin(folder: JobFolder) -> Run:
    spec = folder.read_spec()
    settings = parse_spec(spec.settings)
    ranks = joining.join(settings.processes, settings.parallel)
    smaller = json.loads(os.environ.get(SMALLER_VARIABLE, "{}")) if ranks.count > 1 else {}
    device = devices.prepare()
    again = spec.attempt > 1 or bool(smaller)
    resumed = ranks.decide(lambda: manifest.newest_verified(folder.checkpoints) if again else None)
    journal = Journal(folder)
    # all have read what earlier attempts said before anything is said
    ranks.wait()
    if smaller:
        journal.note(smaller.pop("note"))
    settings = settings.model_copy(update=smaller)
    return Run(folder, journal, spec, settings, device, resumed, ranks)


def _train(
    run: Run, assembling: Callable[[Run], Any], fit: Callable[[Run, Any], None]
) -> DPOSpec | None:
    """Train to the end. Where memory runs out, the settings to go on with."""
    assembly = assembling(run)
    try:
        fit(run, assembly)
        return None
    except (RuntimeError, MemoryError) as error:
        if not shortage.is_out_of_memory(error):
            raise
        reason = shortage.first_line(error)
    # after the block: the error holds on to what filled the memory
    smaller = batching.smaller(run.settings, assembly.pairs, reason)
    note = batching.note(run.settings, smaller, len(assembly.pairs))
    if run.ranks.count > 1:
        changed = smaller.model_dump(include={"batch_size", "gradient_accumulation_steps"})
        raise SmallerBatchesError({**changed, "note": note})
    run.journal.note(note)
    return smaller


def _fit(run: Run, assembly: Assembly) -> None:
    made, collator = assembly.made, assembly.collator
    if run.device.type == "cuda" and (run.ranks.count == 1 or run.settings.parallel == DDP):
        # what does not fit is known before the reference is computed
        probing.longest(assembly, run.settings.batch_size)
    reference = references.reference_of(run, assembly)
    kept = references.kept_scores(run, assembly)
    evaluator = references.evaluator(run, assembly, reference, kept)
    collator.reference = references.training_data(run, assembly, reference, kept)
    run.journal.note(kept.note)
    # with full fine-tuning a resumed policy is past its start
    equal = run.resumed is None and inputs.starts_as_reference(run.spec)
    trainer.check_agreement(made, collator, equal and not run.settings.reference_free)
    steps = trainer.steps_of(run.settings, len(assembly.pairs))
    own_answers = references.on_policy_of(run, assembly, reference)
    watch = Watch(run.folder, run.journal, evaluator, run.settings, steps, own_answers, run.ranks)
    finish(run, made, watch, steps.total)


def finish(run: Run, made: OurWay, watch: Watch, total: int) -> None:
    """Train, and publish the checkpoint that the watch chooses."""
    last = _run_steps(run, made, watch)
    if run.ranks.is_first:
        _publish(run, watch, last, total)


def _run_steps(run: Run, made: Any, watch: Watch) -> int:
    """Train to the end or to an early stop; returns the last step."""
    made.save = lambda: checkpointing.save(run.folder, made, {"job": run.spec.job}, run.ranks)
    made.meter = watch.meter
    made.add_callback(watch)
    start = 0 if run.resumed is None else checkpointing.step_of(run.resumed)
    if watch.is_over(start):
        return start
    if run.resumed is not None and made.is_fsdp_enabled:
        # once the weights are shared out an adapter cannot be put into them
        made.load(run.resumed)
    made.train(resume_from_checkpoint=None if run.resumed is None else str(run.resumed))
    run.journal.check_stop()
    return int(made.state.global_step)


def _publish(run: Run, watch: Watch, last: int, total: int) -> None:
    choice = watch.verified_choice(last)
    stopped = watch.stop(last) if last < total else None
    if stopped is not None:
        run.journal.note(f"Stopped early at step {last} of {total}: {stopped.sentence}.")
    if choice.note:
        run.journal.note(choice.note)
    measured = run.journal.metrics_of(HOLDOUT)
    at_start = measured.get(0, {})
    start = {f"start_{name}": at_start[name] for name in _BEFORE_AND_AFTER if name in at_start}
    metrics = {**measured.get(choice.step, {}), **start, "step": choice.step, "steps": last}
    if stopped is not None:
        metrics["stopped_early"] = {"reason": stopped.reason, "step": last, "of": total}
    kind = "adapter" if run.settings.method == "lora" else "full"
    run.folder.finish(checkpointing.conclude(run.folder, choice.step), kind, metrics)
