"""TRL's DPOTrainer over pairs that are encoded already, with the reference as data.

The loss is TRL's, unchanged. Replaced are: the preparation of the dataset (pairs are encoded), the
reference's log-probabilities (computed once by us and handed in, which TRL itself refuses for
pictures), and what a checkpoint holds. These are private methods: the version of TRL is pinned and
a test names what an upgrade breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer

from storage.errors import PairwrightError
from training.modeling import logprobs, models
from training.modeling.encoding import MASKS, Batch, EncodedPair, Encoder
from training.modeling.logprobs import Array, Sums
from training.modeling.models import Loaded
from training.runs import checkpointing, schedule
from training.runs.meter import Meter
from training.runs.order import UpdateOrder
from training.runs.shared_prompts import SharedPrompts
from training.runs.sharing import Sharing
from training.settings.spec import DPOSpec


class PairCollator:
    """Rows of the trainer's dataset (positions of pairs) as TRL batches."""

    def __init__(self, encoder: Encoder, pairs: Sequence[EncodedPair]) -> None:
        self._encoder = encoder
        self.pairs = pairs
        self.reference: Sums | None = None
        self.sharing = Sharing(None, "not chosen yet")

    def __call__(self, examples: Sequence[Mapping[str, int]]) -> Batch:
        positions = [example["position"] for example in examples]
        batch = self.collate(positions, pictures_once=self.sharing.attention is not None)
        if self.reference is None:
            return batch
        return batch | {
            "ref_chosen_logps": _floats(self.reference.chosen[positions]),
            "ref_rejected_logps": _floats(self.reference.rejected[positions]),
        }

    def collate(self, positions: Sequence[int], pictures_once: bool = False) -> Batch:
        """The pairs at these positions, without what the reference says."""
        return self._encoder.collate([self.pairs[at] for at in positions], pictures_once)


class OurWay:
    """What is ours in every trainer of TRL: encoded rows, their order, and checkpoints.

    `save` writes a checkpoint of this trainer, `meter` counts its work: the run sets both.
    """

    save: Callable[[], Path]
    meter: Meter | None = None
    args: Any
    data_collator: Any
    model: Any

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _get_train_sampler(self, train_dataset: Any = None) -> UpdateOrder:
        per_update = self.args.per_device_train_batch_size * self.args.gradient_accumulation_steps
        lengths = [pair.length for pair in self.data_collator.pairs]
        return UpdateOrder(lengths, per_update, self.args.seed)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.save()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # full weights were loaded from the checkpoint's folder before the trainer was made
        if hasattr(self.model, "peft_config"):
            checkpointing.load_adapter(self, Path(resume_from_checkpoint))

    def _send_telemetry(self) -> None:
        # none, whatever the environment says
        return


class PairTrainer(OurWay, DPOTrainer):  # type: ignore[misc]
    """See the module."""

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _compute_loss(self, model: Any, inputs: Batch, return_outputs: bool) -> Any:
        attention = self.data_collator.sharing.attention
        if self.meter is not None:
            self.meter.add(inputs, shared=attention is not None)
        if attention is not None:
            model = SharedPrompts(model, attention)
        else:
            inputs = {name: value for name, value in inputs.items() if name != "answer_mask"}
        return super()._compute_loss(model, inputs, return_outputs)


@dataclass(frozen=True)
class Steps:
    """Optimizer steps of an epoch, of the whole run, and between evaluations."""

    epoch: int
    total: int
    evaluate: int


def steps_of(settings: DPOSpec, pairs: int) -> Steps:
    accumulation = settings.accumulation_steps(pairs)
    epoch = schedule.steps_per_epoch(pairs, settings.batch_size, accumulation)
    return Steps(epoch, epoch * settings.epochs, schedule.interval(epoch))


