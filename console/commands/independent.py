"""pairwright benchmark, and what activate and push ask of its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.independent.comparison import Compared
    from storage.independent_results import IndependentResult
    from storage.rows import Checkpoint, Job
    from storage.workspace import Workspace

_HEADINGS = ("benchmark", "figure", "value", "95% interval", "n", "kind", "made", "source")
_COMPARED = ("benchmark", "items", "fixed", "broken", "D minus C", "p", "asked only one")
_WHEN_NONE = (
    "There is no independent result yet: pairwright benchmark run pope --files DIR --pictures DIR "
    "--checkpoint C"
)
_MOST_FLIPS = 20

Name = Annotated[
    str, typer.Option(metavar="C", help="Checkpoint or model that the benchmark is about.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")]
Pictures = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of the pictures that its files name.")
]
RequireIndependent = Annotated[
    bool,
    typer.Option(
        "--require-independent",
        help="Refuse it, with exit code 3, without any result of `pairwright benchmark`.",
    ),
]


@shared
def run_benchmark(
    run: Run,
    benchmark: Annotated[
        Literal["pope", "amber", "chair", "questions"],
        typer.Argument(metavar="pope|amber|chair|questions", help="What to run."),
    ],
    files: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of the benchmark's own files; for questions a file of your own.",
        ),
    ],
    pictures: Pictures,
    checkpoint: Name,
    items: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="So many items, by lot. Default: all.")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Draws the lot; the same draws the same items.")
    ] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of sampling: max_new_tokens=64"),
    ] = None,
    wait: Wait = False,
) -> None:
    """Run a benchmark on local copies of its files: greedy answers, every item kept.

    POPE and the discriminative part of AMBER count yes and no; the generative part of AMBER, and
    CHAIR on COCO, count objects in captions. `questions` are a file of your own, such as a guard of
    what the model could do before: {text, image, label: yes or no, or reference} a line. Neither
    questions nor pictures are shipped or kept with the workspace's own.
    """
    from rounds.independent import running, sources
    from training.settings import keys

    with run.workspace() as workspace:
        suite = sources.READERS[benchmark](files)
        job = running.submit(
            workspace,
            suite,
            checkpoint=checkpoint,
            pictures=pictures,
            most=items,
            seed=seed,
            settings=keys.parse_overrides(settings or []),
        )
        _show_run(run, workspace, job, wait)


@shared
def import_results(
    run: Run,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="results.json, or scores as .json, .csv, .tsv.")
    ],
    checkpoint: Name,
    samples: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Items of lmms-eval. Default: those that lie beside."),
    ] = None,
    benchmark: Annotated[
        str, typer.Option(metavar="NAME", help="Its name. Default: as the file has it.")
    ] = "",
) -> None:
    """Import what lmms-eval or VLMEvalKit measured.

    Of lmms-eval results.json and samples_TASK.jsonl; of VLMEvalKit scores as .json or .csv, and
    predictions as .csv or .tsv with index and hit. Spreadsheets (.xlsx) are not read: save them as
    CSV. The numbers stay as they are.
    """
    from rounds.independent import comparison, importing

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            subject = comparison.subject(db, checkpoint)
        found = importing.import_file(
            workspace, file, checkpoint=subject, samples=samples or (), benchmark=benchmark
        )
    show(run, found, [f"{len(found)} benchmarks of {file.name} are recorded."])


@shared
def list_results(
    run: Run,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="C", help="Only this one. Default: all.")
    ] = None,
) -> None:
    """List every independent result, newest first."""
    from rounds.independent import comparison
    from storage import independent_results

    with run.workspace() as workspace, workspace.ledger.read() as db:
        subject = None if checkpoint is None else comparison.subject(db, checkpoint)
        found = independent_results.listed(db, subject)
        rows = [
            vars(one) | {"name": comparison.called(db, one.checkpoint), "items": _items(one)}
            for one in found
        ]
    columns = {
        **{"number": "number", "checkpoint": "name", "benchmark": "benchmark", "kind": "kind"},
        **{"items": "items", "source": "source", "made": "created_at"},
    }
    run.output.show_rows("results", rows, columns, _WHEN_NONE)


@shared
def show_results(
    run: Run,
    checkpoint: Annotated[str, typer.Argument(metavar="C", help="A checkpoint or a model.")],
) -> None:
    """Show the newest result of every benchmark, with its parts."""
    from rounds.independent import comparison
    from storage import independent_results

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = independent_results.newest(db, comparison.subject(db, checkpoint))
    if not found and not run.output.as_json:
        run.output.say(_WHEN_NONE)
        return
    show(run, found, [])


@shared
def compare(
    run: Run,
    first: Annotated[str, typer.Argument(metavar="C", help="A checkpoint or a model.")],
    second: Annotated[str, typer.Argument(metavar="D", help="What to compare it with.")],
) -> None:
    """Compare two on the items that both were asked: what D fixed and what it broke.

    With McNemar's exact test and the 95% interval of the difference.
    """
    from console.views import independent
    from rounds.independent import comparison
    from storage.errors import NotFoundError

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            both = [comparison.subject(db, name) for name in (first, second)]
        found = comparison.compare(workspace, *both)
    if not found:
        raise NotFoundError(
            f"{first} and {second} have no benchmark with items in common.",
            "Run the same one for both, with the same --items and --seed.",
        )
    run.output.show({"checkpoints": both, "benchmarks": [_as_result(one) for one in found]})
    if not run.output.as_json:
        run.output.table(
            _COMPARED, [list(vars(x).values()) for x in independent.compared_lines(found)]
        )
        for one in found:
            _say_flips(run, one)


COMMANDS = {
    "run": run_benchmark,
    "import": import_results,
    "list": list_results,
    "show": show_results,
    "compare": compare,
}


def warn(run: Run, workspace: Workspace, checkpoint: Checkpoint, require: bool) -> list[str]:
    """Say what there is to be warned of before a checkpoint goes into the world.

    Raises typer.Exit with the code of a gate where `require` is set and there is no result.
    """
    from console.exit_codes import ExitCode
    from console.views import independent

    found = independent.of_checkpoint(workspace, checkpoint)
    for sentence in found.warnings:
        run.output.say(f"Warning: {sentence}")
    if not found.results:
        run.output.say(independent.NEXT)
    if require and not found.results:
        told = {"checkpoint": checkpoint.id, "independent": [], "warnings": found.warnings}
        run.output.show(told, f"{checkpoint.name} was left as it is: --require-independent.")
        raise typer.Exit(ExitCode.GATE)
    return list(found.warnings)


def as_results(found: list[IndependentResult]) -> list[dict[str, Any]]:
    """What --json prints about results."""
    return [{**vars(one), "metrics": dict(one.metrics)} for one in found]


def show_beside(run: Run, workspace: Workspace, checkpoint: Checkpoint) -> None:
    """The independent results of a checkpoint under a heading of their own."""
    from console.views import independent

    found = independent.of_checkpoint(workspace, checkpoint)
    run.output.show({}, "", "Independent evaluation (labels of others, beside the figures above)")
    if found.lines:
        run.output.table(_HEADINGS, [list(vars(line).values()) for line in found.lines])
    for sentence in found.warnings:
        run.output.show({}, f"  Warning: {sentence}")


def show(run: Run, found: list[IndependentResult], sentences: list[str]) -> None:
    """Results with their parts, and what was left out of them."""
    from console.views import independent

    told = [*sentences, *filter(None, map(independent.left_out, found))]
    run.output.show({"results": as_results(found)}, *told)
    if not run.output.as_json:
        lines = independent.lines(found, parts=True)
        run.output.table(_HEADINGS, [list(vars(line).values()) for line in lines])


def _show_run(run: Run, workspace: Workspace, job: Job, wait: bool) -> None:
    from console import following
    from console.commands import jobs
    from rounds.independent import running

    if not wait:
        jobs.show_outcome(run, workspace, job, wait=False)
        return
    ended = following.until_final(workspace, job.id, run.output)
    # the worker records it as well; whoever comes first does it
    show(run, [running.record(workspace, ended)], [])


def _items(one: IndependentResult) -> int | None:
    found = dict(one.metrics).get("items")
    return found if isinstance(found, int) else None


def _as_result(one: Compared) -> dict[str, Any]:
    told = {**vars(one.paired), "n": one.paired.n, "is_drop": one.is_drop}
    flips = {name: [vars(x) for x in getattr(one, name)] for name in ("fixed", "broken")}
    return {"benchmark": one.benchmark, **told, "unshared": one.unshared, **flips}


def _say_flips(run: Run, one: Compared) -> None:
    """What broke first: an item a line."""
    for name, some in (("broken", one.broken), ("fixed", one.fixed)):
        for outcome in some[:_MOST_FLIPS]:
            said = " ".join(outcome.said.split())[:80]
            question = " ".join(outcome.question.split())[:80]
            run.output.show({}, f"{one.benchmark} {name} {outcome.item}: {question} -> {said}")
        if len(some) > _MOST_FLIPS:
            run.output.show({}, f"{len(some) - _MOST_FLIPS} more are {name}; --json has all.")
