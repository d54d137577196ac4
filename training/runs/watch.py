"""What happens between the trainer's steps: metrics out, evaluations, checkpoints, early stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from storage.errors import DamagedError, PairwrightError
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal, StopRequestedError
from training.measuring import comparison
from training.measuring.measurement import Evaluator, Measurement
from training.measuring.on_policy import OnPolicy
from training.runs import checkpointing, manifest, schedule, sharding, stopping
from training.runs.losses import Loss
from training.runs.meter import Meter
from training.runs.ranks import ALONE, Ranks
from training.runs.schedule import Evaluated
from training.runs.stopping import Changes, Rules, Stop
from training.runs.trainer import Steps
from training.settings.spec import DPOSpec

# splits of metric events. `holdout` are the figures of an evaluation, DISTRIBUTION the quantiles of
# its rewards, CHANGES what it says against the best before it, MACHINE how fast the steps are
HOLDOUT, DISTRIBUTION, CHANGES, MACHINE = "holdout", "distribution", "changes", "machine"
_TRAIN_NAMES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "margin",
    "entropy": "entropy",
    "mean_token_accuracy": "token_accuracy",
}


class Watch(TrainerCallback):  # type: ignore[misc]
    """Evaluates and saves at every interval and at the end; stops by the rules or when asked to.

    With `on_policy` the KL is also measured on the policy's own answers at every evaluation.
    """

    def __init__(
        self,
        folder: JobFolder,
        journal: Journal,
        evaluator: Evaluator | None,
        settings: DPOSpec,
        steps: Steps,
        on_policy: OnPolicy | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._evaluator = evaluator
        self._settings = settings
        self._steps = steps
        self._on_policy = on_policy
        self._ranks = ranks
        self._began_with = 0
        self.meter = Meter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        step = self._began_with = int(state.global_step)
        if step > 0:
            # whoever saved it may have been killed before it could say so
            self._journal.checkpoint(step, checkpointing.path_of(self._folder, step))
        if self._ranks.decide(lambda: self._is_missing(step)):
            self.evaluate(others["model"], step)
            control.should_training_stop = self.is_over(step)
        self.meter.resume()

    def on_substep_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if not self._is_asked_to_stop():
            return
        # the step under way is done again when the run is resumed
        control.should_training_stop = True
        step = int(state.global_step)
        control.should_save = self._ranks.decide(lambda: step > 0 and not self._is_saved(step))

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        step = int(state.global_step)
        self.meter.lap()
        if not self._is_asked_to_stop() and self._is_due(step):
            control.should_save = True
            try:
                self.evaluate(others["model"], step)
            except StopRequestedError:
                self._journal.progress("saving", 0, 1)
            else:
                control.should_training_stop |= self.is_over(step)
        if self._is_asked_to_stop():
            # an evaluation that is due here is made up for when the run is resumed
            control.should_save = control.should_training_stop = True
        self._journal.progress("training", step, self._steps.total, self._began_with)
        self.meter.resume()

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if self._ranks.is_first:
            self._keep(int(state.global_step))
        self.meter.resume()

    def _keep(self, step: int) -> None:
        self._journal.checkpoint(step, checkpointing.path_of(self._folder, step))
        leading = stopping.leader(self.history(step), self.changes(step))
        measured = [] if leading is None else [leading]
        checkpointing.prune(self._folder, [self.choice(step).step], measured)

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
        rates = self.meter.read(others.get("model"), self._settings.method, self._ranks)
        self._journal.metric(step, self._epoch(step), MACHINE, rates)
        self.meter.resume()

    def evaluate(self, policy: Any, step: int) -> None:
        """Measure the policy on the held-out pairs and say the figures.

        Raises StopRequestedError before anything is said when the run was asked to stop.
        """
        if self._evaluator is None:
            return
        try:
            measured = self._evaluator.measure(policy, self._ranks)
            figures = measured.as_json()
            if self._on_policy is not None:
                drawn = self._on_policy.measure(policy, step, self._ranks)
                figures |= {name: figure.as_json() for name, figure in drawn.items()}
        finally:
            sharding.rest(policy)
        if self._ranks.is_first:
            self._say(step, measured, figures)

    def _say(self, step: int, measured: Measurement, figures: dict[str, Any]) -> None:
        assert self._evaluator is not None
        self._evaluator.write_scores(checkpointing.scores_file(self._folder, step), measured)
        epoch = self._epoch(step)
        change = self._compare(step)
        if change is not None:
            self._journal.metric(step, epoch, CHANGES, change.as_json())
        self._journal.metric(step, epoch, DISTRIBUTION, self._evaluator.spread(measured.sums))
        # the last one: an evaluation counts as done when its figures are there
        self._journal.metric(step, epoch, HOLDOUT, figures)

    def history(self, until: int) -> list[Evaluated]:
        """The evaluations up to a step, also those of earlier attempts, by step."""
        found = self._journal.metrics_of(HOLDOUT)
        return [_evaluated(step, values) for step, values in found.items() if step <= until]

    def changes(self, until: int) -> list[Changes]:
        """What the evaluations up to a step said against the best before them."""
        found = self._journal.metrics_of(CHANGES)
        return [Changes.of_json(step, values) for step, values in found.items() if step <= until]

    def stop(self, until: int) -> Stop | None:
        """Why a run with early_stop ends at this step; None when it goes on."""
        rules = Rules(
            self._settings.kl_threshold,
            self._settings.overfit_evaluations,
            self._settings.plateau_evaluations,
        )
        return stopping.decide(self.history(until), self.changes(until), rules)

    def choice(self, until: int) -> schedule.Choice:
        """Which checkpoint to publish when the run ends at this step."""
        return self._choice(until, self.history(until))

    def verified_choice(self, until: int) -> schedule.Choice:
        """The same among checkpoints that verify; one that does not is put aside and said.

        Raises DamagedError when none does.
        """
        history, notes = self.history(until), list[str]()
        while True:
            choice = self._choice(until, history)
            folder = manifest.step_folder(self._folder.checkpoints, choice.step)
            try:
                manifest.verify(folder)
            except DamagedError as error:
                rest = [step for step in manifest.steps(self._folder.checkpoints)]
                if folder.is_dir():
                    manifest.put_aside(folder)
                    rest.remove(choice.step)
                if not rest:
                    raise
                notes.append(f"{error.what} Another one is published.")
                until = rest[-1]
                history = [one for one in history if one.step == 0 or one.step in rest]
            else:
                return schedule.Choice(choice.step, " ".join(filter(None, (*notes, choice.note))))

    def _choice(self, until: int, history: list[Evaluated]) -> schedule.Choice:
        if self._evaluator is None or not any(one.step > 0 for one in history):
            return schedule.Choice(until)
        return schedule.best(history, self._settings.kl_threshold, self._settings.early_stop)

    def _compare(self, step: int) -> Changes | None:
        """The scores of this step against those of the leader so far; None where there is none."""
        assert self._evaluator is not None
        leading = stopping.leader(self.history(step - 1), self.changes(step - 1))
        if leading is None:
            return None
        loss = Loss.of(self._settings)
        now, before = (
            comparison.read(checkpointing.scores_file(self._folder, at), loss)
            for at in (step, leading)
        )
        if now is None or before is None:
            return None
        labels = self._evaluator.labels
        groups = [pair.row.group for pair in self._evaluator.pairs]
        losses = {
            at: values["loss"]
            for at, values in self._journal.metrics_of("train").items()
            if at < step and values.get("loss") is not None
        }
        return Changes(
            step,
            leading,
            comparison.loss_change(now, before, groups, labels),
            comparison.accuracy_change(now, before, labels),
            stopping.training_change(losses, leading, self._steps.epoch),
        )

    def is_over(self, step: int) -> bool:
        """Whether a rule ends the run at this step. Every process must ask."""
        ends = self._settings.early_stop
        return ends and self._ranks.decide(lambda: self.stop(step) is not None)

    def _is_asked_to_stop(self) -> bool:
        return self._ranks.decide(lambda: self._journal.stop_requested)

    def _is_missing(self, step: int) -> bool:
        return self._is_due(step) and step not in self._journal.metrics_of(HOLDOUT)

    def _is_saved(self, step: int) -> bool:
        return step in manifest.steps(self._folder.checkpoints)

    def _is_due(self, step: int) -> bool:
        return step % self._steps.evaluate == 0 or step == self._steps.total

    def _epoch(self, step: int) -> float:
        return step / self._steps.epoch


def _evaluated(step: int, values: Mapping[str, Any]) -> Evaluated:
    kl = values["kl_per_token"]
    low = None if kl["ci95"] is None else float(kl["ci95"][0])
    return Evaluated(step, values["validation_loss"]["value"], kl["value"], low)
