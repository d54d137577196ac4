"""pairwright doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from console.exit_codes import ExitCode
from console.options import Run, shared


@shared
def doctor(
    run: Run,
    full: Annotated[
        bool, typer.Option("--full", help="Read every byte that is kept, not a sample.")
    ] = False,
) -> None:
    """Examine machine, workspace and work.

    Says of each check whether all is well, and what to do where it is not. Nothing is changed.
    Ends with 1 when there is a problem.
    """
    from console.doctor import examination
    from console.doctor.findings import Grade

    found = []
    for finding in examination.examine(run.home, full=full):
        found.append(finding)
        if not run.output.as_json:
            run.output.show({}, f"{finding.grade:<8} {finding.check:<12} {finding.what}")
            if finding.next_step:
                run.output.show({}, f"{'':<21} {finding.next_step}")
    counts = {grade: sum(one.grade is grade for one in found) for grade in Grade}
    problems, warnings = counts[Grade.PROBLEM], counts[Grade.WARNING]
    result = {"home": run.home, "problems": problems, "warnings": warnings, "findings": found}
    run.output.show(result, f"{problems} problems, {warnings} warnings.")
    if problems:
        raise typer.Exit(ExitCode.FAILED)
