"""Votes that do not count, in words, and the two things a lead does about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.views import wording
from storage import batches, exclusions, vote_ids
from storage.exclusions import Exclusion, ExclusionKind, Exclusions
from storage.ledger import Connection
from storage.workspace import Workspace

DEFAULT_LEAD = "lead"
EVERYWHERE = "all batches"
_DONE = {ExclusionKind.EXCLUDE: "excluded", ExclusionKind.READMIT: "readmitted"}


@dataclass(frozen=True)
class EventLine:
    """One exclusion, or the end of one."""

    when: str
    what: str
    where: str
    by: str
    reason: str


def sentence(left_out: Mapping[str, int]) -> str:
    """`12 votes of cleo and 1 of dan are excluded.`; empty without any."""
    if not left_out:
        return ""
    (first, count), *more = left_out.items()
    parts = [f"{wording.count(count, 'vote')} of {first}"]
    parts += [f"{number:,} of {name}" for name, number in more]
    words = f"{', '.join(parts[:-1])} and {parts[-1]}" if more else parts[0]
    return f"{words} {'is' if sum(left_out.values()) == 1 else 'are'} excluded."


def state(standing: Sequence[Exclusion]) -> str:
    """`excluded from first`; empty for somebody whose votes count."""
    if not standing:
        return ""
    if any(one.batch_id is None for one in standing):
        return "excluded"
    return f"excluded from {', '.join(one.batch for one in standing)}"


def lines(events: Sequence[Exclusion]) -> list[EventLine]:
    """Events, the newest first."""
    return [
        EventLine(
            when=wording.stamp(event.created_at),
            what=_DONE[event.kind] + (f", pair {event.pair_id[:12]}" if event.pair_id else ""),
            where=event.batch or EVERYWHERE,
            by=event.actor,
            reason=event.reason,
        )
        for event in reversed(events)
    ]


def as_json(event: Exclusion) -> dict[str, Any]:
    """An event as `--json` says it."""
    return {
        "number": event.number,
        "kind": event.kind.value,
        "annotator": event.annotator,
        "batch": event.batch or None,
        "assignment": event.assignment_id,
        "pair": event.pair_id or None,
        "by": event.actor,
        "reason": event.reason,
        "created_at": event.created_at,
    }


def exclude(workspace: Workspace, who: str, batch: str, by: str, reason: str) -> Exclusion:
    """Let the votes of somebody not count, in a batch or (empty) in all.

    Raises:
        PairwrightError: as `storage.exclusions.exclude`; no such batch.
    """
    with workspace.ledger.write() as tx:
        there = _batch_id(tx, batch)
        return exclusions.exclude(tx, who, actor=by, reason=reason, batch_id=there)


def readmit(workspace: Workspace, who: str, batch: str, by: str, reason: str) -> Exclusion:
    """Take an exclusion back. Raises as `exclude`."""
    with workspace.ledger.write() as tx:
        there = _batch_id(tx, batch)
        return exclusions.readmit(tx, who, actor=by, reason=reason, batch_id=there)


def of_vote(workspace: Workspace, vote: str, by: str, reason: str, *, out: bool) -> Exclusion:
    """Let a single vote not count, or count again.

    Args:
        vote: id of the vote or of its assignment, or 8 or more characters that it begins with.

    Raises:
        PairwrightError: as `storage.exclusions.exclude_votes` and `storage.vote_ids`.
    """
    do = exclusions.exclude_votes if out else exclusions.readmit_votes
    with workspace.ledger.write() as tx:
        (event,) = do(tx, [vote_ids.assignment_of(tx, vote)], actor=by, reason=reason)
    return event


def read(workspace: Workspace) -> tuple[Exclusions, list[Exclusion]]:
    """What stands now, and every event, oldest first."""
    with workspace.ledger.read() as db:
        return exclusions.in_force(db), exclusions.history(db)


def _batch_id(db: Connection, batch: str) -> str | None:
    return batches.get(db, batch).id if batch else None
