"""Every coefficient of a batch, of all batches, or of a table of labels, with ties and without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import polars

from labeling.agreement import alpha, cohen, fleiss
from labeling.agreement.figure import Figure, PairOfRaters
from labeling.agreement.intervals import Resampling, estimate
from labeling.agreement.percent import PERCENT
from labeling.agreement.table import RatingTable, from_columns, number
from storage import analytics, batches
from storage.rows import AssignmentKind, Verdict
from storage.workspace import Workspace

TIE = Verdict.TIE.value
ORIENTATION = (
    "A and B are the pair's own two answers, fixed by a hash of the pair's id, "
    "whatever side they were shown on and wherever they come from."
)
AS_LABELED = "Labels are compared as the table writes them."
# below this many shared items an interval is wider than most differences that matter
FEW = 30
# coefficients further apart than this call for a word on prevalence (K. L. Gwet)
_FAR_APART = 0.2
# a label with this share of all judgements makes agreement by chance high
_PREVALENT = 0.8
_VERDICTS = (Verdict.A.value, TIE, Verdict.B.value)


@dataclass(frozen=True)
class Coefficients:
    """How far raters agree. Undefined figures carry their reason.

    Attributes:
        items: items with a judgement; `shared` of them were judged by two or more.
        votes: judgements; `most` is the largest number on one item.
        shares: label -> its share of all judgements, 0 to 1.
        percent_agreement: mean over shared items of the share of agreeing rater pairs.
        cohen_kappa: every two raters who share an item; no interval is resampled here.
        fleiss_kappa: Gwet's form for unequal numbers of raters.
        krippendorff_alpha: nominal.
        krippendorff_alpha_ordinal: None where the labels have no order.
    """

    items: int
    shared: int
    raters: int
    votes: int
    most: int
    shares: Mapping[str, float]
    percent_agreement: Figure
    cohen_kappa: tuple[PairOfRaters, ...]
    fleiss_kappa: Figure
    krippendorff_alpha: Figure
    krippendorff_alpha_ordinal: Figure | None
    gwet_ac1: Figure

    @property
    def prevalent(self) -> str:
        """The label that makes kappa and alpha low although people agree, or empty."""
        kappa, ac1 = self.fleiss_kappa.value, self.gwet_ac1.value
        if not self.shares or kappa is None or ac1 is None:
            return ""
        label, share = max(self.shares.items(), key=lambda each: each[1])
        return label if share >= _PREVALENT or ac1 - kappa > _FAR_APART else ""


@dataclass(frozen=True)
class AgreementReport:
    """The coefficients with ties as a label of their own, and with every tie left out as missing.

    `without_ties` is None where no judgement is a tie. `excluded`: annotator -> votes that do not
    count, where there are any.
    """

    with_ties: Coefficients
    without_ties: Coefficients | None
    orientation: str
    resampling: Resampling
    excluded: Mapping[str, int] = field(default_factory=dict)


def of_batch(workspace: Workspace, batch: str | None = None) -> AgreementReport:
    """The agreement of the annotators of one batch, or of all batches together.

    Kept until a vote comes in.

    Raises:
        NotFoundError: there is no such batch.
        DamagedError: sealed votes cannot be read.
    """
    return of_batches(workspace, [batch])[0]


def of_batches(workspace: Workspace, names: Sequence[str | None]) -> list[AgreementReport]:
    """As `of_batch` for several, all of one moment."""
    with workspace.ledger.read() as db:
        ids = ["" if name is None else batches.get(db, name).id for name in names]
    store = analytics.open(workspace)
    with store.reading() as view:
        return [
            store.kept(
                ("agreement", each),
                view.mark_of_batch(each) if each else view.mark,
                partial(_of_votes, view, each),
            )
            for each in ids
        ]


def of_labels(
    judgements: Iterable[tuple[str, str, str]], how: Resampling | None = None
) -> AgreementReport:
    """The agreement of (item, rater, label), each rater at most once per item."""
    columns: Sequence[Sequence[str]] = list(zip(*judgements, strict=True)) or [(), (), ()]
    return of_table(from_columns(*columns), AS_LABELED, how)


def of_table(
    table: RatingTable, orientation: str, how: Resampling | None = None
) -> AgreementReport:
    """The agreement of a table of ratings."""
    how = how or Resampling()
    has_ties = TIE in table.labels
    return AgreementReport(
        with_ties=_coefficients(table, how),
        without_ties=_coefficients(table.without(TIE), how) if has_ties else None,
        orientation=orientation,
        resampling=how,
    )


def table_of_votes(cast: polars.DataFrame) -> RatingTable:
    """A table of effective votes, one row each: `pair`, `annotator`, `verdict`, `kind`,
    `received_at`.

    Skips are missing, `both_bad` is a tie, and an annotator has one voice on a pair, the latest.
    Only normal assignments count: a lead decides after seeing the votes, and a gold pair is there
    to check the annotator.
    """
    counted = cast.filter(
        polars.col("kind") == AssignmentKind.NORMAL.value,
        polars.col("verdict") != Verdict.SKIP.value,
    ).sort("received_at", maintain_order=True)
    verdicts = counted["verdict"].replace(Verdict.BOTH_BAD.value, TIE)
    return from_columns(counted["pair"], counted["annotator"], verdicts)


def _of_votes(view: analytics.View, batch_id: str) -> AgreementReport:
    found = of_table(table_of_votes(view.effective(batch_id)), ORIENTATION)
    return replace(found, excluded=view.left_out(batch_id))


def _coefficients(table: RatingTable, how: Resampling) -> Coefficients:
    patterns = table.patterns
    order = _order(table.labels)
    return Coefficients(
        items=table.items,
        shared=table.shared,
        raters=len(table.raters),
        votes=table.votes,
        most=int(patterns.counts.sum(axis=1).max(initial=0)),
        shares=table.shares,
        percent_agreement=estimate(PERCENT, patterns, how),
        cohen_kappa=cohen.of_table(table),
        fleiss_kappa=estimate(fleiss.FLEISS, patterns, how),
        krippendorff_alpha=estimate(alpha.NOMINAL, patterns, how),
        krippendorff_alpha_ordinal=(
            estimate(alpha.ORDINAL, patterns.ordered(order), how) if order else None
        ),
        gwet_ac1=estimate(fleiss.AC1, patterns, how),
    )


def _order(labels: tuple[str, ...]) -> list[int]:
    """The positions of the labels from low to high, when all are numbers or all are verdicts; with
    fewer than three there is no order that matters."""
    if len(labels) < 3:
        return []
    if all(number(label) is not None for label in labels):
        return list(range(len(labels)))
    if set(labels) != set(_VERDICTS):
        return []
    return [labels.index(verdict) for verdict in _VERDICTS]
