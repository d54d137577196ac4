"""pairwright backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exit_codes import ExitCode
from console.options import Run, shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.backups.manifest import BackupManifest

_MISSING_SHOWN = 10


@shared
def backup(
    run: Run,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="New folder, or new file ending in .tar.")
    ],
    with_jobs: Annotated[
        bool, typer.Option("--with-jobs", help="Also the folders of jobs, with their logs.")
    ] = False,
) -> None:
    """Back up the workspace while servers run.

    One state of the ledger and every file that it lists: media, dataset versions, checkpoints and
    segments. All of it is read again before the target appears.
    """
    from storage.backups import making

    with run.workspace() as workspace:
        made = making.make(workspace, target.expanduser(), with_jobs=with_jobs)
    found = made.manifest
    run.output.show(
        {"backup": made.path, **_as_result(found, found.counts), "missing": list(found.missing)},
        f"Backup {made.path}: {_size(found.size)} in {len(found.files)} files, read again.",
        _counts(found.counts),
    )
    if found.missing:
        _say_missing(run, found.missing)
        raise typer.Exit(ExitCode.FAILED)


@shared
def restore(
    run: Run,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="What pairwright backup wrote.")],
) -> None:
    """Make a workspace from a backup, in a new folder.

    Name the folder with --home. Every file is compared with the backup's manifest first; an older
    schema is brought up to date.
    """
    from storage.backups import restoring

    made = restoring.restore(source.expanduser(), run.home)
    run.output.show(
        {"home": made.home, **_as_result(made.manifest, made.counts)},
        f"Restored {made.home}: {len(made.manifest.files)} files, each as its manifest says.",
        _counts(made.counts),
    )
    run.output.say("Labeling links and API keys work as before. Start it: pairwright up")


def _say_missing(run: Run, missing: Sequence[str]) -> None:
    run.output.say(
        f"The backup is there, but {len(missing)} of the files that the ledger lists were missing "
        "or cut."
    )
    for name in missing[:_MISSING_SHOWN]:
        run.output.say(f"  {name}")
    run.output.say("Media come back when their file is imported again. See: pairwright doctor")


def _as_result(found: BackupManifest, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "made_at": found.made_at,
        "schema": found.revision,
        "files": len(found.files),
        "bytes": found.size,
        "counts": dict(counts),
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) + "."


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
