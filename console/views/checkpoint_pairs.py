"""Two checkpoints on the pairs that both were measured on."""

from __future__ import annotations

from dataclasses import dataclass

import polars

from console.views import wording
from storage import analytics, checkpoints
from storage.rows import Checkpoint
from storage.segments import SegmentKind
from storage.workspace import Workspace
from training import paired
from training.paired import Paired

# what a measurement may call right on a pair; `margin` is the gap of the implicit rewards
RIGHT = {
    "preference_accuracy": polars.col("chosen_logp") > polars.col("rejected_logp"),
    "reward_accuracy": polars.col("margin") > 0,
}
TITLES = {"preference_accuracy": "Preference accuracy", "reward_accuracy": "Reward accuracy"}


@dataclass(frozen=True)
class Flips:
    """Pairs that the reference had wrong: how many a checkpoint has right.

    Both by log-probability alone; `wrong` counts what the reference had wrong.
    """

    wrong: int
    turned: int


@dataclass(frozen=True)
class OnSamePairs:
    """Two checkpoints compared pair by pair.

    Attributes:
        on: dataset version and split, such as `v2 holdout`; empty when nothing is shared.
        accuracies: name of an accuracy -> the comparison.
        flips: name of a checkpoint -> what it turned of its reference's mistakes.
    """

    names: tuple[str, str]
    on: str
    accuracies: dict[str, Paired]
    flips: dict[str, Flips]


@dataclass(frozen=True)
class PairedLine:
    """One accuracy in a table."""

    figure: str
    n: int
    both: int
    first: int
    second: int
    neither: int
    difference: str
    p: str


def compare(workspace: Workspace, first: str, second: str, on: str = "") -> OnSamePairs:
    """Compare two checkpoints by name on one measurement that both have, the largest by default.

    Raises:
        NotFoundError: one of the checkpoints does not exist.
    """
    with workspace.ledger.read() as db:
        rows = [checkpoints.get(db, name) for name in (first, second)]
    scores = [_scores(workspace, row) for row in rows]
    shared = {place: len(frame) for place, frame in scores[0].items() if place in scores[1]}
    if not shared:
        return OnSamePairs((first, second), "", {}, {})
    place = on if on in shared else max(sorted(shared), key=lambda name: shared[name])
    one, other = (found[place] for found in scores)
    both = [
        frame.join(against.select("pair_id"), on="pair_id", how="semi").sort("pair_id")
        for frame, against in ((one, other), (other, one))
    ]
    return OnSamePairs(
        names=(first, second),
        on=place,
        accuracies={
            name: paired.compare(*(frame.select(right).to_series().to_numpy() for frame in both))
            for name, right in RIGHT.items()
        },
        flips={name: _flips(frame) for name, frame in zip((first, second), both, strict=True)},
    )


def lines(found: OnSamePairs) -> list[PairedLine]:
    return [
        PairedLine(
            figure=TITLES[name],
            n=one.n,
            both=one.both,
            first=one.first,
            second=one.second,
            neither=one.neither,
            difference=_points(one),
            p=f"{one.p:.2g}",
        )
        for name, one in found.accuracies.items()
    ]


def sentences(found: OnSamePairs) -> list[str]:
    """What each turned of the pairs that its reference had wrong."""
    return [
        f"{name} has {one.turned:,} of the {wording.count(one.wrong, 'pair')} right that its "
        "reference had wrong."
        for name, one in found.flips.items()
    ]


def _points(found: Paired) -> str:
    if found.difference is None or found.ci95 is None:
        return wording.NOT_AVAILABLE
    low, high = (100 * end for end in found.ci95)
    return f"{100 * found.difference:+.1f} ({low:+.1f} to {high:+.1f}) points"


def _scores(workspace: Workspace, row: Checkpoint) -> dict[str, polars.DataFrame]:
    """`v2 holdout` -> the scores of this checkpoint there, each pair once."""
    read = analytics.open(workspace).read(SegmentKind.SCORES, checkpoint=row.id)
    if read.is_empty():
        return {}
    parts = read.partition_by("dataset_version", "split", as_dict=True)
    return {
        f"{version} {split}": part.unique("pair_id", keep="last", maintain_order=True)
        for (version, split), part in parts.items()
    }


def _flips(frame: polars.DataFrame) -> Flips:
    wrong = frame.filter(
        polars.col("reference_chosen_logp") <= polars.col("reference_rejected_logp")
    )
    return Flips(len(wrong), len(wrong.filter(RIGHT["preference_accuracy"])))
