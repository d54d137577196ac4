"""pairwright batch create, list, show, gold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from labeling.reliability import Reliability
    from storage.ledger import Connection
    from storage.rows import Batch, EffectiveVote
    from storage.workspace import Workspace

WHEN_NONE = "Make one: pairwright import FILE --batch NAME"
Rubric = Annotated[
    str | None,
    typer.Option(
        metavar="PRESET|FILE",
        help="What annotators rate on each answer, 1 to 5: grounding, safety, or a JSON file.",
        show_default=False,
    ),
]
Guidelines = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Text with what annotators should know.")
]
BothBad = Annotated[
    bool, typer.Option("--both-bad", help="Annotators may say that both answers are bad.")
]
Confidence = Annotated[bool, typer.Option("--confidence", help="Annotators say how sure they are.")]
ReviewLimit = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Votes in all that a pair gets while it is too close to call or disputed; then it "
        "waits for a lead. 0: no reviews.",
    ),
]
GoldRate = Annotated[
    float,
    typer.Option(metavar="SHARE", help="Gold pairs per normal pair, 0 to 0.5. See batch gold."),
]
RepeatRate = Annotated[
    float,
    typer.Option(
        metavar="SHARE", help="Pairs shown again with sides swapped, per normal pair, 0 to 0.5."
    ),
]
_COLUMNS = {"name": "name", "pairs": "pairs", "overlap": "overlap", "votes": "votes"}


@shared
def create(
    run: Run,
    name: Annotated[str, typer.Argument(help="Name of the new batch.")],
    overlap: Annotated[int, typer.Option(min=1, metavar="N", help="Votes wanted per pair.")] = 1,
    guidelines: Guidelines = None,
    both_bad: BothBad = False,
    rubric: Rubric = None,
    confidence: Confidence = False,
    review_limit: ReviewLimit = 5,
    gold_rate: GoldRate = 0.0,
    repeat_rate: RepeatRate = 0.0,
) -> None:
    """Make an empty batch.

    Import and sample put pairs into it, or make one of their own.
    """
    from labeling import rubrics
    from storage import batches

    text = read_guidelines(guidelines) if guidelines else ""
    asked = rubrics.chosen(rubric) if rubric else ""
    with run.workspace() as workspace, workspace.ledger.write() as tx:
        batch = batches.create(
            tx,
            name,
            overlap=overlap,
            guidelines=text,
            rubric=asked,
            both_bad=both_bad,
            confidence=confidence,
            review_limit=review_limit,
            gold_rate=gold_rate,
            repeat_rate=repeat_rate,
        )
    run.output.show(
        {"batch": batch.name, "overlap": batch.overlap, **_settings(batch)},
        f"Batch {batch.name} was made, {batch.overlap} votes wanted per pair.",
        f"Next: pairwright import FILE --batch {batch.name}",
    )


@shared
def list_batches(run: Run) -> None:
    """List the batches with their pairs and votes."""
    from storage import batches

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = [_summary(db, batch) for batch in batches.listed(db)]
    run.output.show_rows("batches", found, _COLUMNS, f"There is no batch yet. {WHEN_NONE}")


@shared
def show(run: Run, name: Annotated[str, typer.Argument(help="Name of a batch.")]) -> None:
    """Show one batch, with votes by annotator.

    gold_accuracy is the share of gold pairs judged right, self_consistency the share of repeats
    judged as the first time.
    """
    from console import names
    from console.views import exclusions
    from labeling import reliability
    from storage import batches, gold
    from storage import exclusions as storage_exclusions

    with run.workspace() as workspace, workspace.ledger.read() as db:
        names.check("batch", name, (batch.name for batch in batches.listed(db)), WHEN_NONE)
        batch = batches.get(db, name)
        found = {**_summary(db, batch), "by_annotator": _by_annotator(db, batch)}
        found |= {"excluded_votes": storage_exclusions.in_force(db).counted(_cast(db, batch))}
        found |= {"guidelines": batch.guidelines, **_settings(batch)}
        found |= {"gold_pairs": len(gold.winners(db, batch.id))}
        checked = reliability.of_batch(db, batch.id)
    found |= {"checks": {each.annotator: _figures(each) for each in checked}}
    run.output.show(
        found,
        f"Batch {name}: {found['pairs']} pairs, overlap {batch.overlap}, {found['votes']} votes.",
        *(f"  {who}: {count} votes" for who, count in found["by_annotator"].items()),
        *([exclusions.sentence(found["excluded_votes"])] if found["excluded_votes"] else []),
        *(_checked(each) for each in checked),
        *([batch.guidelines] if batch.guidelines else []),
    )


@shared
def gold(
    run: Run,
    name: Annotated[str, typer.Argument(help="Name of a batch.")],
    labeled_by: Annotated[
        str,
        typer.Option(metavar="WHO", help="Whose imported labels say which answer is right."),
    ],
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only prompts of this category. May be repeated."),
    ] = None,
) -> None:
    """Make labeled pairs of a batch its gold pairs, to check annotators with.

    Take only labels that can be decided beyond doubt, such as counts. Gold pairs get no other votes
    and come at the batch's gold rate. Labels of nobody take all gold marks away.
    """
    from console import names
    from storage import batches
    from storage import gold as gold_pairs

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        names.check("batch", name, (batch.name for batch in batches.listed(tx)), WHEN_NONE)
        batch = batches.get(tx, name)
        marked = gold_pairs.mark(tx, batch.id, labeled_by, category or ())
    run.output.show(
        {"batch": name, **vars(marked)},
        f"Batch {name} has {marked.gold} gold pairs. Left out: {marked.conflicting} with labels "
        f"for both answers, {marked.other_category} of other categories.",
        *([] if batch.gold_rate else ["The batch's gold rate is 0, so none is shown to anybody."]),
    )


def check_known(workspace: Workspace, batch: str | None) -> None:
    """Raise NotFoundError with the nearest name where no batch has this one; None is all."""
    from console import names
    from storage import batches

    if batch is not None:
        with workspace.ledger.read() as db:
            names.check("batch", batch, (known.name for known in batches.listed(db)), WHEN_NONE)


COMMANDS = {"create": create, "list": list_batches, "show": show, "gold": gold}


def _figures(checked: Reliability) -> dict[str, Any]:
    return {
        "gold_accuracy": vars(checked.gold_accuracy),
        "self_consistency": vars(checked.self_consistency),
    }


def _checked(checked: Reliability) -> str:
    shares = (
        ("gold pairs judged right", checked.gold_accuracy),
        ("repeats judged the same", checked.self_consistency),
    )
    said = [
        f"{figure.value:.0%} of {figure.n} {what} (95% interval {figure.ci95[0]:.0%} to "
        f"{figure.ci95[1]:.0%})"
        for what, figure in shares
        if figure.value is not None and figure.ci95 is not None
    ]
    return f"  {checked.annotator}: {', '.join(said)}"


def _settings(batch: Batch) -> dict[str, Any]:
    names = (
        *("both_bad", "confidence", "review_limit", "gold_rate", "repeat_rate"),
        *("guidelines_version", "qualification_pairs", "qualification_pass"),
    )
    rubric = json.loads(batch.rubric) if batch.rubric.startswith("{") else batch.rubric or None
    return {"rubric": rubric, **{name: getattr(batch, name) for name in names}}


def _summary(db: Connection, batch: Batch) -> dict[str, Any]:
    from storage import batches

    return {
        "name": batch.name,
        "pairs": batches.pair_count(db, batch.id),
        "overlap": batch.overlap,
        "votes": len(_cast(db, batch)),
        "created_at": batch.created_at,
    }


def _by_annotator(db: Connection, batch: Batch) -> dict[str, int]:
    from collections import Counter

    return dict(sorted(Counter(vote.annotator for vote in _cast(db, batch)).items()))


def _cast(db: Connection, batch: Batch) -> list[EffectiveVote]:
    """The annotators' votes, without decisions of leads. Excluded ones were cast all the same."""
    from storage import votes
    from storage.rows import AssignmentKind

    kinds = (AssignmentKind.NORMAL, AssignmentKind.GOLD)
    return votes.cast(db, batch_id=batch.id, kinds=kinds)


def read_guidelines(path: Path) -> str:
    """The text of a file, UTF-8. Raises BadParameter where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read as text ({error})") from error
