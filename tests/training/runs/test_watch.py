"""What a run watches and why it ends: real trainings of a very small model, and a clock by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import models
from training.runs import dpo, manifest, meter
from training.runs.meter import Meter
from training.runs.stopping import FEWEST_PAIRS
from training.runs.trainer import Steps
from training.runs.watch import Watch
from training.settings.spec import parse_spec

MakeJob = Callable[..., JobFolder]


def metrics_of(folder: JobFolder, split: str) -> dict[int, dict[str, Any]]:
    lines = [json.loads(line) for line in folder.events_file.read_text("utf-8").splitlines()]
    said = [line["payload"] for line in lines if line["kind"] == "metric"]
    return {one["step"]: one["values"] for one in said if one["split"] == split}


def notes_of(folder: JobFolder) -> str:
    lines = [json.loads(line) for line in folder.events_file.read_text("utf-8").splitlines()]
    return " ".join(line["payload"]["text"] for line in lines if line["kind"] == "note")


def contradicting(examples: Any, train: int, holdout: int) -> list[Any]:
    """Pairs without pictures whose held-out half prefers what the training half rejects."""
    found = []
    for number in range(train + holdout):
        answers = (f"yes {number % 3}", "no") if number < train else ("no", f"yes {number % 3}")
        split = "train" if number < train else "holdout"
        found.append(examples.pair(f"No. {number}?", *answers, split=split))
    return found


def test_a_run_that_over_fits_stops_and_publishes_what_was_best(
    job: MakeJob, examples: Any
) -> None:
    pairs = contradicting(examples, 12, FEWEST_PAIRS)
    folder = job(examples=pairs, epochs=9, learning_rate=5e-3, batch_size=4)
    dpo.train(folder)
    result = folder.result()
    assert result is not None
    assert result.metrics["stopped_early"]["reason"] == "overfitting"
    assert result.metrics["steps"] < 27
    said = notes_of(folder)
    assert "over-fitting: the held-out pairs were worse than at step 0" in said
    assert f"n {FEWEST_PAIRS}, labels oracle" in said
    losses = {
        step: values["validation_loss"]["value"]
        for step, values in metrics_of(folder, "holdout").items()
        if step > 0
    }
    assert result.metrics["step"] == min(losses, key=lambda step: losses[step])
    # what is said of the change is the difference of the losses
    changes = metrics_of(folder, "changes")
    start = metrics_of(folder, "holdout")[0]["validation_loss"]["value"]
    for step, change in changes.items():
        assert change["loss"]["value"] == pytest.approx(losses[step] - start, abs=2e-6)
    # what stopped stays stopped when the last write was lost
    folder.forget_result()
    again = JobFolder(folder.path)
    again.write_spec(replace(folder.read_spec(), attempt=2))
    dpo.train(again)
    assert again.result() == result


def test_a_run_that_gains_nothing_stops_and_a_rule_turned_off_lets_it_go_on(
    job: MakeJob, examples: Any
) -> None:
    pairs = contradicting(examples, 4, FEWEST_PAIRS)
    still = {"examples": pairs, "learning_rate": 1e-10, "epochs": 4}
    folder = job(plateau_evaluations=2, **still)
    dpo.train(folder)
    result = folder.result()
    assert result is not None
    assert result.metrics["stopped_early"] == {"reason": "plateau", "step": 2, "of": 4}
    assert "no evaluation since step 0" in notes_of(folder)
    going = job("going", plateau_evaluations=0, **still)
    dpo.train(going)
    result = going.result()
    assert result is not None
    assert result.metrics["steps"] == 4
    assert "stopped_early" not in result.metrics


class StopsWhileEvaluating(JobFolder):
    """A job folder that is asked to stop when an evaluation after the start is under way: after the
    pairs, before the answers that are drawn."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._trained = False

    def progress(self, phase: str, *numbers: Any) -> None:
        super().progress(phase, *numbers)
        self._trained |= phase == "training"
        if self._trained and phase == "evaluating":
            self.stop_requested = True


def test_a_run_cancelled_while_it_evaluates_leaves_the_step_it_had_come_to(
    job: MakeJob, examples: Any
) -> None:
    folder = job(examples=examples.mixed(12, 3), epochs=2, on_policy_prompts=1)
    dpo.train(StopsWhileEvaluating(folder.path))
    result = folder.result()
    assert result is not None
    assert result.state == "stopped"
    newest = manifest.newest_verified(folder.checkpoints)
    assert newest is not None
    saved = int(newest.name.partition("-")[2])
    # one evaluation was cut short and none said: it is made up for when the run goes on
    assert max(metrics_of(folder, "holdout")) == saved - 1
    folder.forget_result()
    again = JobFolder(folder.path)
    again.write_spec(replace(folder.read_spec(), attempt=2))
    dpo.train(again)
    assert sorted(metrics_of(folder, "holdout")) == list(range(7))


