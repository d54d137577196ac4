"""What happens between the trainer's steps: metrics out, evaluations, checkpoints, early stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from storage.errors import PairwrightError
from training import checkpointing, schedule
from training.folder import JobFolder
from training.journal import Journal
from training.measurement import Evaluator
from training.schedule import Evaluated
from training.spec import DPOSpec
from training.trainer import Steps

HOLDOUT = "holdout"
_TRAIN_NAMES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "margin",
    "entropy": "entropy",
}


class Watch(TrainerCallback):  # type: ignore[misc]
    """Evaluates and saves at every interval and at the end; stops on drift or when asked to."""

    def __init__(
        self,
        folder: JobFolder,
        journal: Journal,
        evaluator: Evaluator | None,
        settings: DPOSpec,
        steps: Steps,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._evaluator = evaluator
        self._settings = settings
        self._steps = steps
        self._began_with = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        step = self._began_with = int(state.global_step)
        if step > 0:
            # whoever saved it may have been killed before it could say so
            self._journal.checkpoint(step, checkpointing.path_of(self._folder, step))
        if self._is_due(step) and step not in self._journal.metrics_of(HOLDOUT):
            self.evaluate(others["model"], step)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        step = int(state.global_step)
        if self._journal.stop_requested:
            # an evaluation that is due here is made up for when the run is resumed
            control.should_save = control.should_training_stop = True
        elif self._is_due(step):
            self.evaluate(others["model"], step)
            control.should_save = True
            if self._settings.early_stop and self.has_drifted(step):
                control.should_training_stop = True
        self._journal.progress("training", step, self._steps.total, self._began_with)

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        step = int(state.global_step)
        choice = self.choice(step)
        self._journal.checkpoint(step, checkpointing.path_of(self._folder, step))
        checkpointing.prune(self._folder, [choice.step])

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **others: Any
    ) -> None:
        values = {ours: logs[theirs] for theirs, ours in _TRAIN_NAMES.items() if theirs in logs}
        if "loss" not in values:
            return
        step = int(state.global_step)
        if not math.isfinite(values["loss"]):
            raise PairwrightError(
                f"The training loss is {values['loss']} at step {step}.",
                "Lower learning_rate, or use dtype float32.",
            )
        self._journal.metric(step, self._epoch(step), "train", values)

    def evaluate(self, policy: Any, step: int) -> None:
        """Measure the policy on the held-out pairs and say the figures."""
        if self._evaluator is None:
            return
        measured = self._evaluator.measure(policy)
        self._evaluator.write_scores(checkpointing.scores_file(self._folder, step), measured)
        self._journal.metric(step, self._epoch(step), HOLDOUT, measured.as_json())

    def history(self, until: int) -> list[Evaluated]:
        """The evaluations up to a step, also those of earlier attempts, by step."""
        found = self._journal.metrics_of(HOLDOUT)
        return [_evaluated(step, values) for step, values in found.items() if step <= until]

    def has_drifted(self, until: int) -> bool:
        return schedule.has_drifted(self.history(until), self._settings.kl_threshold)

    def choice(self, until: int) -> schedule.Choice:
        """Which checkpoint to publish when the run ends at this step."""
        if self._evaluator is None:
            return schedule.Choice(until)
        history = self.history(until)
        if not any(one.step > 0 for one in history):
            return schedule.Choice(until)
        return schedule.best(history, self._settings.kl_threshold, self._settings.early_stop)

    def _is_due(self, step: int) -> bool:
        return step % self._steps.evaluate == 0 or step == self._steps.total

    def _epoch(self, step: int) -> float:
        return step / self._steps.epoch


def _evaluated(step: int, values: Mapping[str, Any]) -> Evaluated:
    kl = values["kl_per_token"]
    low = None if kl["ci95"] is None else float(kl["ci95"][0])
    return Evaluated(step, values["validation_loss"]["value"], kl["value"], low)
