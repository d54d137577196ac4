"""Making a batch of chosen pairs: the pairs, why each is there, and the round it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rounds import standing
from rounds.standing import RoundStanding
from storage import batches, picks, round_log
from storage.errors import ConflictError, WrongInputError
from storage.ledger import Connection
from storage.picks import Pick
from storage.round_log import RoundEventKind
from storage.rows import Batch
from storage.workspace import Workspace


@dataclass(frozen=True)
class Wanted:
    """A chosen pair: see `storage.picks.Pick`."""

    pair_id: str
    strategy: str
    score: float | None
    propensity: float
    detail: Mapping[str, Any]


def make(
    workspace: Workspace,
    name: str,
    wanted: Sequence[Wanted],
    *,
    overlap: int = 1,
    actor: str,
    detail: Mapping[str, Any] | None = None,
) -> Batch:
    """Make a batch of pairs, all of it or, after an error, nothing.

    It belongs to the open round, or to the one that comes next where that has trained already.

    Args:
        detail: of the round's event.

    Raises:
        ConflictError: a batch of this name is there.
        WrongInputError: no pairs, or the name cannot be used.
    """
    running = standing.current(workspace)
    with workspace.ledger.write() as tx:
        return make_within(
            tx, running, name, wanted, overlap=overlap, actor=actor, detail=detail or {}
        )


def make_within(
    tx: Connection,
    running: RoundStanding | None,
    name: str,
    wanted: Sequence[Wanted],
    *,
    overlap: int,
    actor: str,
    detail: Mapping[str, Any],
) -> Batch:
    """As `make`, inside of a transaction; `running` is the open round as it stood before."""
    if not wanted:
        raise WrongInputError("Nothing was chosen.", "Sample or import pairs first.")
    if batches.find(tx, name) is not None:
        raise ConflictError(f"A batch {name!r} is there already.", "Choose another name.")
    made = batches.create(tx, name, overlap=overlap)
    for one in wanted:
        batches.add_pair(tx, made.id, one.pair_id)
    picks.add(tx, [Pick(batch_id=made.id, **vars(one)) for one in wanted])
    if running is not None:
        _give(tx, running, made, actor, detail)
    return made


def _give(
    tx: Connection, running: RoundStanding, made: Batch, actor: str, detail: Mapping[str, Any]
) -> None:
    """To the open round while it collects; once it has trained, to the one that comes next."""
    number = running.round.number
    if not running.checkpoints:
        round_log.add_batch(tx, number, made.id, actor=actor, detail=detail)
        return
    kind = RoundEventKind.MINED
    round_log.record(tx, number, kind, subject=made.id, actor=actor, detail=detail)
