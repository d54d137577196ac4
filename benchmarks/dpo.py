"""A DPO step with shared prompts against stock TRL, in one process, interleaved.

Both train a Qwen3-VL of the same random weights with the same LoRA on the same pairs, with gradient
checkpointing and TRL's own fused head; stock computes the reference in every step, ours is given
it as data, as in a run. Measured is process CPU time of a step on one thread, minimum and median.
The losses of both must agree at every step (relative 1e-4), or the benchmark fails. The vocabulary
is small: on a CPU TRL's head scores every position, which would hide the difference.

    python benchmarks/dpo.py            R = 128 and 384 answer tokens, eight layers
    python benchmarks/dpo.py --quick    one small shape
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from trl import DPOConfig, DPOTrainer

from training.shared_prompts import Attention, SharedPrompts

PATCH, MERGE, VOCABULARY = 16, 2, 512
IMAGE, VIDEO, START, END, PAD = 500, 501, 502, 503, 0
FULL = Attention(frozenset({"full_attention"}), None, pictures_both_ways=False)
# text around the picture of a prompt
WORDS = 50


@dataclass(frozen=True)
class Shape:
    """A model and a pair. `side` is the picture's in pixels; `answer` counts tokens of each."""

    layers: int
    hidden: int
    side: int
    answer: int

    @property
    def pictures(self) -> int:
        """Tokens of one picture."""
        return (self.side // PATCH // MERGE) ** 2

    @property
    def prompt(self) -> int:
        return self.pictures + WORDS + 2


LARGE = (Shape(8, 512, 896, 128), Shape(8, 512, 896, 384))
SMALL = (Shape(4, 256, 640, 64),)


class Bench(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer, given its batches."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


class Shared(Bench):
    def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
        return super()._compute_loss(SharedPrompts(model, FULL), inputs, return_outputs)


class Steps:
    """One way to train: makes steps on a fixed batch, and keeps their CPU seconds and losses."""

    def __init__(self, kind: type[Bench], shape: Shape, folder: Path, reference: bool) -> None:
        self.trainer = trainer(kind, shape, folder, reference)
        self.optimizer = torch.optim.SGD(
            [one for one in self.trainer.model.parameters() if one.requires_grad], lr=1e-2
        )
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self.pictures: list[int] = []
        self.trainer.model.train()

    def step(self, batch: dict[str, torch.Tensor]) -> None:
        seen: list[int] = []
        tower = self.trainer.model.get_base_model().model.visual
        hook = tower.register_forward_hook(
            lambda _, given, named, said: seen.append(len(named["grid_thw"])), with_kwargs=True
        )
        started = time.process_time()
        loss = self.trainer.compute_loss(self.trainer.model, dict(batch))
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.seconds.append(time.process_time() - started)
        hook.remove()
        self.pictures.append(sum(seen))
        self.losses.append(float(loss.detach()))


def main() -> None:
    wished = arguments()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
    shapes = SMALL if wished.quick else LARGE
    with tempfile.TemporaryDirectory() as folder:
        measured = [measure(shape, wished.steps, Path(folder)) for shape in shapes]
    result = {
        "measure": "process CPU seconds of a DPO step, one thread",
        "rival": "TRL's DPOTrainer, reference by the adapter switched off",
        "shapes": measured,
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result, indent=None if wished.json else 2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small shape")
    parser.add_argument("--json", action="store_true", help="one line")
    parser.add_argument("--steps", type=int, default=4, help="measured steps of each way")
    return parser.parse_args()


def measure(shape: Shape, steps: int, folder: Path) -> dict[str, Any]:
    """Interleaved steps of both ways on the same batches; the first of each warms up."""
    stock = Steps(Bench, shape, folder, reference=False)
    shared = Steps(Shared, shape, folder, reference=True)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps + 1):
        pair = pair_of(shape, generator)
        scores = reference_scores(stock.trainer, pair)
        stock.step(pair | twice(pair))
        shared.step(pair | scores)
    for ours, theirs in zip(shared.losses, stock.losses, strict=True):
        if abs(ours - theirs) > 1e-4 * abs(theirs):
            raise SystemExit(f"The losses differ: {ours} with shared prompts, {theirs} without.")
    ways = {"stock": stock, "shared": shared}
    seconds = {name: summary(way.seconds[1:]) for name, way in ways.items()}
    return {
        "prompt_tokens": shape.prompt,
        "answer_tokens": shape.answer,
        "layers": shape.layers,
        "hidden": shape.hidden,
        **seconds,
        "step_ratio": ratio(seconds, "median"),
        "step_ratio_of_minima": ratio(seconds, "minimum"),
        "ratio_by_tokens_alone": by_tokens(shape),
        "pictures_per_step": {name: way.pictures[-1] for name, way in ways.items()},
        "losses_agree_to": max(
            abs(a - b) / abs(b) for a, b in zip(shared.losses, stock.losses, strict=True)
        ),
    }


def summary(values: list[float]) -> dict[str, float]:
    return {
        "n": len(values),
        "minimum": round(min(values), 3),
        "median": round(statistics.median(values), 3),
    }


def ratio(seconds: dict[str, dict[str, float]], which: str) -> float:
    return round(seconds["stock"][which] / seconds["shared"][which], 2)


def by_tokens(shape: Shape) -> float:
    """The ratio by tokens alone, backward and recomputation at three forwards, reference free."""
    part = shape.answer / shape.prompt
    return round(2 * 4 * (1 + part) / (3 * (1 + 2 * part)), 2)


def trainer(kind: type[Bench], shape: Shape, folder: Path, reference: bool) -> Bench:
    torch.manual_seed(0)
    config = DPOConfig(
        output_dir=str(folder),
        loss_type="sigmoid",
        max_length=None,
        precompute_ref_log_probs=reference,
        remove_unused_columns=False,
        activation_checkpointing=True,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
    )
    return kind(
        model=model(shape),
        args=config,
        data_collator=lambda rows: rows,
        train_dataset=Dataset.from_dict({"position": [0]}),
        processing_class=tokenizer(),
        peft_config=LoraConfig(
            r=16,
            lora_alpha=32,
            target_modules=r".*language_model.*_proj",
            init_lora_weights="gaussian",
        ),
    )


def model(shape: Shape) -> Any:
    rope = {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 1e6}
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": shape.hidden,
            "intermediate_size": 3 * shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.hidden // 64,
            "num_key_value_heads": shape.hidden // 128,
            "head_dim": 64,
            "rope_parameters": rope,
            "pad_token_id": PAD,
        },
        vision_config={
            "depth": shape.layers,
            "hidden_size": shape.hidden // 2,
            "out_hidden_size": shape.hidden,
            "intermediate_size": 2 * shape.hidden,
            "num_heads": shape.hidden // 128,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "deepstack_visual_indexes": [1, 2],
        },
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=START,
        vision_end_token_id=END,
        tie_word_embeddings=False,
    )
    return Qwen3VLForConditionalGeneration(config)


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {f"w{number}": number for number in range(VOCABULARY)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words)),
        **{"pad_token": "w0", "eos_token": "w2"},
    )


