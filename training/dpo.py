"""A training run: from a job folder's spec to a published checkpoint with its figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from training import checkpointing, devices, inputs, manifest, measurement, rows, sharing, trainer
from training.encoding import EncodedPair, Encoder
from training.folder import JobFolder, RunSpec
from training.journal import Journal, StopRequestedError
from training.measurement import Evaluator, Heartbeat
from training.models import Loaded
from training.reference import Reference, frozen
from training.sharing import Sharing
from training.spec import DPOSpec, parse_spec
from training.trainer import PairCollator, PairTrainer
from training.watch import HOLDOUT, Watch

# figures of the start that stand beside those of the published checkpoint, as `start_<name>`
_BEFORE_AND_AFTER = (
    "preference_accuracy",
    "reward_accuracy",
    "reward_gap",
    "log_probability_difference",
    "validation_loss",
    "kl_per_token",
)


@dataclass(frozen=True)
class Run:
    """Everything that a run holds on to."""

    folder: JobFolder
    journal: Journal
    spec: RunSpec
    settings: DPOSpec
    device: torch.device
    resumed: Path | None


def train(folder: JobFolder) -> None:
    """Do a `train` job. An attempt after the first goes on from the newest whole checkpoint.

    Raises PairwrightError when the model, the dataset or a setting cannot be used.
    """
    spec = folder.read_spec()
    resumed = manifest.newest_verified(folder.checkpoints) if spec.attempt > 1 else None
    run = Run(folder, Journal(folder), spec, parse_spec(spec.settings), devices.prepare(), resumed)
    try:
        _train(run)
    except StopRequestedError:
        folder.stop()


def _train(run: Run) -> None:
    loaded = _load_policy(run)
    encoder = inputs.encoder_of(run.spec, run.settings, loaded)
    pairs, heldout = _encode(run, encoder)
    inputs.require_pairs(pairs, "train", inputs.dataset_of(run.spec))
    collator = PairCollator(encoder, pairs)
    dtype = devices.dtype_of(run.settings.dtype, run.device, merges=bool(run.spec.adapters))
    made = trainer.build(run.settings, loaded, collator, run.folder.checkpoints, dtype)
    collator.sharing = sharing.choose(made.model, encoder, pairs)
    run.journal.note(collator.sharing.note)
    reference = _reference(run, loaded, made)
    evaluator = _evaluator(run, encoder, heldout, reference, collator.sharing)
    collator.reference = measurement.reference_sums(
        encoder,
        pairs,
        reference,
        _heartbeat(run, "reference"),
        attention=collator.sharing.attention,
    )
    # with full fine-tuning a resumed policy is past its start
    equal = run.resumed is None and inputs.starts_as_reference(run.spec)
    trainer.check_agreement(made, collator, equal)
    steps = trainer.steps_of(run.settings, len(pairs))
    watch = Watch(run.folder, run.journal, evaluator, run.settings, steps)
    _publish(run, watch, _run_steps(run, made, watch), steps.total)


def _load_policy(run: Run) -> Loaded:
    if run.resumed is None or run.settings.method == "lora":
        return inputs.load_policy(run.spec, run.settings, run.device)
    full = replace(run.spec, model=str(run.resumed), adapters=())
    return inputs.load_policy(full, run.settings, run.device)


def _encode(run: Run, encoder: Encoder) -> tuple[tuple[EncodedPair, ...], tuple[EncodedPair, ...]]:
    """Training pairs (at most max_pairs) and held-out pairs, with notes on what is left out."""
    everything = inputs.read_rows(run.spec)
    settings = run.settings
    train_rows = rows.of_split(everything, "train")
    chosen = rows.select(train_rows, settings.max_pairs, settings.seed)
    heldout = rows.select(rows.of_split(everything, HOLDOUT))
    pairs = inputs.encoded(encoder, chosen, settings, run.journal, "train")
    return pairs, inputs.encoded(encoder, heldout, settings, run.journal, HOLDOUT)


def _reference(run: Run, loaded: Loaded, made: PairTrainer) -> Reference:
    if run.settings.method == "lora" and inputs.starts_as_reference(run.spec):
        return Reference(made.model, adapter_off=True)
    return frozen(inputs.load_reference(run.spec, loaded, run.device).model)


def _evaluator(
    run: Run,
    encoder: Encoder,
    pairs: tuple[EncodedPair, ...],
    reference: Reference,
    shared: Sharing,
) -> Evaluator | None:
    if not pairs:
        run.journal.note("There are no held-out pairs: nothing is measured while training.")
        return None
    return Evaluator(
        encoder,
        pairs,
        reference,
        labels=inputs.dataset_of(run.spec).labels,
        reference_name=run.settings.reference_model,
        beta=run.settings.beta,
        heartbeat=_heartbeat(run, "evaluating"),
        attention=shared.attention,
    )


def _heartbeat(run: Run, phase: str) -> Heartbeat:
    def beat(done: int, total: int) -> None:
        run.journal.check_stop()
        run.journal.progress(phase, done, total)

    return beat


def _run_steps(run: Run, made: PairTrainer, watch: Watch) -> int:
    """Train to the end or to an early stop; returns the last step."""
    made.save = lambda: checkpointing.save(run.folder, made, {"job": run.spec.job})
    made.add_callback(watch)
    start = 0 if run.resumed is None else checkpointing.step_of(run.resumed)
    if run.settings.early_stop and watch.has_drifted(start):
        return start
    made.train(resume_from_checkpoint=None if run.resumed is None else str(run.resumed))
    run.journal.check_stop()
    return int(made.state.global_step)


def _publish(run: Run, watch: Watch, last: int, total: int) -> None:
    choice = watch.choice(last)
    if last < total:
        run.journal.note(
            f"Stopped early at step {last} of {total}: the KL per token was above kl_threshold "
            f"{run.settings.kl_threshold:g} by its lower bound in two evaluations in a row."
        )
    if choice.note:
        run.journal.note(choice.note)
    measured = run.journal.metrics_of(HOLDOUT)
    at_start = measured.get(0, {})
    start = {f"start_{name}": at_start[name] for name in _BEFORE_AND_AFTER if name in at_start}
    metrics = {**measured.get(choice.step, {}), **start, "step": choice.step, "steps": last}
    kind = "adapter" if run.settings.method == "lora" else "full"
    run.folder.finish(checkpointing.conclude(run.folder, choice.step), kind, metrics)
