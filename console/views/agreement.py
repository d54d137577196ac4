"""What the Agreement page shows: every coefficient with its interval, and annotators two by two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import agreement_missing, coefficients, exclusions, wording
from console.views.agreement_missing import Missing
from labeling.agreement import report
from labeling.agreement.figure import Figure, PairOfRaters
from labeling.agreement.report import FEW, AgreementReport, Coefficients
from storage import batches
from storage.workspace import Workspace

COUNTED = "count as a verdict"
LEFT_OUT = "are left out"
TIES = (COUNTED, LEFT_OUT)
# a matrix of more annotators than this is too small to read
MOST_IN_MATRIX = 20

# indices from which kappa misleads: 80% of the votes say one of two, or a fifth is said differently
_PREVALENT, _BIASED = 0.6, 0.2
_VERDICT_NAMES = {"a": "A is better", "b": "B is better", "tie": "too close to call"}
_MEANINGS = {
    "Percent agreement": "How often two annotators give the same verdict. Chance is in it.",
    "Krippendorff's alpha": "Agreement beyond chance for any number of annotators, votes missing "
    "or not.",
    "Krippendorff's alpha, ordinal": "The same with a tie between A and B: A against a "
    "tie weighs less than A against B.",
    "Gwet's AC1": "Agreement beyond chance that stays put when one verdict is very common.",
    "Fleiss' kappa": "Agreement beyond chance, Gwet's form for unequal numbers of annotators.",
}
# the fields of Coefficients that `_MEANINGS` explains, in the same order
_FIELDS = (
    *("percent_agreement", "krippendorff_alpha", "krippendorff_alpha_ordinal"),
    *("gwet_ac1", "fleiss_kappa"),
)


@dataclass(frozen=True)
class FigureLine:
    """One coefficient, with ties as a verdict and with ties left out."""

    figure: str
    value: str
    interval: str
    n: int
    without: str
    without_interval: str
    without_n: str
    meaning: str


@dataclass(frozen=True)
class PairLine:
    """Two annotators. `note` says when n is too small, why kappa is low although they agree, or why
    there is no number."""

    one: str
    other: str
    kappa: str
    interval: str
    n: int
    percent: str
    prevalence: str
    bias: str
    note: str
    is_few: bool


@dataclass(frozen=True)
class Matrix:
    """Cohen's kappa between annotators: `values[row][column]`, None where there is none."""

    names: Sequence[str]
    values: Sequence[Sequence[float | None]]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True)
class AgreementPage:
    """The page of one choice. With `missing` there are neither figures nor pairs."""

    facts: str
    missing: Missing | None = None
    figures: Sequence[FigureLine] = ()
    notes: Sequence[str] = ()
    pairs: Sequence[PairLine] = ()
    matrix: Matrix | None = None
    unpaired: str = ""


def choices(workspace: Workspace) -> list[str]:
    """The names of the batches, oldest first."""
    with workspace.ledger.read() as db:
        return [batch.name for batch in batches.listed(db)]


def prepare(workspace: Workspace, batch: str, ties: str) -> AgreementPage:
    """Measure the votes of a batch, of all when `batch` is empty.

    Args:
        ties: one of `TIES`, for the annotators two by two.

    Raises:
        NotFoundError: there is no such batch.
    """
    found = report.of_batch(workspace, batch or None)
    facts = f"{_facts(found.with_ties)} {exclusions.sentence(found.excluded)}".rstrip()
    if not found.with_ties.shared:
        return AgreementPage(facts, agreement_missing.of_votes(workspace, batch, found.with_ties))
    shown = found.without_ties if ties == LEFT_OUT and found.without_ties else found.with_ties
    by_size = sorted(shown.cohen_kappa, key=lambda pair: (-pair.n, pair.raters))
    return AgreementPage(
        facts=facts,
        figures=_figures(found),
        notes=[*_notes(found), *_beyond(workspace, batch, found.with_ties)],
        pairs=[_pair(pair) for pair in by_size],
        matrix=_matrix(shown.cohen_kappa),
        unpaired=_unpaired(shown),
    )


def _facts(found: Coefficients) -> str:
    votes = wording.count(found.votes, "vote")
    people = wording.count(found.raters, "annotator")
    pairs = wording.count(found.items, "pair")
    verb = "was" if found.shared == 1 else "were"
    return f"{votes} of {people} on {pairs}; {found.shared:,} {verb} judged by two or more."


