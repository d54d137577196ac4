"""What the Checkpoints page shows: the family of checkpoints, and which one is in use."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from console.views import figures, independent, wording
from console.views.figures import FigureLine
from console.views.independent import Shown
from storage import activations, checkpoints, models, publications
from storage.errors import DamagedError
from storage.ledger import Connection
from storage.rows import Activation, Checkpoint
from storage.workspace import Workspace
from training.measuring import targets
from training.runs import manifest

_MOST_EVENTS = 100
_STEP = "└ "
# a chain of many rounds must not push the names out of their column
_DEEPEST = 8


@dataclass(frozen=True)
class CheckpointLine:
    """A row of the table. `name` is indented below its parent."""

    id: str
    name: str
    use: str
    start: str
    dataset: str
    preference: str
    reward: str
    n: str
    gap: str
    kl: str
    target: str
    made: str
    published: str


@dataclass(frozen=True)
class InUse:
    """The checkpoint in use and what a rollback would bring back; empty where there is none."""

    id: str
    sentence: str
    previous: str


@dataclass(frozen=True)
class EventLine:
    """One event of the history."""

    when: str
    what: str
    checkpoint: str
    actor: str
    reason: str


@dataclass(frozen=True)
class Family:
    """All checkpoints, parents above their children, and the history of use, newest first."""

    lines: Sequence[CheckpointLine]
    names: Sequence[str]
    in_use: InUse
    history: Sequence[EventLine]

    @property
    def newest(self) -> str:
        """The name of the checkpoint that was made last."""
        return self.names[0] if self.names else ""


@dataclass(frozen=True)
class CheckpointDetail:
    """One checkpoint. `facts` are pairs of what and value."""

    id: str
    name: str
    is_active: bool
    facts: Sequence[tuple[str, str]]
    figures: Sequence[FigureLine]
    settings: Sequence[tuple[str, str]]
    dataset: str
    independent: Shown


def family(workspace: Workspace) -> Family:
    """Everything that the page shows above one checkpoint."""
    with workspace.ledger.read() as db:
        known = checkpoints.listed(db)
        events = activations.listed(db)
        published = _published(db)
        starts = {row.location: row.name for row in models.listed(db)}
    used = activations.replay(events)
    names = {row.id: row.name for row in known}
    active = used[-1] if used else ""
    lines = [_line(row, depth, names, starts, published, active) for row, depth in _tree(known)]
    return Family(
        lines=lines,
        names=[row.name for row in known],
        in_use=_in_use(used, events, names),
        history=[_event(event, names) for event in events[::-1][:_MOST_EVENTS]],
    )


def detail(workspace: Workspace, name: str) -> CheckpointDetail:
    """One checkpoint by name or id.

    Raises:
        NotFoundError: there is none.
    """
    with workspace.ledger.read() as db:
        row = checkpoints.get(db, name)
        line = [one.name for one in checkpoints.lineage(db, row.id)]
        active = activations.active(db)
        published = _published(db).get(row.id, "")
    folder = workspace.home / row.path
    try:
        sha = manifest.read(folder).sha256
    except DamagedError as error:
        sha = f"{wording.NOT_AVAILABLE} ({error.what})"
    facts = [
        ("lineage", " -> ".join([row.model, *line])),
        ("dataset", row.dataset_version),
        ("job", row.job_id),
        ("made", wording.stamp(row.created_at)),
        ("folder", str(folder)),
        ("sha256 of its files", sha),
    ]
    return CheckpointDetail(
        id=row.id,
        name=row.name,
        is_active=active == row,
        facts=[*facts, ("published", published)] if published else facts,
        figures=figures.table(row.metrics),
        settings=[(key, written(value)) for key, value in sorted(row.config.items())],
        dataset=row.dataset_version,
        independent=independent.of_checkpoint(workspace, row),
    )


def activate(workspace: Workspace, checkpoint_id: str, reason: str) -> str:
    """Take a checkpoint into use; return a sentence that says so.

    Raises:
        ConflictError: it is in use already.
    """
    with workspace.ledger.write() as tx:
        activations.activate(tx, checkpoint_id, actor=operator(), reason=reason)
        return f"{checkpoints.get(tx, checkpoint_id).name} is in use now."


def roll_back(workspace: Workspace, seen: str, reason: str = "") -> str:
    """Go back to what was in use before the checkpoint with the id `seen`; say so in a sentence.

    Raises:
        ConflictError: another one is in use by now, or there is nothing to go back to.
    """
    with workspace.ledger.write() as tx:
        event = activations.rollback(tx, actor=operator(), reason=reason, expected=seen)
        return f"{checkpoints.get(tx, event.checkpoint_id or '').name} is in use again."


def operator() -> str:
    """Who works at the console: it has no sign-in, so it is the user who runs it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _tree(known: Sequence[Checkpoint]) -> list[tuple[Checkpoint, int]]:
    """Parents before their children, older before newer, each with its depth."""
    children: dict[str | None, list[Checkpoint]] = {}
    for row in known[::-1]:
        children.setdefault(row.parent, []).append(row)
    found: list[tuple[Checkpoint, int]] = []
    waiting = [(row, 0) for row in children.get(None, [])[::-1]]
    while waiting:
        row, depth = waiting.pop()
        found.append((row, depth))
        waiting += [(child, depth + 1) for child in children.get(row.id, [])[::-1]]
    return found


