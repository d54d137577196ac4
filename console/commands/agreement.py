"""pairwright agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from labeling.agreement.figure import Figure, PairOfRaters
    from labeling.agreement.report import AgreementReport, Coefficients

_PAIRS_SHOWN = 30
_FIGURES = {
    "percent_agreement": "percent agreement",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "gwet_ac1": "Gwet's AC1",
}


@shared
def agreement(
    run: Run,
    batch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only the votes of this batch. Default: all votes."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV file instead of votes: item,rater,label; an empty label is missing.",
        ),
    ] = None,
) -> None:
    """Measure how far annotators agree.

    Percent, Cohen's kappa of every two annotators, Fleiss' kappa, Krippendorff's alpha and Gwet's
    AC1, each with its 95% interval, with ties as a verdict and without.
    """
    if table is not None and batch is not None:
        raise typer.BadParameter("--batch and --table exclude each other.")
    report = _of_file(table) if table is not None else _of_votes(run, batch)
    about = {"batch": batch, "table": None if table is None else str(table)}
    run.output.show({**about, **as_json(report)}, *_sentences(report))
    if not run.output.as_json:
        _tables(run, report)


def as_json(report: AgreementReport) -> dict[str, Any]:
    """The report as the command and the API answer it: ties count as a label, and beside it the
    same without ties."""
    how = report.resampling
    without = report.without_ties
    return {
        **_coefficients(report.with_ties),
        "without_ties": None if without is None else _coefficients(without),
        "excluded_votes": dict(report.excluded),
        "orientation": report.orientation,
        "intervals": {
            "level": 0.95,
            "method": "percentiles over resampled items; for Cohen's kappa its large-sample "
            "standard error (Fleiss, Cohen, Everitt 1969); where all agree, Wilson's",
            "resamples": how.resamples,
            "seed": how.seed,
        },
    }


def _of_file(table: Path) -> AgreementReport:
    from labeling.agreement import report
    from storage import ratings

    return report.of_labels(ratings.read_csv(table))


def _of_votes(run: Run, batch: str | None) -> AgreementReport:
    from console.commands.batches import check_known
    from labeling.agreement import report

    with run.workspace() as workspace:
        check_known(workspace, batch)
        return report.of_batch(workspace, batch)


def _coefficients(found: Coefficients) -> dict[str, Any]:
    ordinal = found.krippendorff_alpha_ordinal
    return {
        "items": found.items,
        "shared_items": found.shared,
        "raters": found.raters,
        "votes": found.votes,
        "label_shares": dict(found.shares),
        "percent_agreement": found.percent_agreement.value,
        "percent": vars(found.percent_agreement),
        "cohen_kappa": [vars(pair) for pair in found.cohen_kappa],
        "fleiss_kappa": vars(found.fleiss_kappa),
        "krippendorff_alpha": vars(found.krippendorff_alpha),
        "krippendorff_alpha_ordinal": None if ordinal is None else vars(ordinal),
        "gwet_ac1": vars(found.gwet_ac1),
    }


def _sentences(report: AgreementReport) -> list[str]:
    from console.views import exclusions

    found = report.with_ties
    return [
        f"{found.votes} judgements of {found.raters} raters on {found.items} items; "
        f"{found.shared} items were judged by two or more.",
        *([exclusions.sentence(report.excluded)] if report.excluded else []),
        report.orientation,
        f"95% intervals from {report.resampling.resamples} resamples of the items "
        f"(seed {report.resampling.seed}); Cohen's from its standard error.",
        "",
    ]


def _tables(run: Run, report: AgreementReport) -> None:
    both = [("all", report.with_ties)]
    if report.without_ties is not None:
        both.append(("all but ties", report.without_ties))
    run.output.table(
        ("figure", "labels", "value", "95% interval", "items", "reason"),
        [
            (name, title, *_figure(figure))
            for key, name in _FIGURES.items()
            for title, found in both
            if (figure := getattr(found, key)) is not None
        ],
    )
    pairs = sorted(report.with_ties.cohen_kappa, key=lambda pair: -pair.n)
    if not pairs:
        return
    run.output.table(
        ("Cohen's kappa of", "and", "value", "95% interval", "items", "percent", "reason"),
        [_pair(pair) for pair in pairs[:_PAIRS_SHOWN]],
    )
    if len(pairs) > _PAIRS_SHOWN:
        run.output.say(f"And {len(pairs) - _PAIRS_SHOWN} more pairs; --json lists them all.")


def _figure(figure: Figure) -> tuple[str, str, int, str]:
    return _value(figure.value), _interval(figure.ci95), figure.n, figure.reason


def _pair(pair: PairOfRaters) -> tuple[str, str, str, str, str, str, str]:
    from labeling.agreement.report import FEW

    few = f"{pair.n} (few)" if pair.n < FEW else str(pair.n)
    percent = f"{100 * pair.percent_agreement:.1f}%"
    return (*pair.raters, _value(pair.value), _interval(pair.ci95), few, percent, pair.reason)


def _value(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _interval(ends: tuple[float, float] | None) -> str:
    return "n/a" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
