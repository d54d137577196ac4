"""Why pairs are in a batch, and categories against their targets, as the Rounds page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import wording
from rounds import standing, targets
from rounds.mining.strategies import FAILURES, MEANINGS
from rounds.targets import CategoryStanding
from storage import batches, pairs, picks, round_log, triggers
from storage.ledger import Connection
from storage.picks import Pick
from storage.rows import PairView
from storage.workspace import Workspace

DEFAULT_LEAD = "lead"
# strategies that are none of mining
_AT_CLUSTERS = ("cluster", FAILURES)
_OTHERS = {"cluster": "like a cluster of failures", "random": "drawn by lot"}


@dataclass(frozen=True)
class PickLine:
    """One pair of a batch and why it is there. Scores of different strategies do not compare."""

    id: str
    question: str
    category: str
    why: str
    score: str
    probability: float | None
    propensity: float


@dataclass(frozen=True)
class PicksPage:
    """The pairs of one batch that was chosen."""

    batch: str
    summary: str
    lines: Sequence[PickLine]


@dataclass(frozen=True)
class TargetLine:
    """One category against its target."""

    category: str
    target: str
    accuracy: str
    n: int
    state: str


@dataclass(frozen=True)
class TriggerLine:
    """Something the loop did by itself."""

    when: str
    category: str
    action: str
    batch: str
    links: str
    why: str


@dataclass(frozen=True)
class TargetsPage:
    """Categories, and what was done about them.

    Attributes:
        measured: on which checkpoint and version the accuracies stand; empty without.
    """

    lines: Sequence[TargetLine]
    done: Sequence[TriggerLine]
    measured: str


def chosen_batches(workspace: Workspace) -> list[str]:
    """Batches that were chosen pair by pair, the newest first."""
    with workspace.ledger.read() as db:
        listed = [batch for batch in batches.listed(db) if picks.of_batch(db, batch.id)]
    return [batch.name for batch in reversed(listed)]


def read(workspace: Workspace, batch: str) -> PicksPage:
    """Why each pair of a batch was chosen, the highest score first."""
    with workspace.ledger.read() as db:
        batch_id = batches.get(db, batch).id
        found, note = picks.of_batch(db, batch_id), _note(db, batch_id)
        views = {view.pair.id: view for view in pairs.views(db, [one.pair_id for one in found])}
    by_lot = sum(one.strategy == "random" for one in found)
    return PicksPage(
        batch=batch,
        summary=(
            f"{wording.count(len(found), 'pair')}, {by_lot:,} of them by lot. Figures that are to "
            "hold for everything rest on those alone, each weighted by one over its propensity. "
            "Annotators see none of this." + (f" {note}" if note else "")
        ),
        lines=[_line(one, views[one.pair_id]) for one in found],
    )


def read_targets(workspace: Workspace) -> TargetsPage:
    """Every category with its target, measured for the newest round's checkpoint."""
    rounds = standing.of_all(workspace)
    newest = next((one for one in reversed(rounds) if one.evaluations), None)
    measured = newest.evaluations[-1] if newest else None
    with workspace.ledger.read() as db:
        done = triggers.listed(db)
    name = newest.checkpoints[-1].name if newest else ""
    return TargetsPage(
        lines=[_target(one) for one in targets.of_evaluation(workspace, measured)],
        done=[
            TriggerLine(
                when=wording.stamp(one.created_at),
                category=one.category,
                action=one.action.value,
                batch=one.subject or "none",
                links=_links(one.detail),
                why=_why(one.detail),
            )
            for one in done
        ],
        measured=f"{name} on version {measured.dataset_version}" if measured else "",
    )


def set_target(workspace: Workspace, category: str, target: float | None) -> None:
    """Set a target, or take it back with None. Raises PairwrightError."""
    targets.set_all(workspace, {category: target}, DEFAULT_LEAD)


def _note(db: Connection, batch_id: str) -> str:
    """Why the loop chose as it did, where its plan asked for something else than usual."""
    requests = (
        dict(event.detail.get("request") or {})
        for event in round_log.events(db)
        if event.subject == batch_id
    )
    return next((str(one["note"]) for one in requests if one.get("note")), "")


def _line(one: Pick, view: PairView) -> PickLine:
    return PickLine(
        id=one.pair_id,
        question=wording.excerpt(view.prompt.question),
        category=view.prompt.category or "none",
        why=_reason(one),
        score="n/a" if one.score is None else f"{one.score:.3f}",
        probability=one.detail.get("probability_a"),
        propensity=one.propensity,
    )


def _reason(one: Pick) -> str:
    """What chose a pair; for a cluster of failures also which."""
    meaning = MEANINGS.get(one.strategy) or _OTHERS.get(one.strategy, one.strategy)
    cluster = one.detail.get("cluster") if one.strategy in _AT_CLUSTERS else ""
    return f"{meaning}: {cluster}" if cluster else meaning


def _target(one: CategoryStanding) -> TargetLine:
    found = one.accuracy
    accuracy = "not measured"
    if found is not None and found.value is not None and found.ci95 is not None:
        low, high = found.ci95
        accuracy = f"{found.value:.1%} [{low:.1%}, {high:.1%}]"
    return TargetLine(
        category=one.category or "none",
        target="none" if one.target is None else f"{one.target:.0%}",
        accuracy=accuracy,
        n=found.n if found else 0,
        state=one.state.value if one.state else "",
    )


def _links(detail: object) -> str:
    """For whom links were prepared; their addresses are shown on Batches."""
    told = detail if isinstance(detail, dict) else {}
    count = told.get("links") or 0
    return f"{count} prepared for those of {told['annotators_of']}" if count else "none prepared"


def _why(detail: object) -> str:
    told = detail if isinstance(detail, dict) else {}
    ends = told.get("ci95") or [0.0, 0.0]
    return (
        f"{told.get('value', 0):.1%} [{ends[0]:.1%}, {ends[1]:.1%}] of {told.get('n', 0)}, target "
        f"{told.get('target', 0):.0%}"
    )
