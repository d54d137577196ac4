"""Two checkpoints on the pairs that both were measured on."""

from __future__ import annotations

from dataclasses import dataclass

import polars

from console.views import wording
from storage import checkpoints, scores
from storage.workspace import Workspace
from training.measuring import paired
from training.measuring.paired import Paired

# what a measurement may call right on a pair; `margin` is the gap of the implicit rewards
RIGHT = {
    "preference_accuracy": polars.col("chosen_logp") > polars.col("rejected_logp"),
    "reward_accuracy": polars.col("margin") > 0,
}
COLUMNS = (
    *("chosen_logp", "rejected_logp", "margin"),
    *("reference_chosen_logp", "reference_rejected_logp"),
)
TITLES = {"preference_accuracy": "Preference accuracy", "reward_accuracy": "Reward accuracy"}


@dataclass(frozen=True)
class Flips:
    """What a checkpoint made of its reference's pairs, by log-probability alone.

    Attributes:
        wrong, right: pairs that the reference had wrong (a tie counts as wrong) and right.
        turned: of those `wrong`, the checkpoint has right.
        lost: of those `right`, the checkpoint has wrong.
    """

    wrong: int
    turned: int
    right: int
    lost: int


@dataclass(frozen=True)
class OnSamePairs:
    """Two checkpoints compared pair by pair.

    Attributes:
        on: dataset version and split, such as `v2 holdout`; empty when nothing is shared.
        accuracies: name of an accuracy -> the comparison.
        flips: name of a checkpoint -> what it turned and lost of its reference's pairs.
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
    known, others = (scores.places(workspace, row.id) for row in rows)
    shared = {" ".join(place): place for place in known if place in others}
    if not shared:
        return OnSamePairs((first, second), "", {}, {})
    name = on if on in shared else max(sorted(shared), key=lambda one: known[shared[one]])
    one, other = (scores.at_place(workspace, row.id, shared[name], COLUMNS) for row in rows)
    both = [
        frame.join(against.select("pair_id"), on="pair_id", how="semi").sort("pair_id")
        for frame, against in ((one, other), (other, one))
    ]
    return OnSamePairs(
        names=(first, second),
        on=name,
        accuracies={
            title: paired.compare(*(frame.select(right).to_series().to_numpy() for frame in both))
            for title, right in RIGHT.items()
        },
        flips={one: _flips(frame) for one, frame in zip((first, second), both, strict=True)},
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
    """What each turned of the pairs that its reference had wrong, and lost of the others."""
    return [
        f"{name} has {one.turned:,} of the {wording.count(one.wrong, 'pair')} right that its "
        f"reference had wrong, and {one.lost:,} of the {one.right:,} wrong that it had right."
        for name, one in found.flips.items()
    ]


def _points(found: Paired) -> str:
    if found.difference is None or found.ci95 is None:
        return wording.NOT_AVAILABLE
    low, high = (100 * end for end in found.ci95)
    return f"{100 * found.difference:+.1f} ({low:+.1f} to {high:+.1f}) points"


def _flips(frame: polars.DataFrame) -> Flips:
    theirs = polars.col("reference_chosen_logp") > polars.col("reference_rejected_logp")
    ours = RIGHT["preference_accuracy"]
    return Flips(
        wrong=len(frame.filter(~theirs)),
        turned=len(frame.filter(~theirs & ours)),
        right=len(frame.filter(theirs)),
        lost=len(frame.filter(theirs & ~ours)),
    )
