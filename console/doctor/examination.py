"""The examination: which checks are made, in which order, and what stops the rest."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from console.doctor import files, findings, machine, work
from console.doctor.findings import Check, Finding
from storage import schema, workspace
from storage.errors import PairwrightError
from storage.workspace import Workspace


def examine(home: Path, *, full: bool = False) -> Iterator[Finding]:
    """Look at everything; nothing is changed, not even an older schema.

    Args:
        full: read every byte that is kept, instead of a sample.
    """
    for name, check in _of_machine():
        yield from findings.run(name, check)
    try:
        opened = workspace.open_as_is(home)
    except PairwrightError as error:
        yield findings.problem("workspace", error.what, error.next_step)
        return
    try:
        yield from _of_workspace(opened, full)
    finally:
        opened.close()


def _of_machine() -> list[tuple[str, Check]]:
    return [
        ("python", machine.python),
        ("libraries", machine.libraries),
        ("gpu", machine.gpu),
    ]


def _of_workspace(opened: Workspace, full: bool) -> Iterator[Finding]:
    yield from findings.run("disk", partial(machine.disk, opened.home))
    yield from findings.run("secret", partial(files.secret, opened))
    standing = list(findings.run("workspace", partial(_schema, opened)))
    yield from standing
    if any(found.grade is not findings.Grade.OK for found in standing):
        return
    checks: list[tuple[str, Check]] = [
        ("ledger", partial(files.ledger, opened)),
        ("clock", partial(files.times, opened)),
        ("media", partial(files.media, opened, full)),
        ("datasets", partial(files.datasets, opened, full)),
        ("checkpoints", partial(files.trained, opened, full)),
        ("segments", partial(files.sealed, opened, full)),
        ("models", partial(files.starts, opened)),
        ("jobs", partial(work.queue, opened)),
        ("workers", partial(work.attendance, opened)),
        ("servers", partial(machine.servers, opened.home)),
    ]
    for name, check in checks:
        yield from findings.run(name, check)


def _schema(opened: Workspace) -> Iterator[Finding]:
    """The ledger can be read and has the schema of this version."""
    with opened.ledger.read() as db:
        found = schema.revision(db)
    schema.refuse_unknown(found, opened.ledger)
    if found == schema.HEAD:
        yield findings.ok("workspace", f"{opened.home} opens.")
        return
    yield findings.warning(
        "workspace",
        f"The ledger has schema {found or 'none'}, and this version uses {schema.HEAD}.",
        "Any command brings it up to date and keeps a copy; PostgreSQL: pairwright init. Then run "
        "pairwright doctor again.",
    )
