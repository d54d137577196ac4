"""Two ways to train the same model: TRL's own, and with shared prompts. Only the way differs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from steps import toy
from steps.toy import Shape
from trl import DPOConfig, DPOTrainer

from training.runs.shared_prompts import Attention, SharedPrompts

FULL = Attention(frozenset({"full_attention"}), None, pictures_both_ways=False)
# losses of both ways may differ by rounding only
AGREEMENT = 1e-4


class Stock(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer, given its batches."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


class Shared(Stock):
    attention = FULL

    def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
        return super()._compute_loss(SharedPrompts(model, self.attention), inputs, return_outputs)


class Way:
    """A trainer with its optimizer: makes steps, keeps their CPU seconds and losses."""

    def __init__(self, kind: type[Stock], shape: Shape, folder: Path, reference: bool) -> None:
        torch.manual_seed(0)
        self.trainer = trainer(kind, toy.model(shape), folder, reference)
        self.optimizer = torch.optim.SGD(
            [one for one in self.trainer.model.parameters() if one.requires_grad], lr=1e-2
        )
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self.pictures: list[int] = []
        self.trainer.model.train()

    def step(self, batch: Callable[[], dict[str, torch.Tensor]]) -> None:
        """Make the batch and learn from it; both count."""
        with self.seen() as pictures:
            started = time.process_time()
            loss = self.trainer.compute_loss(self.trainer.model, dict(batch()))
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.seconds.append(time.process_time() - started)
        self.pictures.append(sum(pictures))
        self.losses.append(float(loss.detach()))

    def seen(self) -> AbstractContextManager[list[int]]:
        """Counts the pictures that go through the vision tower inside of the block."""
        return tower_of(self.trainer.model)


@contextmanager
def tower_of(model: Any) -> Any:
    found: list[int] = []
    hook = model.get_base_model().model.visual.register_forward_hook(
        lambda _, given, named, said: found.append(len(named["grid_thw"])), with_kwargs=True
    )
    try:
        yield found
    finally:
        hook.remove()


def require_equal_losses(ours: list[float], theirs: list[float]) -> float:
    """The largest relative difference. Ends the benchmark when it is more than rounding."""
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=True))
    if not worst <= AGREEMENT:
        raise SystemExit(f"The losses differ by {worst:.2g} of their size: {ours}, {theirs}.")
    return worst


def trainer(
    kind: type[Stock], model: Any, folder: Path, reference: bool, on_gpu: bool = False
) -> Stock:
    """A trainer with a new LoRA on the model's decoder. With `reference` it is given as data."""
    config = DPOConfig(
        output_dir=str(folder),
        loss_type="sigmoid",
        max_length=None,
        precompute_ref_log_probs=reference,
        remove_unused_columns=False,
        activation_checkpointing=True,
        use_cpu=not on_gpu,
        # else TRL turns it on
        bf16=on_gpu,
        report_to="none",
        disable_tqdm=True,
    )
    return kind(
        model=model,
        args=config,
        data_collator=lambda rows: rows,
        train_dataset=Dataset.from_dict({"position": [0]}),
        processing_class=toy.tokenizer(),
        peft_config=LoraConfig(
            r=16,
            lora_alpha=32,
            target_modules=r".*language_model.*_proj",
            init_lora_weights="gaussian",
        ),
    )


def reference_scores(stock: Stock, pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the reference says of both answers: the data that ours is given."""
    inputs = {name: value for name, value in (pair | toy.twice(pair)).items()}
    mask = inputs.pop("completion_mask")
    labels = inputs["input_ids"].masked_fill(mask == 0, -100)
    with torch.no_grad(), stock.model.disable_adapter():
        said = stock.model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
    chosen, rejected = said.log_probs.sum(dim=1).chunk(2)
    return {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
