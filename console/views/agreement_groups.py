"""Agreement on parts of the votes, as the Agreement page shows it: a line for every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.views import coefficients
from labeling.agreement import groups
from labeling.agreement.report import FEW, AgreementReport, Coefficients
from storage.workspace import Workspace

NOBODY = "nobody shares a pair"
# what the page calls each way, and what a line of it is
TITLES: Mapping[str, str] = {
    groups.BATCH: "Batch",
    groups.CATEGORY: "Category",
    groups.ROUND: "Round",
    groups.CHECKPOINTS: "Answers of",
}
MEANINGS: Mapping[str, str] = {
    groups.BATCH: "A pair that stands in two batches counts in both.",
    groups.CATEGORY: "Categories of the prompts.",
    groups.ROUND: "The rounds that the batches belong to. Where none was ever opened, round 1 "
    "compares answers of a model before any training, round 2 those of a checkpoint trained once, "
    "and so on, and answers that came with a file are in no round.",
    groups.CHECKPOINTS: "Who gave the two answers; one name where both are of one. Models that are "
    "alike are harder to tell apart: a lower agreement need not be anybody's fault.",
}


@dataclass(frozen=True)
class GroupLine:
    """One part. `note` says when n is small, or why there is no number."""

    part: str
    shared: str
    percent: str
    kappa: str
    alpha: str
    ac1: str
    note: str
    is_few: bool


def prepare(
    workspace: Workspace, way: str, batch: str, without_ties: bool = False
) -> list[GroupLine]:
    """Every part of the votes of a batch, of all when `batch` is empty: batches and rounds in their
    order, others the largest first.

    Args:
        way: one of `labeling.agreement.groups.WAYS`.

    Raises:
        NotFoundError: there is no such batch.
    """
    found = groups.measure(workspace, way, batch or None)
    parts = [(name, _shown(one, without_ties)) for name, one in found.items()]
    if way == groups.ROUND:
        # round 10 stands after round 9
        parts.sort(key=lambda part: (len(part[0]), part[0]))
    elif way != groups.BATCH:
        parts.sort(key=lambda part: (-part[1].shared, part[0]))
    return [_line(name, one) for name, one in parts]


def _shown(found: AgreementReport, without_ties: bool) -> Coefficients:
    """Without a tie there is nothing to leave out."""
    return found.without_ties if without_ties and found.without_ties else found.with_ties


def _line(name: str, found: Coefficients) -> GroupLine:
    note = "" if found.shared >= FEW else f"few (under {FEW})"
    return GroupLine(
        part=name,
        shared=f"{found.shared:,} of {found.items:,}",
        percent=coefficients.with_interval(found.percent_agreement, is_share=True),
        kappa=coefficients.with_interval(found.fleiss_kappa),
        alpha=coefficients.with_interval(found.krippendorff_alpha),
        ac1=coefficients.with_interval(found.gwet_ac1),
        note=note if found.shared else NOBODY,
        is_few=found.shared < FEW,
    )


def faint(lines: Sequence[GroupLine]) -> list[bool]:
    """Which lines rest on too little to decide on."""
    return [line.is_few for line in lines]
