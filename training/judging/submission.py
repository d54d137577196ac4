"""Judging put into the queue, and its pairs put into the job's folder when it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from storage import batches, judgements, pairs
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.pairs import PairFilter
from storage.rows import Job, PairView
from storage.workspace import Workspace
from training.jobs import keeping, queueing, starts
from training.jobs.folder import JobFolder
from training.judging import address as addresses
from training.judging import question
from training.pool import pairs as lines
from training.settings import spec as specs
from training.settings.spec import JudgingSpec

KIND = "judge"
KEY_VARIABLE = "JUDGE_API_KEY"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# what a runner's environment never holds
_HIDDEN = ("PAIRWRIGHT_", "PG")
_NAME = 120
_SLICE = 500


@dataclass(frozen=True)
class JudgeAsked:
    """Who is asked and how, as the user says it.

    Attributes:
        judge: a model or checkpoint of the workspace, or an http(s) address.
        model: what the address calls its model; empty for a model of the workspace.
        instructions: what the judge is told; the standard text when empty.
        key_variable: environment variable of the worker that holds the key of the address.
        again: also pairs that this judge has labeled by the same instructions.
    """

    judge: str
    model: str = ""
    instructions: str = ""
    key_variable: str = KEY_VARIABLE
    again: bool = False

    @property
    def is_address(self) -> bool:
        return self.judge.startswith(("http://", "https://"))


def submit(
    workspace: Workspace,
    *,
    batch: str,
    asked: JudgeAsked,
    settings: JudgingSpec | Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Job:
    """Queue the judging of a batch's pairs; `key` makes a repeated call harmless.

    Raises NotFoundError or WrongInputError before anything is queued.
    """
    given = settings or {}
    spec = given if isinstance(given, JudgingSpec) else specs.parse_judging(given)
    with workspace.ledger.write() as tx:
        found = batches.get(tx, batch)
        content = {"settings": spec.resolved(), "batch": found.name, **_who(tx, asked)}
        return queueing.submit(tx, KIND, content, key)


def write_pairs(workspace: Workspace, job: Job, folder: JobFolder) -> None:
    """Put the pairs to judge into the folder, once: every attempt judges the same ones.

    Pairs that the judge has labeled by the same instructions are left out, also those of a job
    that was ended before its time, unless the job asks for all again.
    """
    if folder.pairs_file.exists():
        return
    told = job.spec["judge"]
    known: set[str] = set()
    if not told["again"]:
        keeping.make_up(workspace)
        known = set(judgements.by_pair(workspace, told["name"], told["version"]))
    with workspace.ledger.read() as db:
        views = _pairs_of(db, job.spec["batch"])
        lines.write(folder.pairs_file, (view for view in views if view.pair.id not in known))


def _who(tx: Connection, asked: JudgeAsked) -> dict[str, Any]:
    """What the job records of its judge. The key is not part of it."""
    instructions = question.check_instructions(asked.instructions or question.INSTRUCTIONS)
    told = {
        **asdict(asked),
        "instructions": instructions,
        "version": question.version_of(instructions, may_tie=asked.is_address),
        "address": "",
    }
    del told["judge"]
    if not asked.is_address:
        if asked.model:
            raise WrongInputError(
                f"{asked.judge!r} is no address, so it has no model {asked.model!r}.",
                "Name the model of the workspace alone, or give an http(s) address.",
            )
        start = starts.resolve(tx, asked.judge)
        return {"start": start.as_json(), "judge": {**told, "name": start.tip or start.name}}
    if not asked.model or len(asked.model) > _NAME:
        raise WrongInputError(
            "The address of a judge needs the name of its model.", "Give it with --model."
        )
    _check_variable(asked.key_variable)
    return {"judge": {**told, "address": addresses.check_address(asked.judge), "name": asked.model}}


def _check_variable(name: str) -> None:
    if not _VARIABLE.fullmatch(name) or name.startswith(_HIDDEN):
        raise WrongInputError(
            f"{name[:100]!r} cannot name the variable of a key.",
            f"Use letters, digits and _, not beginning with {' or '.join(_HIDDEN)}, such as "
            f"{KEY_VARIABLE}.",
        )


def _pairs_of(db: Connection, batch: str) -> Iterator[PairView]:
    offset = 0
    while found := pairs.page(db, PairFilter(batch=batch), limit=_SLICE, offset=offset):
        yield from found
        offset += len(found)
