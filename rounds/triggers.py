"""Collecting by itself: a category that is surely below its target gets a batch, once per cause.

The cause is a measurement of a checkpoint on a version of the audit set. Measuring the same again,
or two workers at once, changes nothing. Whoever labeled the round's last batch gets a prepared link
to the new one: it has no secret until a lead has its address shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling import prepared_links
from labeling.prepared_links import Panel
from rounds import batching, standing, targets
from rounds.batching import Wanted
from rounds.mining.strategies import RANDOM
from rounds.standing import RoundStanding
from rounds.targets import CategoryStanding, TargetState
from storage import batches, picks, round_log, triggers
from storage.ledger import Connection
from storage.round_log import RoundEventKind
from storage.rows import Evaluation
from storage.triggers import Trigger, TriggerAction
from storage.workspace import Workspace

ACTOR = "auto-trigger"


@dataclass(frozen=True)
class TriggerSettings:
    """What to do about a category that misses its target.

    Attributes:
        action: make a batch, or only propose one.
        size: pairs of the batch.
        overlap: votes wanted on each.
        fewest: pairs of a category that must have been measured.
    """

    action: TriggerAction = TriggerAction.QUEUED
    size: int = 200
    overlap: int = 1
    fewest: int = targets.FEWEST
    seed: int = 0


def act(
    workspace: Workspace, measured: Evaluation, settings: TriggerSettings | None = None
) -> list[Trigger]:
    """Act on every category that surely misses its target; what was done now, by category."""
    settings = settings or TriggerSettings()
    missed = [
        one
        for one in targets.of_evaluation(workspace, measured, settings.fewest)
        if one.state is TargetState.MISSED
    ]
    done = [_act(workspace, measured, one, settings) for one in missed]
    return [one for one in done if one is not None]


def _act(
    workspace: Workspace, measured: Evaluation, missed: CategoryStanding, settings: TriggerSettings
) -> Trigger | None:
    cause = f"{measured.checkpoint} {measured.dataset_version} {missed.category}"
    detail = _detail(measured, missed)
    with workspace.ledger.read() as db:
        if any(one.cause == cause for one in triggers.listed(db)):
            return None
        found = picks.unlabeled(db, categories=[missed.category])
    action = settings.action if found else TriggerAction.PROPOSED
    detail["unlabeled"] = len(found)
    running = standing.current(workspace)
    name = _batch_name(measured, missed) if action is TriggerAction.QUEUED else ""
    with workspace.ledger.write() as tx:
        panel = _panel(tx, running) if action is TriggerAction.QUEUED else Panel("", ())
        told = detail | {"links": len(panel.links), "annotators_of": panel.batch}
        new = triggers.add(
            tx, cause=cause, category=missed.category, action=action, subject=name, detail=told
        )
        if not new:
            return None
        if action is TriggerAction.QUEUED:
            wanted = _drawn(found, settings, detail)
            made = batching.make_within(
                tx, running, name, wanted, overlap=settings.overlap, actor=ACTOR, detail=told
            )
            prepared_links.prepare(tx, made, panel)
        elif running is not None:
            kind = RoundEventKind.PROPOSED
            round_log.record(
                tx, running.round.number, kind, subject=cause, actor=ACTOR, detail=detail
            )
        return next(one for one in triggers.listed(tx) if one.cause == cause)


def _panel(tx: Connection, running: RoundStanding | None) -> Panel:
    """Who had the last batch of the round that people have links to; without a round, of all."""
    known = [one.batch for one in running.batches] if running else batches.listed(tx)
    return prepared_links.panel_of(tx, list(reversed(known)))


def _drawn(
    pair_ids: Sequence[str], settings: TriggerSettings, detail: dict[str, Any]
) -> list[Wanted]:
    ordered = sorted(pair_ids)
    count = min(settings.size, len(ordered))
    random = np.random.default_rng(settings.seed)
    drawn = sorted(random.choice(len(ordered), count, replace=False).tolist())
    share = count / len(ordered)
    return [Wanted(ordered[at], RANDOM, None, share, detail) for at in drawn]


def _batch_name(measured: Evaluation, missed: CategoryStanding) -> str:
    """Names the category and the measurement, so that no two causes share a name."""
    plain = "".join(sign if sign.isalnum() else "-" for sign in missed.category) or "none"
    return f"target-{plain[:40]}-{measured.id[:8]}"


def _detail(measured: Evaluation, missed: CategoryStanding) -> dict[str, Any]:
    assert missed.accuracy is not None
    return {
        "checkpoint": measured.checkpoint,
        "audit": measured.dataset_version,
        "category": missed.category,
        "target": missed.target,
        **missed.accuracy.as_json(),
    }
