"""How far annotators agree on the pairs of a measurement: no accuracy against their labels can be
much higher, so it stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.views import wording
from labeling.agreement import report
from labeling.agreement.figure import Figure
from storage import votes
from storage.rows import AssignmentKind, Verdict
from storage.workspace import Workspace


def agreement(workspace: Workspace, pairs: Sequence[str]) -> Figure:
    """The share of annotators' judgements two by two that are the same on these pairs (ids), ties
    left out. Undefined where no pair has two votes."""
    with workspace.ledger.read() as db:
        cast = votes.effective(db, pair_ids=pairs, kinds=(AssignmentKind.NORMAL,))
    judged = [
        (vote.pair_id, vote.annotator, vote.verdict.value)
        for vote in cast
        if vote.verdict in (Verdict.A, Verdict.B)
    ]
    if not judged:
        return Figure(None, None, 0, "nobody voted on these pairs")
    return report.of_labels(judged).with_ties.percent_agreement


def as_json(found: Figure) -> dict[str, Any]:
    told = {"value": found.value, "ci95": found.ci95, "n": found.n, "labels": "annotators"}
    return told | ({"reason": found.reason} if found.reason else {})


def sentence(found: Figure) -> str:
    """What stands beside the accuracies."""
    if found.value is None:
        return f"Agreement of annotators on these pairs: n/a ({found.reason})."
    ends = found.ci95
    interval = f" ({wording.share(ends[0])} to {wording.share(ends[1])})" if ends else ""
    return (
        f"Annotators agree with one another on {wording.share(found.value)}{interval} of these "
        f"pairs, n {found.n:,} with two votes or more: an accuracy against their labels can hardly "
        "be higher."
    )
