"""Jobs that collect: models that judge pairs, and pictures with questions that models answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.api.desk import Desk
from console.api.models import JudgeRequest, PrepareRequest
from storage import checkpoints, models
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.rows import Job
from training.answers import asking, known_pictures
from training.judging import submission as judging
from training.judging.submission import JudgeAsked
from training.settings import spec as specs
from training.settings.spec import SamplingSpec


def judge(desk: Desk, wanted: JudgeRequest, nonce: str | None) -> Job:
    """Queue the judging of a batch by what is recorded here. An address cannot be named over the
    network: the worker would send its key there."""
    with desk.workspace.ledger.read() as db:
        check_start(db, wanted.judge)
    asked = JudgeAsked(wanted.judge, instructions=wanted.instructions, again=wanted.again)
    return judging.submit(
        desk.workspace,
        batch=wanted.batch,
        asked=asked,
        settings=specs.parse_judging(wanted.settings),
        key=nonce,
    )


def prepare(desk: Desk, wanted: PrepareRequest, nonce: str | None) -> Job:
    """Queue the answering of questions about the pictures of a batch that is here."""
    settings = answering(wanted.settings, wanted.rivals)
    if settings.answers < 2 and not wanted.rivals:
        raise WrongInputError("A pair takes two answers.", "Use answers 2, or name rivals.")
    templates = asking.of_records([one.model_dump() for one in wanted.questions])
    with desk.workspace.ledger.read() as db:
        for name in (wanted.start_from, *wanted.rivals):
            check_start(db, name)
    looked = known_pictures.of_batch(desk.workspace, wanted.pictures_of)
    prepared = asking.prepare(looked, templates, wanted.per_picture, settings.seed)
    return asking.submit(
        desk.workspace,
        prepared,
        start_from=wanted.start_from,
        batch=wanted.batch,
        settings=settings,
        rivals=wanted.rivals,
        key=nonce,
    )


def answering(settings: Mapping[str, Any], rivals: Sequence[str]) -> SamplingSpec:
    """Settings of sampling; of several models one answer each is enough for pairs.

    Raises WrongInputError for a setting that cannot be used.
    """
    found = specs.parse_sampling({**({"answers": 1} if rivals else {}), **settings})
    if found.answers > 2:
        raise WrongInputError(f"answers is {found.answers}, but a pair has two.", "Use 1 or 2.")
    return found


def check_start(db: Connection, name: str) -> None:
    """Only what is recorded: a caller over the network names no folder of this machine.

    Raises NotFoundError for anything else.
    """
    if models.get(db, name) is None:
        checkpoints.get(db, name)
