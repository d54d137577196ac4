"""Who is right: exact answers of a model question by question, and two models on the same pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars
from numpy.typing import NDArray

from examples.shapes import oracle
from proof.stage import EXACT, Stage
from storage import scores
from storage.errors import DamagedError
from storage.rows import Job
from storage.workspace import Workspace
from training.measuring import paired
from training.measuring.paired import Paired

OVERALL = "overall"


@dataclass(frozen=True)
class Graded:
    """The questions in one order: category of each, and whether the greedy answer was exact."""

    categories: NDArray[np.str_]
    right: NDArray[np.bool_]

    @property
    def names(self) -> list[str]:
        """The categories by name, and all together first."""
        return [OVERALL, *sorted(set(self.categories.tolist()))]

    def of(self, name: str) -> NDArray[np.bool_]:
        """Who was right in a category."""
        return self.right if name == OVERALL else self.right[self.categories == name]


def ask_exactly(stage: Stage, model: str) -> Graded:
    """Greedy answers of a model to the questions of the `exact` split, graded by the oracle."""
    asked = stage.ask(EXACT, stage.sizes.exact, 0, "exact")
    job = stage.finish(stage.submit_sampling(model, asked, EXACT, temperature=0.0, answers=1))
    truths = asked.truths()
    with stage.samples_of(job).open(encoding="utf-8") as file:
        said = {str(one["id"]): str(one["answers"][0]) for one in map(json.loads, file)}
    ordered = [truths[name] for name in sorted(truths)]
    return Graded(
        np.array([truth.category for truth in ordered]),
        # an answer that is missing is a wrong one
        np.array([oracle.grade(truth, said.get(truth.id, "")).exact for truth in ordered]),
    )


def compare_exact(before: Graded, after: Graded) -> Mapping[str, Paired]:
    """Category -> the paired difference of the shares of exact answers."""
    return {name: paired.compare(before.of(name), after.of(name)) for name in before.names}


def compare_accuracy(workspace: Workspace, before: Job, after: Job) -> Paired:
    """The paired difference of the preference accuracies of two evaluations of the same pairs."""
    first, second = _right(workspace, before), _right(workspace, after)
    both = first.join(second, on="pair_id", suffix="_after", maintain_order="left")
    return paired.compare(both["right"].to_numpy(), both["right_after"].to_numpy())


def _right(workspace: Workspace, measured: Job) -> polars.DataFrame:
    found = scores.of_job(workspace, measured.id)
    if found is None:
        raise DamagedError(f"Evaluation {measured.id} left no scores.", "Measure again.")
    return found.select("pair_id", right=polars.col("chosen_logp") > polars.col("rejected_logp"))