def _figures(found: AgreementReport) -> list[FigureLine]:
    one, other = found.with_ties, found.without_ties
    lines = []
    for name, title in zip(_FIELDS, _MEANINGS, strict=True):
        figure: Figure | None = getattr(one, name)
        without: Figure | None = getattr(other, name) if other else None
        if figure is not None:
            lines.append(_figure(title, figure, without))
    return lines


def _figure(title: str, figure: Figure, without: Figure | None) -> FigureLine:
    is_share = title == "Percent agreement"
    return FigureLine(
        figure=title,
        value=coefficients.value(figure.value, is_share),
        interval=coefficients.interval(figure.ci95, is_share),
        n=figure.n,
        without=coefficients.value(without.value, is_share) if without else "",
        without_interval=coefficients.interval(without.ci95, is_share) if without else "",
        without_n=f"{without.n:,}" if without else "",
        meaning=figure.reason.capitalize() + "." if figure.reason else _MEANINGS[title],
    )


def _notes(found: AgreementReport) -> list[str]:
    how = found.resampling
    notes = [
        found.orientation,
        f"n counts pairs. 95% intervals from {how.resamples:,} resamples of the pairs, always the "
        "same ones; Cohen's kappa from its large-sample standard error; Wilson's where all agree.",
    ]
    prevalent = found.with_ties.prevalent
    if prevalent:
        share = wording.share(found.with_ties.shares[prevalent])
        name = _VERDICT_NAMES.get(prevalent, prevalent)
        notes.append(
            f"{share} of the votes say \N{LEFT DOUBLE QUOTATION MARK}{name}"
            "\N{RIGHT DOUBLE QUOTATION MARK}. When one verdict is so common, agreeing by chance is "
            "likely, and kappa and alpha are low even where people nearly always agree. Read AC1 "
            "and the percentage beside them."
        )
    if found.with_ties.cohen_kappa:
        notes.append(
            "Two by two, prevalence is 0 where all verdicts are equally common and 1 where only "
            "one is given; bias is 0 where both give each verdict equally often. A high prevalence "
            "lowers kappa although people agree; a high bias says that one leans to a verdict."
        )
    few = found.with_ties.shared < FEW
    if few:
        notes.append(f"Fewer than {FEW} shared pairs: the intervals are too wide to decide on.")
    return notes


def _beyond(workspace: Workspace, batch: str, found: Coefficients) -> list[str]:
    """A word on reviewers: who sees only hard pairs agrees less, whoever it is."""
    with workspace.ledger.read() as db:
        looked_at = [batches.get(db, batch)] if batch else batches.listed(db)
    overlap = max(each.overlap for each in looked_at)
    if found.most <= overlap:
        return []
    return [
        f"Pairs that were too close or disputed got more votes than the overlap of {overlap}. Who "
        "came in for these shares only hard pairs with others: a lower kappa is no fault of theirs."
    ]


def _pair(pair: PairOfRaters) -> PairLine:
    return PairLine(
        one=pair.raters[0],
        other=pair.raters[1],
        kappa=coefficients.value(pair.value),
        interval=coefficients.interval(pair.ci95),
        n=pair.n,
        percent=wording.share(pair.percent_agreement),
        prevalence=coefficients.value(pair.prevalence),
        bias=coefficients.value(pair.bias),
        note=_note(pair),
        is_few=pair.n < FEW,
    )


def _note(pair: PairOfRaters) -> str:
    """The first that holds: no number, too few pairs, or one of the two paradoxes of kappa."""
    if pair.reason:
        return pair.reason.capitalize()
    if pair.n < FEW:
        return f"few (under {FEW})"
    if pair.prevalence >= _PREVALENT:
        return "one verdict prevails: kappa is low for their agreement"
    if pair.bias >= _BIASED:
        return "they use the verdicts differently often"
    return ""


def _matrix(pairs: Sequence[PairOfRaters]) -> Matrix | None:
    names = sorted({name for pair in pairs for name in pair.raters})
    if not 2 < len(names) <= MOST_IN_MATRIX:
        return None
    place = {name: number for number, name in enumerate(names)}
    values: list[list[float | None]] = [[None] * len(names) for _ in names]
    counts = [[0] * len(names) for _ in names]
    for pair in pairs:
        one, other = (place[name] for name in pair.raters)
        values[one][other] = values[other][one] = pair.value
        counts[one][other] = counts[other][one] = pair.n
    return Matrix(names, values, counts)


def _unpaired(shown: Coefficients) -> str:
    possible = shown.raters * (shown.raters - 1) // 2
    apart = possible - len(shown.cohen_kappa)
    if not apart:
        return ""
    return f"{apart:,} of {possible:,} pairs of annotators share no pair and are not listed."
