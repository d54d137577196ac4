"""Options that every command knows, before and after its name: --home, --json, --debug."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.output import Output

if TYPE_CHECKING:
    from storage.workspace import Workspace

HOME_VARIABLE = "PAIRWRIGHT_HOME"
DEFAULT_HOME = Path("pairwright-home")

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help=f"Folder of the workspace. Default: ${HOME_VARIABLE}, else ./{DEFAULT_HOME}.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")]


@dataclass
class Chosen:
    """The shared options said so far, on the way from the program's name to the command's."""

    home: Path | None = None
    as_json: bool = False
    debug: bool = False

    def add(self, home: Path | None, as_json: bool, debug: bool) -> None:
        """Take what stands at one more place; the last --home counts."""
        self.home = home or self.home
        self.as_json = as_json or self.as_json
        self.debug = debug or self.debug

    def run(self) -> Run:
        """The run that these options ask for, with the environment and the default filled in."""
        variable = os.environ.get(HOME_VARIABLE)
        named = self.home or (Path(variable) if variable else None)
        return Run(
            home=(named or DEFAULT_HOME).expanduser().absolute(),
            output=Output(self.as_json),
            home_given=self.home is not None,
        )


@dataclass(frozen=True)
class Run:
    """One run of a command: which workspace it is about and where its words go.

    `home_given` says that --home named the workspace.
    """

    home: Path
    output: Output
    home_given: bool = False

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The existing workspace, closed at the end. Raises WorkspaceError when there is none."""
        from storage import workspace

        opened = workspace.open_existing(self.home)
        try:
            yield opened
        finally:
            opened.close()


def remember(
    context: typer.Context, home: Home = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Take the shared options that stand before a command's name."""
    context.ensure_object(Chosen).add(home, as_json, debug)


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Add the shared options to a command, which gets its `Run` as the first argument."""
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]

    @functools.wraps(command)
    def invoke(**values: Any) -> None:
        context: typer.Context = values.pop("_context")
        chosen = context.ensure_object(Chosen)
        chosen.add(values.pop("home"), values.pop("as_json"), values.pop("debug"))
        command(chosen.run(), **values)

    invoke.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *_shared_parameters()]
    )
    return invoke


def _shared_parameters() -> list[inspect.Parameter]:
    def keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
        kind = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(name, kind, default=default, annotation=annotation)

    return [
        keyword("home", Home, None),
        keyword("as_json", AsJson, False),
        keyword("debug", Debug, False),
        keyword("_context", typer.Context, inspect.Parameter.empty),
    ]
