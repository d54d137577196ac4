"""pairwright annotator list, show, exclude, readmit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from labeling.quality.biases import Biases
    from labeling.quality.leaning import Leaning
    from labeling.quality.people import Person
    from labeling.quality.report import QualityReport

_COLUMNS = {
    "annotator": "annotator",
    "judged": "judged",
    "skips": "skips",
    "ties": "ties",
    "pairs/hour": "pairs_per_hour",
    "left": "left_share",
    "gold": "gold_accuracy",
    "same again": "self_consistency",
    "accuracy": "estimated_accuracy",
    "findings": "finding_count",
    "counted": "state",
}
_WHEN_NONE = "Nobody has voted yet. Hand out a link: pairwright link create --batch NAME"

Who = Annotated[str, typer.Argument(metavar="WHO", help="The name on the link.")]
InBatch = Annotated[
    str | None, typer.Option("--batch", metavar="NAME", help="Only there. Default: everywhere.")
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept for good.")]
By = Annotated[str, typer.Option(metavar="WHO", help="Who says so.")]
Batch = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all of them.")
]


@shared
def list_annotators(run: Run, batch: Batch = None) -> None:
    """List who voted: pace, sides, accuracy, what stands out, and whose votes are excluded.

    With --json every figure has n and its 95% interval, and the leanings of all votes to a side,
    to length and to layout are there too.
    """
    from console.views import exclusions

    report, states = _report(run, batch), _states(run, batch)
    if run.output.as_json:
        run.output.show(
            {
                "batch": batch,
                "annotators": [
                    as_json(person) | {"state": states.get(person.annotator, "")}
                    for person in report.people
                ],
                "excluded_votes": dict(report.excluded),
                "biases": _biases(report.biases),
                "biases_by_category": {
                    name: _biases(found) for name, found in report.by_category.items()
                },
            }
        )
        return
    rows = [
        _row(person) | {"state": states.get(person.annotator) or "yes"} for person in report.people
    ]
    run.output.show_rows("annotators", rows, _COLUMNS, _WHEN_NONE)
    if report.excluded:
        run.output.say(f"{exclusions.sentence(report.excluded)} No estimate rests on them.")


@shared
def show(
    run: Run,
    annotator: Who,
    batch: Batch = None,
) -> None:
    """Show one annotator: every figure with its interval, what stands out and what to do."""
    from console import names

    report = _report(run, batch)
    people = {person.annotator: person for person in report.people}
    names.check("annotator", annotator, people, _WHEN_NONE)
    person = people[annotator]
    told = [f"{found.what}. {found.do}" for found in person.findings]
    figures = as_json(person)
    lines = [f"{name.replace('_', ' ')}: {_words(value)}" for name, value in figures.items()]
    run.output.show(figures, *lines[:-1], *(told or ["Nothing stands out."]))


@shared
def exclude(
    run: Run, annotator: Who, reason: Reason, batch: InBatch = None, by: By = "lead"
) -> None:
    """Let the votes of an annotator not count, those to come included.

    They stay in the log and on the pages of their pairs, marked. No agreement, consensus, estimate,
    bias or new dataset version rests on them until annotator readmit. Decisions as a lead stand,
    links go on working, and pairs are not offered anew for votes that are excluded.
    """
    from console.views import exclusions

    with run.workspace() as workspace:
        event = exclusions.exclude(workspace, annotator, batch or "", by, reason)
    where = f"batch {event.batch}" if event.batch else "any batch"
    option = f" --batch {event.batch}" if event.batch else ""
    run.output.show(
        exclusions.as_json(event),
        f"No vote of {annotator} counts in {where} any more.",
        f"Take it back with: pairwright annotator readmit {annotator} --reason TEXT{option}",
    )


@shared
def readmit(
    run: Run, annotator: Who, reason: Reason, batch: InBatch = None, by: By = "lead"
) -> None:
    """Take an exclusion back: the votes count again.

    An exclusion from one batch is taken back with the same --batch.
    """
    from console.views import exclusions

    with run.workspace() as workspace:
        event = exclusions.readmit(workspace, annotator, batch or "", by, reason)
    where = f"in batch {event.batch}" if event.batch else "again"
    run.output.show(exclusions.as_json(event), f"The votes of {annotator} count {where}.")


def _states(run: Run, batch: str | None) -> dict[str, str]:
    """Annotator -> where the votes do not count."""
    from console.views import exclusions
    from storage import batches

    with run.workspace() as workspace:
        standing, _ = exclusions.read(workspace)
        with workspace.ledger.read() as db:
            batch_id = None if batch is None else batches.get(db, batch).id
    names = {one.annotator for one in standing.standing}
    return {name: exclusions.state(standing.of(name, batch_id)) for name in names}


def as_json(person: Person) -> dict[str, Any]:
    """A person as `--json` says it."""
    accuracy = person.accuracy
    return {
        "annotator": person.annotator,
        "judged": person.judged,
        "votes": person.votes,
        "skips": person.skips,
        "ties": person.ties,
        "active_hours": person.hours,
        "pairs_per_hour": person.pairs_per_hour,
        "median_seconds": person.median_seconds,
        "fast_share": person.fast,
        "left": _leaning(person.left) | {"p_corrected": person.left_p},
        "gold_accuracy": person.gold,
        "self_consistency": person.consistency,
        "estimated_accuracy": accuracy,
        "competence": person.competence,
        "reliability": person.reliability,
        "excluded_votes": person.excluded,
        "findings": list(person.findings),
    }


def _report(run: Run, batch: str | None) -> QualityReport:
    from console.commands.batches import check_known
    from labeling.quality import report

    with run.workspace() as workspace:
        check_known(workspace, batch)
        return report.of_batch(workspace, batch)


def _row(person: Person) -> dict[str, Any]:
    accuracy = person.accuracy
    return as_json(person) | {
        "left_share": person.left.share,
        "gold_accuracy": None if person.gold is None else person.gold.value,
        "self_consistency": None if person.consistency is None else person.consistency.value,
        "estimated_accuracy": None if accuracy is None else accuracy.value,
        "finding_count": len(person.findings),
    }


def _biases(found: Biases) -> dict[str, Any]:
    return {
        "position": _leaning(found.position),
        "length": _leaning(found.length),
        "length_by_ratio": {
            f"{low:g}": _leaning(leaning) for low, leaning in found.by_ratio.items()
        },
        "layout": _leaning(found.layout),
    }


def _leaning(found: Leaning) -> dict[str, Any]:
    return {"value": found.share, "ci95": found.ci95, "n": found.n, "p": found.p}


def _words(value: Any) -> str:
    """A figure in a line: its value with interval and n."""
    from console.output import as_text, plain_value

    plain = plain_value(value)
    if not isinstance(plain, dict):
        return as_text(plain)
    ends = plain.get("ci95")
    count = plain.get("n", plain.get("votes"))
    if plain["value"] is None or not ends:
        return "n/a"
    return f"{plain['value']:.3f} ({ends[0]:.3f} to {ends[1]:.3f}, n {count:,})"


COMMANDS = {"list": list_annotators, "show": show, "exclude": exclude, "readmit": readmit}
