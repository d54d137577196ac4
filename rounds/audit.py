"""Drawing the audit set: uniformly, from what no training has seen, before anything is mined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage import audit_set, batches, dataset_split, dataset_versions, identity, pairs
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.pairs import PairFilter
from storage.rows import PairView
from storage.workspace import Workspace

# a share of 0.8 of 500 pairs has a 95% interval of about 7 points: fewer tell rounds apart badly
ADVISED = 500
# pairs are read in slices, so that a large batch never lies in memory whole
_SLICE = 500


@dataclass(frozen=True)
class Drawn:
    """What a draw did.

    Attributes:
        number: of the draw.
        drawn: pairs that are kept from training from now on.
        pairs: pairs that there were to draw from, drawn or not.
        trained: pairs that could not be drawn: they, or what shares a picture with them, trained.
        present: pairs that were in the set already.
    """

    number: int
    drawn: int
    pairs: int
    trained: int
    present: int


def draw(
    workspace: Workspace,
    *,
    size: int,
    batch: str | None = None,
    seed: int = 0,
    actor: str = "lead",
    reason: str = "audit set",
) -> Drawn:
    """Keep at least `size` pairs from training; the same pairs and seed give the same draw.

    Whole groups are drawn: pairs that show the same picture, or ask the same where there is no
    picture, come in together, so that the last group may go beyond the size.

    Raises:
        NotFoundError: no such batch.
        WrongInputError: there are fewer pairs that may be drawn; nothing is drawn.
    """
    if size < 1:
        raise WrongInputError(f"A draw of {size} pairs does not exist.", "Use 1 or more.")
    trained = _trained(workspace)
    with workspace.ledger.read() as db:
        within = batches.get(db, batch) if batch is not None else None
        there = audit_set.members(db)
        views = list(_views(db, batch or ""))
    groups = _groups(views)
    barred = sum(len(group) for group in groups if _ids(group) & trained)
    open_to_draw = [group for group in groups if not _ids(group) & (trained | there)]
    _check_enough(size, open_to_draw, len(views))
    chosen = sorted(_lots(open_to_draw, size, seed))
    batch_id = within.id if within else None
    # a draw of somebody else meanwhile is refused there
    with workspace.ledger.write() as tx:
        number = audit_set.draw(
            tx, chosen, seed=seed, actor=actor, reason=reason, batch_id=batch_id
        )
    present = len(there.intersection(view.pair.id for view in views))
    return Drawn(number, len(chosen), len(views), barred, present)


def _trained(workspace: Workspace) -> set[str]:
    """The pairs that any dataset version offers for training."""
    with workspace.ledger.read() as db:
        versions = dataset_versions.listed(db)
    return {
        pair_id
        for version in versions
        if not version.policy.get("audit")
        for pair_id in dataset_versions.opened(workspace, version).pair_ids(dataset_split.TRAIN)
    }


def _views(db: Connection, batch: str) -> Iterator[PairView]:
    offset = 0
    while found := pairs.page(db, PairFilter(batch=batch), limit=_SLICE, offset=offset):
        yield from found
        offset += len(found)


def _groups(views: Sequence[PairView]) -> list[list[PairView]]:
    numbers = dataset_split.groups([view.prompt for view in views])
    return [[views[number] for number in group] for group in numbers]


def _ids(group: Sequence[PairView]) -> set[str]:
    return {view.pair.id for view in group}


def _lots(groups: Sequence[Sequence[PairView]], size: int, seed: int) -> set[str]:
    """Groups by lot until there are enough pairs."""

    def lot(group: Sequence[PairView]) -> str:
        return identity.digest({"audit": seed, "pair": min(_ids(group))})

    chosen: set[str] = set()
    for group in sorted(groups, key=lot):
        if len(chosen) >= size:
            break
        chosen |= _ids(group)
    return chosen


def _check_enough(size: int, groups: Sequence[Sequence[PairView]], pair_count: int) -> None:
    count = sum(map(len, groups))
    if count < size:
        raise WrongInputError(
            f"{count} of {pair_count} pairs may be drawn, fewer than {size}: the others trained "
            "a checkpoint, or are in the audit set.",
            "Draw fewer, or import or sample new pairs first.",
        )
