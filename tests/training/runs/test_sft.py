"""The stage before DPO on a very small model: its loss, its figures, stopping and going on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from training.jobs import runner
from training.jobs.folder import JobFolder, RunResult
from training.jobs.journal import Journal
from training.modeling import inputs, rows
from training.runs import dpo, manifest, sft
from training.settings.spec import parse_spec, warnings_of

MakeJob = Callable[..., JobFolder]
SFT = {"stage": "sft", "learning_rate": 1e-2}


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


def metrics_of(folder: JobFolder, split: str) -> dict[int, Mapping[str, Any]]:
    return Journal(folder).metrics_of(split)


def notes_of(folder: JobFolder) -> str:
    return " ".join(Journal(folder).notes)


def by_hand(folder: JobFolder, adapters: tuple[str, ...] = ()) -> tuple[float, float]:
    """Held-out loss per token and share of tokens guessed, from full logits one row at a time."""
    spec = replace(folder.read_spec(), adapters=adapters)
    settings = parse_spec(spec.settings)
    loaded = inputs.load_policy(spec, settings, torch.device("cpu"))
    encoder = inputs.encoder_of(folder, spec, settings, loaded)
    pairs = encoder.encode(rows.of_split(inputs.read_rows(spec), "holdout")).pairs
    nats, hits, tokens = 0.0, 0, 0
    for pair in pairs:
        batch = encoder.collate_chosen([pair])
        mask = batch.pop("completion_mask")[0].bool()
        with torch.no_grad():
            logits = loaded.model(**batch).logits[0].double()
        for at in mask.nonzero()[:, 0].tolist():
            said = torch.log_softmax(logits[at - 1], dim=-1)
            target = int(batch["input_ids"][0, at])
            nats -= float(said[target])
            hits += int(said.argmax()) == target
            tokens += 1
    return nats / tokens, hits / tokens


@pytest.fixture
def taught(job: MakeJob) -> JobFolder:
    folder = job("taught", epochs=6, **SFT)
    assert runner.run(folder) == 0
    return folder


def test_sft_learns_the_chosen_answers_and_dpo_goes_on_from_its_checkpoint(
    taught: JobFolder, job: MakeJob
) -> None:
    result = result_of(taught)
    assert (result.state, result.kind) == ("succeeded", "adapter")
    training = metrics_of(taught, "train")
    assert training[max(training)]["loss"] < 0.75 * training[1]["loss"]
    assert training[max(training)]["token_accuracy"] > training[1]["token_accuracy"]
    assert "tokens_per_second" in metrics_of(taught, "machine")[2]
    measured = metrics_of(taught, "holdout")
    best = min(measured, key=lambda step: measured[step]["validation_loss"]["value"])
    assert result.metrics["step"] == best
    assert result.metrics["start_validation_loss"] == measured[0]["validation_loss"]
    assert result.metrics["token_accuracy"]["labels"] == "oracle"

    checkpoint = taught.path / (result.checkpoint or "")
    assert "adapter_model.safetensors" in manifest.verify(checkpoint).files
    for adapters, figures in (((), measured[0]), ((str(checkpoint),), result.metrics)):
        loss, accuracy = by_hand(taught, adapters)
        assert figures["validation_loss"]["value"] == pytest.approx(loss, rel=1e-4)
        assert figures["token_accuracy"]["value"] == pytest.approx(accuracy, abs=1e-6)

    after = job(
        "after", epochs=1, adapters=(str(checkpoint),), reference_adapters=(str(checkpoint),)
    )
    dpo.train(after)
    assert result_of(after).state == "succeeded"
    assert metrics_of(after, "train")[1]["loss"] == pytest.approx(0.6931, abs=1e-3)


def test_an_answer_is_learned_once_whatever_it_was_preferred_to(world: Any, examples: Any) -> None:
    some = examples.mixed(6, 2)
    other = [replace(each, rejected=f"{each.rejected} Or so.") for each in some]
    alone = rows.demonstrations(rows.read(world.write(some)))
    both = rows.demonstrations(rows.read(world.write([*some, *other], "both")))
    assert [(row.turns, row.chosen) for row in both.rows] == [
        (row.turns, row.chosen) for row in alone.rows
    ]
    assert {row.rejected for row in both.rows} == {""}
    assert (alone.excluded, both.excluded) == ({}, {rows.REPEATED: len(some)})


def test_a_stopped_sft_run_goes_on_as_if_it_never_had(job: MakeJob) -> None:
    settings = {**SFT, "batch_size": 2, "gradient_accumulation_steps": 2}
    straight, folder = job("straight", **settings), job("stopped", **settings)
    sft.train(straight)
    sft.train(StopsAt(folder.path, step=3))
    assert result_of(folder).state == "stopped"
    assert manifest.newest_verified(folder.checkpoints) is not None
    folder.forget_result()
    folder.write_spec(replace(folder.read_spec(), attempt=2))
    again = JobFolder(folder.path)
    sft.train(again)
    ours, theirs = (
        load_file(one.path / (result_of(one).checkpoint or "") / "adapter_model.safetensors")
        for one in (again, straight)
    )
    assert set(ours) == set(theirs)
    for name in ours:
        assert torch.allclose(ours[name], theirs[name], atol=1e-6), name
    assert losses(again) == pytest.approx(losses(straight), abs=1e-5)


def test_a_run_that_gets_no_better_ends_and_its_best_step_is_published(job: MakeJob) -> None:
    folder = job("plateau", epochs=8, stage="sft", learning_rate=0.1, plateau_evaluations=3)
    sft.train(folder)
    metrics = result_of(folder).metrics
    history = metrics_of(folder, "holdout")
    best = min(history, key=lambda step: history[step]["validation_loss"]["value"])
    assert metrics["stopped_early"]["reason"] == "plateau"
    assert metrics["stopped_early"]["step"] == max(history) < 32
    assert len([step for step in history if step > best]) == 3
    assert "Stopped early" in notes_of(folder)


def test_full_fine_tuning_leaves_a_model(job: MakeJob) -> None:
    folder = job("full", method="full", epochs=1, stage="sft", learning_rate=1e-3)
    sft.train(folder)
    result = result_of(folder)
    assert result.kind == "full"
    assert (folder.path / (result.checkpoint or "") / "processor_config.json").is_file()


def test_the_stage_has_its_own_usual_rates() -> None:
    assert parse_spec({"stage": "sft"}).learning_rate == 1e-4
    assert parse_spec({"stage": "sft", "method": "full"}).learning_rate == 1e-5
    assert parse_spec({}).learning_rate == 1e-5
    assert warnings_of(parse_spec({"stage": "sft", "learning_rate": 5e-4})) == []
    assert (
        "usual for full"
        in warnings_of(parse_spec({"stage": "sft", "method": "full", "learning_rate": 0.1}))[0]
    )


def losses(folder: JobFolder) -> list[float]:
    return [values["loss"] for values in metrics_of(folder, "train").values()]
