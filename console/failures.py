"""Where every error of the command line becomes words and an exit code, in this one place."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import typer

from console.exit_codes import ExitCode
from console.options import Chosen
from console.output import print_json
from storage.errors import PairwrightError

# a full disk, a quota, a limit on file sizes
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def report(error: BaseException, chosen: Chosen) -> ExitCode:
    """Say what happened and what to do next; return the code to end with.

    Expected errors never show a traceback. An unexpected one goes to a file below the workspace's
    `logs`, or to the terminal with --debug.
    """
    if isinstance(error, KeyboardInterrupt):
        _tell("Interrupted.", "", chosen)
        return ExitCode.INTERRUPTED
    if isinstance(error, PairwrightError):
        _tell(error.what, error.next_step, chosen)
        return ExitCode.FAILED
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _tell(*_no_room(error), chosen)
        return ExitCode.FAILED
    if isinstance(error, typer.TyperException):
        return _wrong_use(error, chosen)
    if isinstance(error, BrokenPipeError):
        # the reader (head, less) has seen enough; the interpreter must not flush again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    _tell(*_unexpected(error, chosen), chosen)
    return ExitCode.FAILED


def _no_room(error: OSError) -> tuple[str, str]:
    where = f" for {error.filename}" if error.filename else ""
    what = f"There is no room{where}: {error.strerror}."
    return what, "Free some space, then run the command again."


def _wrong_use(error: typer.TyperException, chosen: Chosen) -> ExitCode:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "pairwright"
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
    else:
        message = error.format_message()
        ending = "" if message.endswith((".", "?", ")")) else "."
        _tell(f"{message}{ending}", f"See: {path} --help", chosen)
    return ExitCode(error.exit_code)


def _unexpected(error: BaseException, chosen: Chosen) -> tuple[str, str]:
    first = str(error).strip().splitlines()
    what = f"Unexpected error: {type(error).__name__}{': ' + first[0] if first else ''}."
    if chosen.debug:
        traceback.print_exception(error)
        return what, "Please report it with the lines above."
    log = _write_log(error, chosen.run().home)
    if log is None:
        return what, "Run the command again with --debug to see where it happened."
    return what, f"The details are in {log}; with --debug they are shown here."


def _write_log(error: BaseException, home: Path) -> Path | None:
    """Keep the traceback in the workspace; None where there is no workspace to keep it in."""
    if not home.is_dir():
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    log = home / "logs" / f"error-{stamp}-{os.getpid()}.txt"
    try:
        log.parent.mkdir(exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return None
    return log


def _tell(what: str, next_step: str, chosen: Chosen) -> None:
    if chosen.as_json:
        print_json({"error": {"what": what, "next": next_step}})
    print(what, file=sys.stderr)
    if next_step:
        print(next_step, file=sys.stderr)
