"""Training runs on a very small model: what they learn, keep, say, and go on from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerState

from storage.errors import PairwrightError, WrongInputError
from training.jobs.folder import JobFolder, RunResult
from training.jobs.journal import Journal
from training.measuring import evaluation
from training.runs import dpo, manifest
from training.runs.trainer import Steps
from training.runs.watch import Watch
from training.settings.spec import DPOSpec

MakeJob = Callable[..., JobFolder]


class StopsAt(JobFolder):
    """A job folder that is asked to stop when a step of the training is said."""

    def __init__(self, path: Path, step: int) -> None:
        super().__init__(path)
        self._step = step

    def metric(self, step: int, epoch: float, split: str, values: Mapping[str, Any]) -> None:
        super().metric(step, epoch, split, values)
        if split == "train" and step == self._step:
            self.stop_requested = True


def result_of(folder: JobFolder) -> RunResult:
    result = folder.result()
    assert result is not None
    return result


def events_of(folder: JobFolder, kind: str) -> list[dict[str, Any]]:
    return [event["payload"] for event in lines_of(folder.events_file) if event["kind"] == kind]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def figures_by_step(folder: JobFolder, split: str) -> dict[int, dict[str, Any]]:
    """Fails when a step was said twice."""
    found = [(e["step"], e["values"]) for e in events_of(folder, "metric") if e["split"] == split]
    assert len({step for step, _ in found}) == len(found)
    return dict(found)


def next_attempt(folder: JobFolder) -> JobFolder:
    folder.forget_result()
    again = JobFolder(folder.path)
    again.write_spec(replace(folder.read_spec(), attempt=2))
    return again


def weights_of(folder: JobFolder) -> dict[str, torch.Tensor]:
    checkpoint = folder.path / (result_of(folder).checkpoint or "")
    (file,) = checkpoint.glob("*.safetensors")
    return dict(load_file(file))


def assert_same_weights(one: JobFolder, other: JobFolder) -> None:
    ours, theirs = weights_of(one), weights_of(other)
    assert set(ours) == set(theirs)
    for name in ours:
        assert torch.allclose(ours[name], theirs[name], atol=1e-6), name


def test_lora_learns_mixed_pairs_and_leaves_a_whole_checkpoint(job: MakeJob) -> None:
    folder = job(epochs=6, learning_rate=1e-2)
    dpo.train(folder)
    result = result_of(folder)
    assert (result.state, result.kind) == ("succeeded", "adapter")

    training = figures_by_step(folder, "train")
    assert training[1]["loss"] == pytest.approx(np.log(2), abs=1e-4)
    assert min(values["loss"] for values in training.values()) < 0.3
    assert {"learning_rate", "grad_norm", "margin", "reward_accuracy"} <= set(training[1])

    measured = figures_by_step(folder, "holdout")
    assert list(measured) == list(range(25))
    assert measured[0]["kl_per_token"]["value"] == 0
    assert measured[0]["reward_accuracy"]["value"] == 0.5
    assert result.metrics["reward_accuracy"]["value"] == 1
    assert result.metrics["reward_accuracy"]["labels"] == "oracle"
    assert result.metrics["reward_accuracy"]["reference"] == "round_start"
    assert result.metrics["start_reward_gap"]["value"] == 0
    assert result.metrics["reward_gap"] == measured[result.metrics["step"]]["reward_gap"]

    checkpoint = folder.path / (result.checkpoint or "")
    kept = manifest.verify(checkpoint)
    assert {"adapter_model.safetensors", "adapter_config.json"} <= set(kept.files)
    published = manifest.publish(checkpoint, folder.path / "published")
    assert set(published.files) == {"adapter_model.safetensors", "adapter_config.json"}
    assert len(list(folder.checkpoints.glob("step-*"))) <= 3

    scores = lines_of(folder.path / "scores.jsonl")
    assert len(scores) == 6
    margins = [score["margin"] for score in scores]
    assert np.mean(margins) == pytest.approx(result.metrics["reward_gap"]["value"], abs=1e-5)
    phases = {event["phase"] for event in events_of(folder, "progress")}
    assert {"loading", "reference", "training", "evaluating"} <= phases


def test_full_fine_tuning_learns_and_its_checkpoint_is_a_model_to_start_from(
    job: MakeJob,
) -> None:
    folder = job(method="full", learning_rate=2e-3)
    dpo.train(folder)
    result = result_of(folder)
    assert (result.state, result.kind) == ("succeeded", "full")
    assert result.metrics["validation_loss"]["value"] < 0.6
    manifest.publish(folder.path / (result.checkpoint or ""), folder.path / "published")
    measuring = job("j2", kind="evaluate", model=folder.path / "published")
    against_start = replace(
        measuring.read_spec(), reference_model=folder.read_spec().reference_model
    )
    measuring.write_spec(against_start)
    evaluation.evaluate(measuring)
    again = result_of(measuring).metrics
    for name in ("preference_accuracy", "validation_loss", "kl_per_token"):
        assert again[name]["value"] == pytest.approx(result.metrics[name]["value"], abs=1e-5)


def test_an_adapter_measures_the_same_after_it_is_merged(job: MakeJob) -> None:
    folder = job(epochs=1)
    dpo.train(folder)
    adapter = str(folder.path / (result_of(folder).checkpoint or ""))
    measuring = job("j2", kind="evaluate", adapters=(adapter,))
    evaluation.evaluate(measuring)
    trained, merged = result_of(folder).metrics, result_of(measuring).metrics
    assert merged["kl_per_token"]["value"] > 0
    for name in ("preference_accuracy", "reward_gap", "kl_per_token", "validation_loss"):
        assert merged[name]["value"] == pytest.approx(trained[name]["value"], abs=1e-4)
    assert (measuring.path / "scores.jsonl").exists()


def test_a_second_round_measures_against_base_or_against_its_own_start(job: MakeJob) -> None:
    first = job(epochs=1)
    dpo.train(first)
    adapter = str(first.path / (result_of(first).checkpoint or ""))
    against_base = job("j2", epochs=1, adapters=(adapter,), reference_model="base")
    dpo.train(against_base)
    start = figures_by_step(against_base, "holdout")[0]
    assert start["reward_gap"]["reference"] == "base"
    assert start["reward_gap"]["value"] == pytest.approx(
        result_of(first).metrics["reward_gap"]["value"], abs=1e-4
    )
    # the round's start is at hand, too: the policy with its adapter off
    assert start["reward_gap_round_start"]["value"] == 0
    assert start["kl_per_token_round_start"]["value"] == 0
    assert start["kl_per_token"]["value"] > 0
    against_start = job("j3", epochs=1, adapters=(adapter,), reference_adapters=(adapter,))
    spec = against_start.read_spec()
    against_start.write_spec(replace(spec, base=spec.model))
    dpo.train(against_start)
    # what is not kept in memory gives rewards, and no KL
    beside = figures_by_step(against_start, "holdout")[0]
    assert beside["reward_gap_base"]["reference"] == "base"
    assert beside["reward_gap_base"]["value"] == pytest.approx(
        start["reward_gap"]["value"], abs=1e-4
    )
    assert "kl_per_token_base" not in beside
    assert figures_by_step(against_start, "holdout")[0]["reward_gap"]["value"] == 0


def test_a_run_that_was_stopped_goes_on_as_if_it_never_had(job: MakeJob) -> None:
    straight = job("straight", batch_size=2, gradient_accumulation_steps=2)
    dpo.train(straight)
    folder = job("stopped", batch_size=2, gradient_accumulation_steps=2)
    dpo.train(StopsAt(folder.path, step=5))
    assert result_of(folder).state == "stopped"
    newest = manifest.newest_verified(folder.checkpoints)
    assert newest is not None
    assert newest.name in ("step-5", "step-6")

    again = next_attempt(folder)
    dpo.train(again)
    assert result_of(again).state == "succeeded"
    assert_same_weights(again, straight)
    for split in ("train", "holdout"):
        ours, theirs = figures_by_step(again, split), figures_by_step(straight, split)
        assert list(ours) == list(theirs)
        for step in theirs:
            for name, expected in theirs[step].items():
                value = ours[step][name]
                if isinstance(expected, dict):
                    value, expected = value["value"], expected["value"]
                assert value == pytest.approx(expected, abs=1e-4), (split, step, name)


def test_full_fine_tuning_goes_on_from_the_newest_checkpoint_that_is_whole(
    job: MakeJob,
) -> None:
    settings = {"method": "full", "learning_rate": 1e-3}
    straight = job("straight", **settings)
    dpo.train(straight)
    folder = job("torn", **settings)
    dpo.train(StopsAt(folder.path, step=5))
    newest = manifest.newest_verified(folder.checkpoints)
    assert newest is not None
    optimizer = newest / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:-100])
    again = next_attempt(folder)
    dpo.train(again)
    assert any((folder.checkpoints / "torn").iterdir())
    assert_same_weights(again, straight)
    assert figures_by_step(again, "holdout").keys() == figures_by_step(straight, "holdout").keys()


def test_a_run_that_drifts_stops_early_and_says_so(job: MakeJob) -> None:
    folder = job(epochs=5, kl_threshold=0.001)
    dpo.train(folder)
    result = result_of(folder)
    assert result.state == "succeeded"
    assert result.metrics["steps"] < 20
    notes = " ".join(event["text"] for event in events_of(folder, "note"))
    assert "Stopped early" in notes
    assert result.metrics["kl_per_token"]["value"] <= 0.001 or "No checkpoint has" in notes
    # what stopped stays stopped when the last write was lost
    again = next_attempt(folder)
    dpo.train(again)
    assert result_of(again).metrics == result.metrics


def test_without_early_stop_a_drifting_run_goes_to_its_end(job: MakeJob) -> None:
    folder = job(epochs=2, kl_threshold=0.001, early_stop=False)
    dpo.train(folder)
    assert result_of(folder).metrics["steps"] == 8
    assert result_of(folder).checkpoint == "checkpoints/step-8"


def test_a_text_only_model_trains_and_counts_what_it_cannot_see(
    job: MakeJob, tiny_text_model: Path
) -> None:
    folder = job(model=tiny_text_model, epochs=1)
    dpo.train(folder)
    assert result_of(folder).state == "succeeded"
    notes = [event["text"] for event in events_of(folder, "note")]
    assert (
        "11 of the train pairs left out: has a picture, which this text-only model cannot "
        in (notes[0])
    )


def test_left_out_pairs_are_said_before_the_first_step(job: MakeJob, examples: Any) -> None:
    long = examples.pair("long", "a" * 300, "b")
    video = examples.pair("moving", "a", "b", video="0" * 64)
    folder = job(
        examples=[*examples.mixed(), long, video],
        epochs=1,
        max_pairs=17,
        max_context_length=200,
        seed=3,
    )
    dpo.train(folder)
    kinds = [event["kind"] for event in lines_of(folder.events_file)]
    last_note = len(kinds) - kinds[::-1].index("note")
    assert last_note < kinds.index("metric")
    notes = " ".join(event["text"] for event in events_of(folder, "note"))
    assert "1 of the train pairs left out: has a video" in notes
    assert "1 of the train pairs left out: beyond max_pairs" in notes


def test_without_held_out_pairs_the_last_checkpoint_is_published(
    job: MakeJob, examples: Any
) -> None:
    folder = job(examples=examples.mixed(8, 0), epochs=1)
    dpo.train(folder)
    assert result_of(folder).checkpoint == "checkpoints/step-2"
    notes = " ".join(event["text"] for event in events_of(folder, "note"))
    assert "no held-out pairs" in notes


def test_a_dataset_without_usable_pairs_is_refused(job: MakeJob, examples: Any) -> None:
    folder = job(examples=[examples.pair("moving", "a", "b", video="0" * 64)])
    with pytest.raises(WrongInputError, match="no train pairs that can be used"):
        dpo.train(folder)


def test_a_loss_that_is_not_a_number_ends_the_run(job: MakeJob) -> None:
    folder = job()
    watch = Watch(folder, Journal(folder), None, DPOSpec(), Steps(4, 8, 1))
    state = TrainerState(global_step=3)
    with pytest.raises(PairwrightError, match="loss is nan at step 3") as caught:
        watch.on_log(None, state, None, {"loss": float("nan")})
    assert "learning_rate" in caught.value.next_step


def test_weights_that_are_not_numbers_are_noticed_before_the_first_step(
    job: MakeJob, tiny_vlm: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(tiny_vlm, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    (head,) = [name for name in weights if name.endswith("lm_head.weight")]
    weights[head][0, 0] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PairwrightError, match="by up to nan nats on the first batch"):
        dpo.train(job(model=broken))