def _line(
    row: Checkpoint,
    depth: int,
    names: Mapping[str, str],
    starts: Mapping[str, str],
    published: Mapping[str, str],
    active: str,
) -> CheckpointLine:
    base = starts.get(row.model) or PurePath(row.model).name
    # wide characters, because narrow ones at the start of a cell vanish
    indent = "\u2003" * (min(depth, _DEEPEST) - 1) + _STEP if depth else ""
    preference = figures.reading(row.metrics.get("preference_accuracy"))
    return CheckpointLine(
        id=row.id,
        name=indent + row.name,
        use="in use" if row.id == active else "",
        start=names.get(row.parent or "", base),
        dataset=row.dataset_version,
        preference=measured(row.metrics, "preference_accuracy"),
        reward=measured(row.metrics, "reward_accuracy"),
        n="" if preference.n is None else f"{preference.n:,}",
        gap=measured(row.metrics, "reward_gap", interval=False),
        kl=measured(row.metrics, "kl_per_token", interval=False),
        target=_target(row),
        made=wording.stamp(row.created_at),
        published=published.get(row.id, ""),
    )


def measured(metrics: Mapping[str, Any], name: str, *, interval: bool = True) -> str:
    """A figure with its interval in one cell: `82.7% (70.3% to 90.6%)`; empty without one."""
    if name not in metrics:
        return ""
    measure = figures.BY_NAME[name]
    read = figures.reading(metrics[name])
    if read.value is None:
        return wording.NOT_AVAILABLE
    value = measure.written(read.value)
    if not interval or read.low is None or read.high is None:
        return value
    return f"{value} ({measure.written(read.low)} to {measure.written(read.high)})"


def written(value: Any) -> str:
    """A setting as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _target(row: Checkpoint) -> str:
    wanted = row.config.get("target_accuracy")
    if not wording.is_number(wanted):
        return ""
    return f"{targets.judge(row.metrics, wanted).verdict} ({wording.share(wanted)})"


def _published(db: Connection) -> dict[str, str]:
    """Checkpoint id -> the newest place that it was published to."""
    found: dict[str, str] = {}
    for row in publications.listed(db, kind="checkpoint"):
        found.setdefault(row.subject, f"{row.repo} {row.tag}".strip())
    return found


def _in_use(used: Sequence[str], events: Sequence[Activation], names: Mapping[str, str]) -> InUse:
    if not used:
        return InUse("", "No checkpoint has been taken into use yet.", "")
    last = events[-1]
    since = f"since {wording.stamp(last.created_at)}, by {last.actor}"
    reason = f": {last.reason}" if last.reason else ""
    name = names.get(used[-1], used[-1])
    previous = names.get(used[-2], used[-2]) if len(used) > 1 else ""
    return InUse(used[-1], f"{name} is in use {since}{reason}", previous)


def _event(event: Activation, names: Mapping[str, str]) -> EventLine:
    return EventLine(
        when=wording.stamp(event.created_at),
        what="rolled back to" if event.kind == activations.ROLLBACK else "took into use",
        checkpoint=names.get(event.checkpoint_id or "", event.checkpoint_id or ""),
        actor=event.actor,
        reason=event.reason,
    )
