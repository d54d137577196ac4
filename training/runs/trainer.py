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
from training.runs import checkpointing, schedule, sharding, shares
from training.runs.dealing import Share
from training.runs.meter import Meter
from training.runs.order import UpdateOrder
from training.runs.ranks import ALONE, Ranks
from training.runs.shared_prompts import SharedPrompts
from training.runs.sharing import Sharing
from training.settings import division
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

    save: Callable[[], Path | None]
    meter: Meter | None = None
    ranks: Ranks = ALONE
    settings: DPOSpec
    args: Any
    accelerator: Any
    data_collator: Any
    model: Any

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()  # type: ignore[misc]
        if self.args.fsdp:
            sharding.insist(self)

    def _prepare_for_training(self, *args: Any, **kwargs: Any) -> Any:
        if not self.args.fsdp:
            return super()._prepare_for_training(*args, **kwargs)  # type: ignore[misc]
        with sharding.head_gathered(self.model):
            return super()._prepare_for_training(*args, **kwargs)  # type: ignore[misc]

    def _get_train_sampler(self, train_dataset: Any = None) -> UpdateOrder:
        pairs = self.data_collator.pairs
        per_update = self.settings.batch_size * self.settings.accumulation_steps(len(pairs))
        return UpdateOrder([pair.length for pair in pairs], per_update, self.args.seed)

    def get_train_dataloader(self) -> Any:
        if self.ranks.count == 1:
            return super().get_train_dataloader()  # type: ignore[misc]
        return shares.loader(self._get_train_sampler(), self.settings, self.ranks, self._dealt)

    def _dealt(self, dealt: Sequence[Share]) -> dict[str, Any]:
        (share,) = dealt
        batch: Batch = self.data_collator([{"position": at} for at in share.positions])
        return batch | {shares.SHARE: share}

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.save()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if not sharding.is_sharded(self):
            self.load(Path(resume_from_checkpoint))

    def load(self, checkpoint: Path) -> None:
        """Put a checkpoint's adapter into the policy, whose weights are whole.

        Full weights were loaded from its folder before the trainer was made.
        """
        if hasattr(self.model, "peft_config"):
            checkpointing.load_adapter(self, checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not sharding.is_sharded(self):
            super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
        else:
            checkpointing.load_sharded(self, Path(checkpoint))

    def _send_telemetry(self) -> None:
        # none, whatever the environment says
        return


class PairTrainer(OurWay, DPOTrainer):  # type: ignore[misc]
    """See the module."""

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        share: Share | None = (inputs := dict(inputs)).pop(shares.SHARE, None)
        if share is None:
            return self._loss(model, inputs, counts=True)
        with shares.counted(self.accelerator, share):
            return share.weight * self._loss(model, inputs, counts=share.weight > 0)

    def _loss(self, model: Any, inputs: Batch, counts: bool) -> Any:
        attention = self.data_collator.sharing.attention
        if self.meter is not None and counts:
            self.meter.add(inputs, shared=attention is not None)
        if attention is not None:
            model = SharedPrompts(model, attention)
        else:
            inputs = {name: value for name, value in inputs.items() if name != "answer_mask"}
        return super()._compute_loss(model, inputs, return_outputs=False)


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
    settings: DPOSpec,
    loaded: Loaded,
    collator: PairCollator,
    output: Path,
    dtype: torch.dtype,
    ranks: Ranks = ALONE,
) -> PairTrainer:
    """A trainer for these pairs. With LoRA the adapter is added here, drawn with the seed."""
    config = DPOConfig(
        **common(settings, len(collator.pairs), output, loaded.model, dtype),
        beta=settings.beta,
        loss_type=list(settings.loss_type),
        loss_weights=settings.loss_weights and list(settings.loss_weights),
        label_smoothing=settings.smoothing,
        discopop_tau=settings.discopop_tau,
        precompute_ref_log_probs=True,
    )
    made: PairTrainer = assembled(PairTrainer, settings, loaded, collator, config, ranks)
    return made


def assembled(
    kind: Any, settings: DPOSpec, loaded: Loaded, collator: Any, config: Any, ranks: Ranks
) -> Any:
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
    made.settings, made.ranks = settings, ranks
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
    settings: DPOSpec, pairs: int, output: Path, model: Any, dtype: torch.dtype
) -> dict[str, Any]:
    """What every stage of training tells TRL."""
    steps = steps_of(settings, pairs)
    on_gpu = next(model.parameters()).device.type == "cuda"
    accumulation = settings.accumulation_steps(pairs)
    share = division.divide(settings.batch_size, accumulation, settings.processes)
    return dict(
        output_dir=str(output),
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        # below 1 it is a share of all steps
        warmup_steps=settings.warmup_ratio,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=share.batch,
        gradient_accumulation_steps=share.rounds,
        **sharding.arguments(settings, model),
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
