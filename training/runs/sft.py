"""The stage before DPO: a model taught to write the chosen answers, by the same job folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.jobs.folder import JobFolder
from training.modeling import devices, inputs, rows
from training.modeling.encoding import EncodedPair, Encoder
from training.runs import dpo, schedule, supervised, trainer
from training.runs.assembly import Run, heartbeat, load_policy, say_division
from training.runs.schedule import Choice, Evaluated
from training.runs.stopping import Stop
from training.runs.supervised import AnswerCollator, AnswerTrainer, HeldoutAnswers
from training.runs.trainer import Steps
from training.runs.watch import HOLDOUT, Watch


@dataclass(frozen=True)
class Assembly:
    """What the stage works with: `pairs` are the answers that are learned."""

    encoder: Encoder
    made: AnswerTrainer
    pairs: tuple[EncodedPair, ...]
    heldout: tuple[EncodedPair, ...]


class AnswerWatch(Watch):
    """Watches the held-out loss alone: there is no reference to drift from."""

    def __init__(self, run: Run, steps: Steps, answers: HeldoutAnswers | None) -> None:
        super().__init__(run.folder, run.journal, None, run.settings, steps, ranks=run.ranks)
        self._answers = answers

    def evaluate(self, policy: Any, step: int) -> None:
        """Measure the policy on the held-out answers and say the figures."""
        if self._answers is not None:
            measured = self._answers.measure(policy, self._ranks)
            told = {name: figure.as_json() for name, figure in measured.items()}
            self._journal.metric(step, self._epoch(step), HOLDOUT, told)

    def history(self, until: int) -> list[Evaluated]:
        found = self._journal.metrics_of(HOLDOUT)
        return [_evaluated(step, values) for step, values in found.items() if step <= until]

    def stop(self, until: int) -> Stop | None:
        """After `plateau_evaluations` in a row that are no better than the best before them."""
        history, wanted = self.history(until), self._settings.plateau_evaluations
        if not wanted or len(history) <= wanted:
            return None
        best, now = _best(history), history[-1]
        if history.index(best) + wanted >= len(history):
            return None
        return Stop(
            "plateau",
            f"a plateau: {wanted} evaluations in a row have no lower held-out loss than step "
            f"{best.step} with {best.validation_loss:.4g}; now {now.validation_loss:.4g}",
        )

    def _choice(self, until: int, history: list[Evaluated]) -> Choice:
        trained = [one for one in history if one.step > 0]
        if not trained or not self._settings.early_stop:
            return Choice(until)
        best = _best(trained)
        return Choice(best.step, schedule.no_gain(best, history[0]))


def train(folder: JobFolder) -> None:
    """Do a `train` job of the stage `sft`; resumes, stops and shrinks its batch as DPO does.

    Raises PairwrightError when the model, the dataset or a setting cannot be used.
    """
    dpo.see_through(folder, _assemble, _fit)


def _assemble(run: Run) -> Assembly:
    loaded = load_policy(run)
    encoder = inputs.encoder_of(run.folder, run.spec, run.settings, loaded)
    everything = rows.demonstrations(inputs.read_rows(run.spec))
    inputs.say_counts(run.journal, "answers", everything.excluded)
    learned = rows.select(
        rows.of_split(everything.rows, "train"), run.settings.max_pairs, run.settings.seed
    )
    heldout = rows.select(rows.of_split(everything.rows, HOLDOUT))
    pairs = inputs.encoded(encoder, learned, run.settings, run.journal, "train")
    inputs.require_pairs(pairs, "train", inputs.dataset_of(run.spec))
    dtype = devices.dtype_of(run.settings.dtype, run.device, merges=bool(run.spec.adapters))
    collator = AnswerCollator(encoder, pairs)
    made = supervised.build(
        run.settings, loaded, collator, run.folder.checkpoints, dtype, run.ranks
    )
    say_division(run, len(pairs))
    measured = inputs.encoded(encoder, heldout, run.settings, run.journal, HOLDOUT)
    return Assembly(encoder, made, pairs, measured)


def _fit(run: Run, assembly: Assembly) -> None:
    labels = inputs.dataset_of(run.spec).labels
    answers = None
    if assembly.heldout:
        beat = heartbeat(run, "evaluating")
        answers = HeldoutAnswers(assembly.encoder, assembly.heldout, labels, beat)
    steps = trainer.steps_of(run.settings, len(assembly.pairs))
    dpo.finish(run, assembly.made, AnswerWatch(run, steps, answers), steps.total)


def _evaluated(step: int, values: Mapping[str, Any]) -> Evaluated:
    return Evaluated(step, values["validation_loss"]["value"], None, None)


def _best(history: list[Evaluated]) -> Evaluated:
    return min(history, key=lambda one: (one.validation_loss, one.step))
