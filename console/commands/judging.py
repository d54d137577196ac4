"""pairwright judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.sampling import Wait
from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import Job

Asked = Annotated[
    str,
    typer.Option(
        "--judge",
        metavar="MODEL|URL",
        help="A model or checkpoint of this workspace, or an address that speaks as OpenAI's "
        "does, up to its version: https://judge.example/v1",
    ),
]
Instructions = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="What the judge is told. Default: a text on truth, task, clarity."
    ),
]
KeyVariable = Annotated[
    str,
    typer.Option(
        metavar="VAR",
        help="Environment variable of the worker with the key of the address. The key is sent "
        "and never kept.",
    ),
]


@shared
def judge(
    run: Run,
    batch: Annotated[str, typer.Option(metavar="NAME", help="Batch whose pairs are judged.")],
    asked: Asked,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="What the address calls its model.")
    ] = "",
    instructions: Instructions = None,
    key_variable: KeyVariable = "JUDGE_API_KEY",
    again: Annotated[
        bool, typer.Option("--again", help="Also pairs that it has labeled by these instructions.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of judging: tries=8"),
    ] = None,
    wait: Wait = False,
) -> None:
    """Let a model say which answers are better.

    It is asked about every pair in both orders; where it contradicts itself the pair is a tie. Its
    labels have the source `model`: they never count in agreement between people, and enter a
    dataset version only with `dataset build --with-judge`.
    """
    from console.commands import jobs
    from console.commands.batches import check_known
    from training.judging import submission
    from training.judging.submission import JudgeAsked
    from training.settings import keys
    from training.settings import spec as specs

    told = _told(instructions)
    who = JudgeAsked(asked, model, told, key_variable, again)
    chosen = specs.parse_judging(keys.parse_overrides(settings or []))
    with run.workspace() as workspace:
        check_known(workspace, batch)
        job = submission.submit(workspace, batch=batch, asked=who, settings=chosen)
        jobs.show_outcome(run, workspace, job, wait, _ended)


def _told(path: Path | None) -> str:
    from storage.errors import WrongInputError
    from training.judging.question import check_instructions

    if path is None:
        return ""
    try:
        return check_instructions(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongInputError(
            f"{path} cannot be read as instructions ({type(error).__name__}).",
            "Give a text file in UTF-8.",
        ) from error


def _ended(job: Job) -> tuple[dict[str, object], str]:
    from console.views import judged

    return {}, judged.sentence((job.result or {}).get("metrics") or {})