def build(
    settings: DPOSpec, loaded: Loaded, collator: PairCollator, output: Path, dtype: torch.dtype
) -> PairTrainer:
    """A trainer for these pairs. With LoRA the adapter is added here, drawn with the seed."""
    on_gpu = next(loaded.model.parameters()).device.type == "cuda"
    config = DPOConfig(
        **common(settings, len(collator.pairs), output, on_gpu, dtype),
        beta=settings.beta,
        loss_type=list(settings.loss_type),
        loss_weights=settings.loss_weights and list(settings.loss_weights),
        label_smoothing=settings.smoothing,
        discopop_tau=settings.discopop_tau,
        precompute_ref_log_probs=True,
    )
    made: PairTrainer = assembled(PairTrainer, settings, loaded, collator, config)
    return made


def assembled(kind: Any, settings: DPOSpec, loaded: Loaded, collator: Any, config: Any) -> Any:
    """A trainer of this kind over the positions of the collator's pairs."""
    peft_config = None
    if settings.method == "lora":
        peft_config = models.lora(loaded.model, settings.lora_rank, settings.target_modules)
    else:
        models.freeze_outside_decoder(loaded.model)
    with models.quiet_peft():
        made = kind(
            model=loaded.model,
            args=config,
            data_collator=collator,
            train_dataset=Dataset.from_dict({"position": list(range(len(collator.pairs)))}),
            processing_class=loaded.processor,
            peft_config=peft_config,
        )
    made.remove_callback(PrinterCallback)
    return made


def check_agreement(trainer: PairTrainer, collator: PairCollator, starts_equal: bool) -> None:
    """Compare TRL's log-probabilities with ours on the first batch, before anything is trained.

    With `starts_equal` the policy is the reference at the start: then the reference's sums must
    be the same, too, so that every margin begins at zero and the first loss at ln 2.
    Raises PairwrightError when they differ by more than rounding: the loss would then train
    something else than what is measured.
    """
    count = min(len(collator.pairs), trainer.args.per_device_train_batch_size)
    batch = {
        name: value.to(trainer.args.device)
        for name, value in collator.collate(range(count)).items()
    }
    was_training = trainer.model.training
    trainer.model.eval()
    ours = logprobs.sums(logprobs.answers(trainer.model, batch))
    inputs = {name: value for name, value in batch.items() if name not in MASKS}
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    with torch.no_grad():
        said = trainer.model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
    trainer.model.train(was_training)
    theirs = said.log_probs.double().sum(dim=1).cpu().numpy()
    mine = np.concatenate([ours.chosen, ours.rejected])
    _require_close("trainer's", mine, theirs, trainer.model.dtype)
    if starts_equal and collator.reference is not None:
        kept = collator.reference
        expected = np.concatenate([kept.chosen[:count], kept.rejected[:count]])
        _require_close("reference's", mine, expected, trainer.model.dtype)


def _require_close(whose: str, ours: Array, theirs: Array, dtype: torch.dtype) -> None:
    worst, most = float(np.max(np.abs(ours - theirs))), logprobs.tolerance(dtype, theirs)
    if not worst <= most:
        raise PairwrightError(
            f"Our log-probabilities differ from the {whose} by up to {worst:.3g} nats on the "
            f"first batch; rounding explains {most:.3g}.",
            "This model family is not handled correctly; please report it with the job's log.",
        )


def common(
    settings: DPOSpec, pairs: int, output: Path, on_gpu: bool, dtype: torch.dtype
) -> dict[str, Any]:
    """What every stage of training tells TRL."""
    steps = steps_of(settings, pairs)
    return dict(
        output_dir=str(output),
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        # below 1 it is a share of all steps
        warmup_steps=settings.warmup_ratio,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation_steps(pairs),
        seed=settings.seed,
        data_seed=settings.seed,
        # overlength pairs are dealt with before; a cut could fall into picture tokens
        max_length=None,
        remove_unused_columns=False,
        activation_checkpointing=on_gpu,
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_strategy="steps",
        # at most about 500 points a run, every step in short ones
        logging_steps=max(1, steps.total // 500),
        logging_first_step=True,
        logging_nan_inf_filter=False,
        eval_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        push_to_hub=False,
    )


def _floats(values: Array) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)
