"""What a judging job came to, and how far a model as judge agrees with the experts, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.views import wording
from labeling import judges
from labeling.agreement.figure import PairOfRaters
from labeling.agreement.report import FEW
from labeling.judges import JudgeAgreement
from storage.workspace import Workspace

ABOUT = (
    "Labels of models are no votes: the figures of the annotators rest on people alone. Kappa is "
    "between the judge and what the experts settled, by majority or by a lead."
)


@dataclass(frozen=True)
class JudgeLine:
    """One judge. `with_ties` and `without_ties` are kappa with its interval and n."""

    judge: str
    version: str
    judged: str
    consistency: str
    with_ties: str
    without_ties: str
    note: str


def lines(workspace: Workspace, batch: str = "") -> list[JudgeLine]:
    """The judges of a batch, or of all, who judged last first."""
    return [line(one) for one in judges.against_experts(workspace, batch or None)]


def as_json(found: Sequence[JudgeAgreement]) -> list[dict[str, Any]]:
    """The same for --json."""
    return [
        {
            **vars(one),
            "with_ties": None if one.with_ties is None else vars(one.with_ties),
            "without_ties": None if one.without_ties is None else vars(one.without_ties),
        }
        for one in found
    ]


def sentence(metrics: Mapping[str, Any]) -> str:
    """What a judging job did: labels, ties, reasons, tokens; empty without figures."""
    if "judged" not in metrics:
        return ""
    consistency = metrics["consistency"]["value"]
    said = [
        f"{metrics['judged']:,} of {wording.count(metrics['pairs'], 'pair')} judged, "
        f"{metrics['ties']:,} of them ties; the same in both orders: {wording.share(consistency)}.",
        f"{metrics['tokens_in']:,} tokens in, {metrics['tokens_out']:,} out.",
    ]
    if metrics["tokens_unknown"]:
        said.append(f"For {metrics['tokens_unknown']:,} pairs the address counted no tokens.")
    if metrics["unjudged"]:
        reasons = ", ".join(f"{count:,} {why}" for why, count in metrics["unjudged"].items())
        said.append(f"Without a label: {reasons}.")
    return " ".join(said)


def line(one: JudgeAgreement) -> JudgeLine:
    """One judge as a row of a table."""
    low, high = one.consistency_ci95
    interval = f"{wording.share(low)} to {wording.share(high)}"
    n = one.with_ties.n if one.with_ties else 0
    reason = one.with_ties.reason if one.with_ties else "no pair is settled by experts too"
    return JudgeLine(
        judge=one.judge,
        version=one.version,
        judged=f"{one.judged:,}",
        consistency=f"{wording.share(one.consistency)} ({interval})",
        with_ties=_kappa(one.with_ties),
        without_ties=_kappa(one.without_ties),
        note=reason or (f"only {n} shared pairs" if n < FEW else ""),
    )


def _kappa(found: PairOfRaters | None) -> str:
    if found is None or found.value is None:
        return wording.NOT_AVAILABLE
    ends = "" if found.ci95 is None else f"{found.ci95[0]:.2f} to {found.ci95[1]:.2f}, "
    return f"{found.value:.2f} ({ends}n {found.n:,})"