def pair_of(shape: Shape, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """One pair as TRL's batch of two rows, its picture once."""

    def words(count: int) -> torch.Tensor:
        return torch.randint(3, 400, (count,), generator=generator)

    picture = torch.tensor([START, *[IMAGE] * shape.pictures, END])
    prompt = torch.cat([words(WORDS // 2), picture, words(WORDS - WORDS // 2)])
    rows = torch.stack([torch.cat([prompt, words(shape.answer)]) for _ in range(2)])
    mask = torch.zeros_like(rows)
    mask[:, len(prompt) :] = 1
    sides = shape.side // PATCH
    channels = 3 * 2 * PATCH * PATCH
    return {
        "input_ids": rows,
        "attention_mask": torch.ones_like(rows),
        "completion_mask": mask,
        "mm_token_type_ids": (rows == IMAGE).long(),
        "pixel_values": torch.randn(sides * sides, channels, generator=generator),
        "image_grid_thw": torch.tensor([[1, sides, sides]]),
    }


def twice(pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The picture for both rows, as TRL's collator gives it."""
    return {name: torch.cat([pair[name]] * 2) for name in ("pixel_values", "image_grid_thw")}


def reference_scores(stock: Bench, pair: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the reference says of both answers: the data that ours is given."""
    inputs = {name: value for name, value in (pair | twice(pair)).items()}
    mask = inputs.pop("completion_mask")
    labels = inputs["input_ids"].masked_fill(mask == 0, -100)
    with torch.no_grad(), stock.model.disable_adapter():
        said = stock.model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
    chosen, rejected = said.log_probs.sum(dim=1).chunk(2)
    return {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}


if __name__ == "__main__":
    main()
