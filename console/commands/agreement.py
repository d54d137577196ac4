"""pairwright agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labeling.agreement.figure import Figure, PairOfRaters
    from labeling.agreement.report import AgreementReport, Coefficients
    from labeling.judges import JudgeAgreement

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
    by: Annotated[
        Literal["batch", "category", "round", "checkpoints"] | None,
        typer.Option(
            metavar="batch|category|round|checkpoints",
            help="Also on every part of the votes: by batch, by category of the prompt, by how "
            "often the model behind the answers was trained, or by who gave the two answers.",
        ),
    ] = None,
) -> None:
    """Measure how far annotators agree.

    Percent, Cohen's kappa of every two annotators, Fleiss' kappa, Krippendorff's alpha and Gwet's
    AC1, each with its 95% interval, with ties as a verdict and without.
    """
    from console.views import judged

    if table is not None and (batch is not None or by is not None):
        raise typer.BadParameter("--table excludes --batch and --by.")
    if table is not None:
        report, parts, judges = _of_file(table), None, None
    else:
        report, parts = _of_votes(run, batch, by)
        judges = _of_judges(run, batch)
    about = {"batch": batch, "table": None if table is None else str(table)}
    grouped = {"by": by, "parts": None if parts is None else parts_as_json(parts)}
    beside = {"judges": None if judges is None else judged.as_json(judges)}
    run.output.show({**about, **as_json(report), **grouped, **beside}, *_sentences(report))
    if not run.output.as_json:
        _tables(run, report)
        _part_tables(run, by or "", parts or {})
        _judge_table(run, judges or [])


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


def parts_as_json(parts: Mapping[str, AgreementReport]) -> dict[str, Any]:
    """Part -> its coefficients, and beside them the same without ties."""
    return {
        name: {
            **_coefficients(one.with_ties),
            "without_ties": None if one.without_ties is None else _coefficients(one.without_ties),
        }
        for name, one in parts.items()
    }


def _of_file(table: Path) -> AgreementReport:
    from labeling.agreement import report
    from storage import ratings

    return report.of_labels(ratings.read_csv(table))


def _of_votes(
    run: Run, batch: str | None, by: str | None
) -> tuple[AgreementReport, Mapping[str, AgreementReport] | None]:
    from console.commands.batches import check_known
    from labeling.agreement import groups, report

    with run.workspace() as workspace:
        check_known(workspace, batch)
        parts = None if by is None else groups.measure(workspace, by, batch)
        return report.of_batch(workspace, batch), parts


def _of_judges(run: Run, batch: str | None) -> list[JudgeAgreement]:
    from labeling import judges

    with run.workspace() as workspace:
        return judges.against_experts(workspace, batch)


def _judge_table(run: Run, judges: Sequence[JudgeAgreement]) -> None:
    """Models as judges, each against what the experts settled."""
    from console.views import judged

    if not judges:
        return
    run.output.say(judged.ABOUT)
    heads = ("judge", "told", "judged", "same in both orders", "kappa", "without ties", "note")
    run.output.table(heads, [list(vars(judged.line(one)).values()) for one in judges])


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
        (
            *("Cohen's kappa of", "and", "value", "95% interval", "items", "percent"),
            *("prevalence", "bias", "reason"),
        ),
        [_pair(pair) for pair in pairs[:_PAIRS_SHOWN]],
    )
    if len(pairs) > _PAIRS_SHOWN:
        run.output.say(f"And {len(pairs) - _PAIRS_SHOWN} more pairs; --json lists them all.")


def _part_tables(run: Run, by: str, parts: Mapping[str, AgreementReport]) -> None:
    """A line for every part, and one more where it has ties, without them."""
    if not parts:
        return
    names = ("percent_agreement", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")
    lines = [
        (
            name,
            title,
            f"{found.shared} of {found.items}",
            *(_with_interval(getattr(found, figure)) for figure in names),
        )
        for name, one in parts.items()
        for title, found in (("all", one.with_ties), ("all but ties", one.without_ties))
        if found is not None
    ]
    heads = (by, "labels", "shared", *(_FIGURES[name] for name in names))
    run.output.table(heads, lines)


def _with_interval(figure: Figure) -> str:
    if figure.value is None:
        return "n/a"
    return f"{_value(figure.value)} ({_interval(figure.ci95)})"


def _figure(figure: Figure) -> tuple[str, str, int, str]:
    return _value(figure.value), _interval(figure.ci95), figure.n, figure.reason


def _pair(pair: PairOfRaters) -> tuple[str, ...]:
    from labeling.agreement.report import FEW

    few = f"{pair.n} (few)" if pair.n < FEW else str(pair.n)
    percent = f"{100 * pair.percent_agreement:.1f}%"
    value = (_value(pair.value), _interval(pair.ci95), few, percent)
    return (*pair.raters, *value, f"{pair.prevalence:.2f}", f"{pair.bias:.2f}", pair.reason)


def _value(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _interval(ends: tuple[float, float] | None) -> str:
    return "n/a" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
