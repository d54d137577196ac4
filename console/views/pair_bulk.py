"""What leads do to many pairs at once, in words: which are meant, what changed, the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.views import pairs, wording
from labeling.explorer import Search
from storage import batches, pair_actions
from storage import pairs as stored_pairs
from storage.errors import ConflictError, WrongInputError
from storage.pair_actions import ActionKind, PairAction
from storage.workspace import Workspace

DEFAULT_LEAD = "lead"
# more pairs than these are asked about twice
FEW = 100
TITLES: Mapping[ActionKind, str] = {
    ActionKind.TAG: "Tag",
    ActionKind.UNTAG: "Remove a tag",
    ActionKind.ADJUDICATE: "Send to a lead",
    ActionKind.OVERLAP: "Ask for more votes",
    ActionKind.EXCLUDE: "Exclude",
    ActionKind.READMIT: "Readmit",
}
# what each needs besides pairs
VALUES: Mapping[ActionKind, str] = {
    ActionKind.TAG: "Tag",
    ActionKind.UNTAG: "Tag",
    ActionKind.OVERLAP: "Votes more",
}
MEANINGS: Mapping[ActionKind, str] = {
    ActionKind.TAG: "A tag is for finding pairs again; nobody who labels sees it.",
    ActionKind.UNTAG: "The pairs lose the tag.",
    ActionKind.ADJUDICATE: "They wait in the leads' queue, and are offered to nobody else.",
    ActionKind.OVERLAP: "Each gets so many votes more than its batch asks for.",
    ActionKind.EXCLUDE: "No figure and no new dataset version rests on them. They stay on record.",
    ActionKind.READMIT: "Excluded pairs count again.",
}
NEEDS_REASON = (ActionKind.EXCLUDE, ActionKind.READMIT)


@dataclass(frozen=True)
class Order:
    """What is to be done to which pairs. `value` as `storage.pair_actions.apply` takes it."""

    kind: ActionKind
    value: str
    by: str
    reason: str


@dataclass(frozen=True)
class ActionLine:
    """One action in a table."""

    number: int
    when: str
    what: str
    pairs: int
    by: str
    reason: str
    state: str


def ids_of(
    workspace: Workspace, search: Search, chosen: Sequence[str] = (), shown: int | None = None
) -> list[str]:
    """The pairs that are meant: the chosen ones, else all that match.

    Args:
        shown: how many matched when somebody agreed to change them.

    Raises:
        WrongInputError: something cannot be searched for.
        NotFoundError: a chosen one is no pair.
        ConflictError: another number matches by now.
    """
    if chosen:
        with workspace.ledger.read() as db:
            stored_pairs.check_known(db, chosen)
    found = list(chosen) or pairs.matching(workspace, search)
    if shown is not None and shown != len(found):
        raise ConflictError(
            f"{len(found):,} pairs match now; {shown:,} did when they were shown.",
            "Nothing was changed. Look at them again.",
        )
    return found


def apply(
    workspace: Workspace, order: Order, pair_ids: Sequence[str], batch: str = ""
) -> PairAction:
    """Do it, within a batch or (empty) in all. Raises as `storage.pair_actions.apply`; no such
    batch."""
    if not pair_ids:
        raise WrongInputError("No pair matches these filters.", "Nothing was changed.")
    with workspace.ledger.write() as tx:
        return pair_actions.apply(
            tx,
            order.kind,
            pair_ids,
            value=order.value,
            batch_id=batches.get(tx, batch).id if batch else None,
            actor=order.by,
            reason=order.reason,
        )


def undo(workspace: Workspace, number: int | None, by: str, reason: str = "") -> PairAction:
    """Take back an action, the last one without a number. Raises as `storage.pair_actions.undo`."""
    with workspace.ledger.write() as tx:
        found = pair_actions.last(tx) if number is None else pair_actions.get(tx, number)
        if found is None:
            raise WrongInputError("There is no action to take back.", "Nothing was changed.")
        return pair_actions.undo(tx, found.number, actor=by, reason=reason)


def listed(workspace: Workspace, limit: int | None = None) -> list[PairAction]:
    """Actions and undos, the newest first."""
    with workspace.ledger.read() as db:
        return pair_actions.listed(db, limit)


def lines(found: Sequence[PairAction]) -> list[ActionLine]:
    return [
        ActionLine(
            number=one.number,
            when=wording.stamp(one.created_at),
            what=what(one),
            pairs=one.pairs,
            by=one.actor,
            reason=one.reason,
            state=_state(one),
        )
        for one in found
    ]


def what(action: PairAction) -> str:
    """`tagged "hard"`, `took back action 3 (tagged "hard")`."""
    words = {
        ActionKind.TAG: f'tagged "{action.value}"',
        ActionKind.UNTAG: f'removed tag "{action.value}"',
        ActionKind.ADJUDICATE: "sent to a lead",
        ActionKind.OVERLAP: f"asked for {action.value} more votes",
        ActionKind.EXCLUDE: "excluded",
        ActionKind.READMIT: "readmitted",
    }[action.kind]
    return f"took back action {action.undoes} ({words})" if action.undoes else words


def _state(action: PairAction) -> str:
    if action.undone_by:
        return f"taken back by {action.undone_by}"
    return "stands" if action.can_be_undone else ""


def as_json(action: PairAction) -> dict[str, Any]:
    """An action as `--json` says it."""
    return {**vars(action), "kind": action.kind.value}
