"""A batch of what nobody decided: the two answers to each prompt, to be compared blind."""

from __future__ import annotations

from collections.abc import Sequence

from rounds import batching
from rounds.batching import Wanted
from rounds.changes.outcomes import Change, Outcome
from storage import pairs, responses
from storage.errors import WrongInputError
from storage.rows import Batch, Source
from storage.workspace import Workspace

STRATEGY = "changed"


def collect(
    workspace: Workspace,
    changes: Sequence[Change],
    before: str,
    after: str,
    name: str,
    *,
    overlap: int = 1,
    actor: str = "lead",
) -> Batch:
    """Make a batch of the undecided changes between two checkpoints.

    Args:
        before, after: what gave the earlier and the later answers, as recorded with them.

    Raises:
        WrongInputError: nothing is undecided.
        ConflictError: a batch of this name is there.
    """
    undecided = [one for one in changes if one.outcome is Outcome.UNDECIDED]
    if not undecided:
        raise WrongInputError("No change is undecided.", "Nothing needs to be compared by people.")
    with workspace.ledger.write() as tx:
        for one in undecided:
            told = one.answers
            answers = (
                responses.build(told.prompt_id, told.before),
                responses.build(told.prompt_id, told.after),
            )
            for answer, source in zip(answers, (before, after), strict=True):
                responses.add(tx, answer, Source("checkpoint", source))
            pairs.add(tx, pairs.build(*answers))
    detail = {"before": before, "after": after}
    wanted = [Wanted(one.pair_id, STRATEGY, None, 1.0, detail) for one in undecided]
    return batching.make(workspace, name, wanted, overlap=overlap, actor=actor, detail=detail)