def test_a_run_says_everything_that_is_watched(job: MakeJob, examples: Any) -> None:
    folder = job(examples=examples.mixed(8, 4), epochs=1, on_policy_prompts=3)
    dpo.train(folder)
    training, heldout = metrics_of(folder, "train"), metrics_of(folder, "holdout")
    assert {"loss", "grad_norm", "learning_rate", "reward_accuracy"} <= set(training[1])
    assert {
        *("validation_loss", "preference_accuracy", "reward_accuracy", "reward_gap"),
        *("reward_chosen", "reward_rejected", "chosen_drift", "calibration_error"),
        *("kl_per_token", "kl_per_token_on_policy", "reference_wrong_turned"),
    } <= set(heldout[2])
    assert heldout[2]["kl_per_token"]["on"] == "data"
    own = heldout[2]["kl_per_token_on_policy"]
    assert (own["on"], own["n"], own["reference"]) == ("policy", 3, "round_start")
    assert own["value"] > 0
    gap = heldout[2]["reward_chosen"]["value"] - heldout[2]["reward_rejected"]["value"]
    assert gap == pytest.approx(heldout[2]["reward_gap"]["value"], abs=2e-6)
    spread = metrics_of(folder, "distribution")[2]
    assert spread["n"] == 4
    assert spread["chosen"] == sorted(spread["chosen"])
    rates = metrics_of(folder, "machine")[2]
    assert rates["pairs_per_second"] > 0
    assert rates["tokens_per_second"] > rates["pairs_per_second"]
    assert rates["memory_gib"] > 0


def test_a_checkpoint_that_does_not_verify_is_not_published(job: MakeJob, examples: Any) -> None:
    folder = job(examples=examples.mixed(8, 4), epochs=2)
    dpo.train(folder)
    result = folder.result()
    assert result is not None
    best = folder.path / (result.checkpoint or "")
    weights = best / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    settings = parse_spec(folder.read_spec().settings)

    class Labeled:
        labels = "oracle"

    watch = Watch(folder, Journal(folder), Labeled(), settings, Steps(2, 4, 1))  # type: ignore[arg-type]
    choice = watch.verified_choice(4)
    assert choice.step != int(best.name.partition("-")[2])
    assert "adapter_model.safetensors has" in choice.note
    assert manifest.verify(manifest.step_folder(folder.checkpoints, choice.step))
    assert not best.exists()


def _ones(start: int, end: int, rows: int, below: bool = False) -> torch.Tensor:
    """4 x 10, ones in columns from start to end of the upper (or lower) rows."""
    found = torch.zeros(4, 10, dtype=torch.long)
    found[rows if below else 0 : 4 if below else rows, start:end] = 1
    return found


def test_the_meter_counts_training_and_nothing_else() -> None:
    now = [0.0]

    def clock() -> float:
        return now[0]

    measured = Meter(clock)
    batch = {
        "input_ids": torch.zeros(4, 10, dtype=torch.long),
        # two pairs: prompts of 6, chosen answers of 3 and rejected ones of 2
        "attention_mask": _ones(0, 9, 2) + _ones(0, 8, 2, below=True),
        "completion_mask": _ones(6, 9, 2) + _ones(6, 8, 2, below=True),
    }
    measured.resume()
    measured.add(batch, shared=False)
    now[0] = 2.0
    measured.lap()
    # an evaluation
    now[0] = 50.0
    measured.resume()
    measured.add(batch, shared=True)
    now[0] = 52.0
    measured.lap()
    found = measured.read(None, "lora")
    assert found["pairs_per_second"] == pytest.approx(4 / 4)
    # twice 17 tokens, and with a shared prompt 12 fewer
    assert found["tokens_per_second"] == pytest.approx((34 + 22) / 4)
    assert set(measured.read(None, "lora")) == {"memory_gib"}


def test_the_work_of_a_token_is_that_of_the_decoders_matrices(tiny_text_model: Path) -> None:
    model = models.load(str(tiny_text_model), device=torch.device("cpu")).model
    config, length = model.config, 50
    width, inner = config.hidden_size, config.intermediate_size
    weights = config.num_hidden_layers * (4 * width**2 + 3 * width * inner)
    forward = 2 * (weights + width * config.vocab_size)
    forward += config.num_hidden_layers * 4 * width * length
    assert meter.flops_per_token(model, "full", length) == 3 * forward
    assert meter.flops_per_token(model, "lora", length) == pytest.approx(2 * forward)
