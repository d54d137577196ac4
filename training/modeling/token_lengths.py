"""How many tokens the rows of a dataset version have for a model, by its own processor.

Counted in a process of its own (`training.modeling.token_counter`): who asks need not load a
model's libraries, which take seconds and hundreds of megabytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from storage.errors import PairwrightError, WrongInputError
from storage.rows import DatasetVersion
from storage.workspace import Workspace
from training.jobs import starts
from training.jobs.folder import CACHE

COMMAND: Sequence[str] = (sys.executable, "-P", "-m", "training.modeling.token_counter")


@dataclass(frozen=True)
class Request:
    """What to count: the model's folder or Hub id, and a dataset version.

    Videos are counted with the frames that a run shows unless told otherwise; `cache` keeps them.
    """

    model: str
    path: str
    version: str
    digest: str
    labels: str
    media_url: str
    cache: str


@dataclass(frozen=True)
class TokenLengths:
    """What the rows are to a model.

    Attributes:
        model: as the user knows it.
        limit: tokens that it takes at most; None when it does not say.
        tokens: pair id -> tokens of the longer of the row's two sequences.
        refused: pair id -> why the model cannot take the row.
    """

    model: str
    limit: int | None
    tokens: Mapping[str, int]
    refused: Mapping[str, str]


def measure(
    workspace: Workspace,
    version: DatasetVersion,
    model: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TokenLengths:
    """Count a version's tokens for a model or checkpoint. `progress` gets rows done and in all.

    Raises:
        NotFoundError, WrongInputError: the model is unknown, or cannot be read.
        DamagedError: the version's file does not have its digest.
    """
    with workspace.ledger.read() as db:
        start = starts.resolve(db, model)
        location, _ = starts.locate(db, workspace.home, start)
    path = str((workspace.home / version.path).resolve())
    request = Request(
        location,
        path,
        version.id,
        version.digest,
        version.labels,
        workspace.media.url,
        str((workspace.home / CACHE).resolve()),
    )
    command = (*COMMAND, json.dumps(asdict(request)))
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "failed" in said:
                    raise WrongInputError(*said["failed"])
                if "tokens" in said:
                    return TokenLengths(start.name, **said)
                progress(said["done"], version.rows)
        finally:
            process.kill()
    raise PairwrightError(
        f"Counting the tokens of {version.id} for {start.name} broke off (exit "
        f"{process.returncode}).",
        "Try again; if it ends the same, the machine may have too little memory.",
    )
