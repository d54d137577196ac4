"""pairwright prepare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.sampling import Answerers, IntoBatch, SamplingSet, Wait, parse
from console.options import Run, shared

if TYPE_CHECKING:
    from training.answers.asking import Prepared

_SHOWN = 20

Templates = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="Questions, one a line, `counting: How many?` with a category; or .jsonl with "
        "text, category, system.",
    ),
]


@shared
def prepare(
    run: Run,
    pictures: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of PNG, JPEG, WebP, MP4 and WebM files."),
    ],
    templates: Templates,
    start_from: Answerers,
    batch: IntoBatch = "",
    per_picture: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Questions drawn for each picture. Default: all."),
    ] = None,
    settings: SamplingSet = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at the pictures and count; queue nothing.")
    ] = False,
    wait: Wait = False,
) -> None:
    """Make a batch from pictures, videos and questions.

    Every picture and video is asked about with every question; a model answers each twice, or
    several models once each, and two answers that differ become a pair. Those that cannot be used
    are counted and left out.
    """
    from console.commands import jobs
    from console.progress import counting
    from training.answers import asking

    if not dry_run and not batch:
        raise typer.BadParameter("answers become pairs of a batch: name it with --batch")
    chosen = parse(settings, start_from)
    if chosen.answers < 2 and len(start_from) == 1:
        raise typer.BadParameter("a pair takes two answers or more: answers=2")
    with counting(run.output, "Looking at the pictures") as advance:
        looked = asking.look(pictures, advance)
    prepared = asking.prepare(looked, asking.read_templates(templates), per_picture, chosen.seed)
    if dry_run:
        run.output.show(_as_result(prepared), *_sentences(prepared))
        return
    for sentence in _sentences(prepared):
        run.output.say(sentence)
    with run.workspace() as workspace:
        first, *rivals = start_from
        job = asking.submit(
            workspace, prepared, start_from=first, batch=batch, settings=chosen, rivals=rivals
        )
        told = {"prepared": _as_result(prepared)}
        jobs.show_outcome(run, workspace, job, wait, lambda _: (told, ""))


def _as_result(prepared: Prepared) -> dict[str, object]:
    broken = [vars(one) for one in prepared.looked.broken]
    return {**prepared.counts(), "broken_files": broken}


def _sentences(prepared: Prepared) -> list[str]:
    counts = prepared.counts()
    said = [
        f"{counts['pictures']:,} pictures, {counts['videos']:,} videos and "
        f"{counts['templates']:,} questions: "
        f"{counts['prompts']:,} prompts. {counts['broken']:,} files cannot be used, "
        f"{counts['twice']:,} are there twice."
    ]
    said += [f"  {one.name}: {one.reason}" for one in prepared.looked.broken[:_SHOWN]]
    if counts["broken"] > _SHOWN:
        said.append(f"  and {counts['broken'] - _SHOWN} more; --dry-run --json lists them all")
    return said
