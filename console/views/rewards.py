"""What the Rewards page shows: how a checkpoint rates chosen and rejected answers, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.views import ceiling, distributions, figures, reliability, wording
from console.views.curves import Panel
from console.views.distributions import Array, Distribution
from console.views.figures import FigureLine, Reading
from labeling.agreement.figure import Figure as Agreement
from storage import checkpoints, dataset_versions, evaluations, scores
from storage.rows import DatasetVersion, Evaluation
from storage.workspace import Workspace
from training.measuring import figures as statistics

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Choice:
    """A measurement with scores: `checkpoint` and `split` are its place in the address.

    `split` names dataset version and rows: `v2 holdout`.
    """

    checkpoint: str
    split: str
    job: str


@dataclass(frozen=True)
class CategoryLine:
    """The figures of one category, or of all."""

    category: str
    n: str
    preference: str
    preference_interval: str
    reward: str
    reward_interval: str
    gap: str
    difference: str


@dataclass(frozen=True)
class Rewards:
    """One measurement.

    Attributes:
        chosen, rejected: mean implicit rewards.
        gap: `chosen` minus `rejected`; the evaluation's `reward_gap` when computed from all pairs.
        difference: mean log-probability of chosen minus that of rejected, in nats.
        n: scored pairs.
        rows: rows of the split in the dataset version.
        rewards, margins, differences, calibration: the figures to draw.
        sentences: what stands beside the accuracies: flips, calibration, annotators' agreement.
    """

    about: str
    chosen: float
    rejected: float
    gap: float
    difference: float
    n: int
    rows: int
    reward_note: str
    margin_note: str
    difference_note: str
    rewards: Distribution
    margins: Distribution
    differences: Distribution
    calibration: Panel
    sentences: Sequence[str]
    categories: Sequence[CategoryLine]
    figures: Sequence[FigureLine]


def choices(workspace: Workspace) -> list[Choice]:
    """The measurements that have scores: the newest of each checkpoint, version and split."""
    scored = scores.jobs_with_scores(workspace)
    with workspace.ledger.read() as db:
        names = {row.id: row.name for row in checkpoints.listed(db)}
        measured = evaluations.listed(db)
    found: dict[tuple[str, str], Choice] = {}
    for row in measured:
        if row.job_id in scored:
            one = Choice(names.get(row.checkpoint, row.checkpoint), _split(row), row.job_id)
            found.setdefault((one.checkpoint, one.split), one)
    return list(found.values())


def newest_checkpoint(workspace: Workspace) -> tuple[str, str]:
    """Name and dataset version of the newest checkpoint; empty when there is none."""
    with workspace.ledger.read() as db:
        known = checkpoints.listed(db)
    return (known[0].name, known[0].dataset_version) if known else ("", "")


def measured(workspace: Workspace, choice: Choice) -> Rewards | None:
    """The distributions of one measurement; None when its scores are gone.

    Raises:
        DamagedError: the scores cannot be read.
    """
    frame = scores.of_job(workspace, choice.job)
    if frame is None:
        return None
    with workspace.ledger.read() as db:
        (row,) = evaluations.listed(db, job_id=choice.job)[:1]
        version = dataset_versions.get(db, row.dataset_version)
    return _view(frame, row, version, ceiling.agreement(workspace, frame["pair_id"].to_list()))


def _view(
    frame: polars.DataFrame, row: Evaluation, version: DatasetVersion, agreed: Agreement
) -> Rewards:
    beta, reference, labels = (frame[name][0] for name in ("beta", "reference", "labels"))
    values = _Values.of(frame)
    n, rows = len(frame), _rows_of(version, row.split)
    drawn = values.drawn()
    read = {
        name: figures.reading(row.metrics.get(name))
        for name in ("reward_gap", "log_probability_difference")
    }
    whole = wording.count(n, "pair")
    counted = whole if n == rows else f"{n:,} of {wording.count(rows, 'pair')}"
    return Rewards(
        about=f"{counted} · beta {beta:g} · reference {reference} · labels {labels} · "
        f"measured {wording.stamp(row.created_at)} by job {row.job_id}",
        chosen=float(values.chosen.mean()),
        rejected=float(values.rejected.mean()),
        gap=float(values.margins.mean()),
        difference=float(values.differences.mean()),
        n=n,
        rows=rows,
        reward_note=f"Mean chosen {_signed(values.chosen.mean())}, mean rejected "
        f"{_signed(values.rejected.mean())}, gap {_signed(values.margins.mean())}"
        f"{_interval(read['reward_gap'])}, n {n:,}.",
        margin_note=f"Mean {_signed(values.margins.mean())}; above 0 the checkpoint agrees with "
        f"the label more than the reference {reference} does.",
        difference_note=f"Checkpoint {_signed(values.differences.mean())} nats"
        f"{_interval(read['log_probability_difference'])}, reference {reference} "
        f"{_signed(values.reference_differences.mean())} nats. Above 0 the chosen answer is the "
        "likelier one.",
        rewards=drawn["rewards"],
        margins=drawn["margins"],
        differences=drawn["differences"],
        calibration=reliability.panel(values.margins, labels),
        sentences=[
            *reliability.sentences(values.differences, values.reference_differences, row.metrics),
            ceiling.sentence(agreed),
        ],
        categories=_categories(frame, beta),
        figures=figures.table(row.metrics),
    )


@dataclass(frozen=True)
class _Values:
    """Per pair: implicit rewards and their margin (no unit), log-probability differences (nats)."""

    chosen: Array
    rejected: Array
    differences: Array
    reference_differences: Array

    @classmethod
    def of(cls, frame: polars.DataFrame) -> _Values:
        chosen, rejected, by_reference, rejected_by_reference = (
            frame[name].to_numpy().astype(np.float64)
            for name in (
                *("chosen_logp", "rejected_logp"),
                *("reference_chosen_logp", "reference_rejected_logp"),
            )
        )
        beta = float(frame["beta"][0])
        return cls(
            chosen=beta * (chosen - by_reference),
            rejected=beta * (rejected - rejected_by_reference),
            differences=chosen - rejected,
            reference_differences=by_reference - rejected_by_reference,
        )

    @property
    def margins(self) -> Array:
        margins: Array = self.chosen - self.rejected
        return margins

    def drawn(self) -> dict[str, Distribution]:
        """The three figures. A frame of scores has at least one row."""
        wanted: Mapping[str, tuple[str, str, Mapping[str, tuple[str, Array]]]] = {
            "rewards": (
                "Implicit reward",
                "beta times the log-ratio to the reference",
                {"chosen": ("chosen", self.chosen), "rejected": ("rejected", self.rejected)},
            ),
            "margins": (
                "Reward margin of a pair",
                "reward of chosen minus reward of rejected",
                {"checkpoint": ("policy", self.margins)},
            ),
            "differences": (
                "Log-probability difference of a pair",
                "chosen minus rejected, nats",
                {
                    "checkpoint": ("policy", self.differences),
                    "reference": ("reference", self.reference_differences),
                },
            ),
        }
        found = {name: distributions.distribution(*about) for name, about in wanted.items()}
        return {name: one for name, one in found.items() if one is not None}


def _categories(frame: polars.DataFrame, beta: float) -> list[CategoryLine]:
    """All pairs first, then every category in alphabetical order."""
    groups = [("all", frame)]
    names = sorted(frame["category"].unique())
    if len(names) > 1:
        groups += [(name, frame.filter(frame["category"] == name)) for name in names]
    return [_category(name, group, beta) for name, group in groups]


def _category(name: str, frame: polars.DataFrame, beta: float) -> CategoryLine:
    values = _Values.of(frame)
    # in nats, as the evaluation does it: there a difference within the tie counts half
    preference = statistics.accuracy(values.differences, "")
    reward = statistics.accuracy(values.margins / beta, "")
    return CategoryLine(
        category=name,
        n=f"{len(frame):,}",
        preference=wording.share(preference.value),
        preference_interval=_range(preference.ci95),
        reward=wording.share(reward.value),
        reward_interval=_range(reward.ci95),
        gap=_signed(values.margins.mean()),
        difference=_signed(values.differences.mean()),
    )


def _split(row: Evaluation) -> str:
    return f"{row.dataset_version} {row.split}"


def _rows_of(version: DatasetVersion, split: str) -> int:
    return {"train": version.train, "holdout": version.holdout}.get(split, version.rows)


def _signed(value: float) -> str:
    return wording.decimal(float(value))


def _interval(read: Reading) -> str:
    if read.low is None or read.high is None:
        return ""
    return f" (95% interval {_signed(read.low)} to {_signed(read.high)})"


def _range(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{wording.share(ends[0])} to {wording.share(ends[1])}"
