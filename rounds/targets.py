"""Categories against their targets, on the audit set: met, missed, undecided, or too few pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars

from storage import category_targets, scores
from storage.category_targets import CategoryTarget
from storage.errors import WrongInputError
from storage.rows import Evaluation
from storage.workspace import Workspace
from training.measuring import figures
from training.measuring.figures import Figure

# an interval over fewer pairs is too wide to act on
FEWEST = 50


class TargetState(StrEnum):
    """How a category stands to its target."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "undecided"
    TOO_FEW = "too few pairs"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class CategoryStanding:
    """One category: its target, and the preference accuracy on the audit set with its interval."""

    category: str
    target: float | None
    accuracy: Figure | None
    fewest: int = FEWEST

    @property
    def state(self) -> TargetState | None:
        """None without a target. Missed only when the whole interval lies below it."""
        if self.target is None:
            return None
        found = self.accuracy
        if found is None or found.value is None or found.ci95 is None:
            return TargetState.NOT_MEASURED
        if found.n < self.fewest:
            return TargetState.TOO_FEW
        low, high = found.ci95
        if high < self.target:
            return TargetState.MISSED
        return TargetState.MET if low >= self.target else TargetState.UNDECIDED


def of_evaluation(
    workspace: Workspace, measured: Evaluation | None, fewest: int = FEWEST
) -> list[CategoryStanding]:
    """Every category that has a target or was measured, by name.

    Raises:
        DamagedError: sealed scores cannot be read.
    """
    with workspace.ledger.read() as db:
        wanted = {one.category: one.target for one in category_targets.listed(db)}
    found = by_category(workspace, measured) if measured else {}
    return [
        CategoryStanding(name, wanted.get(name), found.get(name), fewest)
        for name in sorted(wanted.keys() | found.keys())
    ]


def by_category(workspace: Workspace, measured: Evaluation) -> dict[str, Figure]:
    """Category -> preference accuracy of an evaluation."""
    frame = scores.of_job(workspace, measured.job_id)
    if frame is None:
        return {}
    labels = str(frame["labels"][0])
    difference = polars.col("chosen_logp") - polars.col("rejected_logp")
    parts = frame.select("category", difference.alias("difference")).partition_by(
        "category", as_dict=True
    )
    return {
        str(name): figures.accuracy(part["difference"].to_numpy(), labels)
        for (name,), part in parts.items()
    }


def parse(words: Sequence[str]) -> dict[str, float | None]:
    """`counting=0.8 spatial=off`: category -> target, or None to take it back.

    Raises:
        WrongInputError: a word is no such assignment.
    """
    found: dict[str, float | None] = {}
    for word in words:
        name, sign, value = word.rpartition("=")
        try:
            share = None if value == "off" else float(value)
        except ValueError:
            share = -1.0
        if not sign or not name or (share is not None and not 0 < share <= 1):
            raise WrongInputError(
                f"{word[:100]!r} sets no target.", "Write CATEGORY=0.8, or CATEGORY=off."
            )
        found[name] = share
    return found


def set_all(workspace: Workspace, wanted: dict[str, float | None], actor: str) -> None:
    """Set or take back targets, all of them or, after an error, none."""
    with workspace.ledger.write() as tx:
        for category, target in wanted.items():
            category_targets.put(tx, category, target, actor=actor)


def standing(workspace: Workspace) -> list[CategoryTarget]:
    """The targets that stand."""
    with workspace.ledger.read() as db:
        return category_targets.listed(db)
