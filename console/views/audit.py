"""The audit set as its page shows it: what is kept from training, and the draws that made it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import wording
from rounds import audit
from rounds.audit import Drawn
from storage import audit_set
from storage.workspace import Workspace

DEFAULT_SIZE = audit.ADVISED
DEFAULT_LEAD = "lead"


@dataclass(frozen=True)
class DrawLine:
    """One draw."""

    draw: int
    pairs: int
    batch: str
    seed: int
    by: str
    reason: str
    state: str
    drawn: str


@dataclass(frozen=True)
class AuditPage:
    """Every draw, the newest first.

    Attributes:
        summary: what is kept from training now.
        standing: numbers of the draws that can be released.
        draw, build: commands that do the same as the page.
    """

    summary: str
    lines: Sequence[DrawLine]
    standing: Sequence[int]
    draw: str
    build: str


def read(workspace: Workspace) -> AuditPage:
    """What the page shows."""
    with workspace.ledger.read() as db:
        draws = audit_set.draws(db)
        kept = len(audit_set.members(db))
    return AuditPage(
        summary=(
            f"{wording.count(kept, 'pair')} kept from training and mining."
            if kept
            else "No pair is kept from training yet. Without an audit set, rounds cannot be "
            "compared: each one's held-out rows are others."
        ),
        lines=[
            DrawLine(
                draw=one.number,
                pairs=one.pairs,
                batch=one.batch or "all",
                seed=one.seed,
                by=one.actor,
                reason=one.reason,
                state="released" if one.released else "kept from training",
                drawn=wording.stamp(one.created_at),
            )
            for one in reversed(draws)
        ],
        standing=[one.number for one in draws if not one.released],
        draw=wording.command(workspace.home, "audit", "draw", "--size", str(DEFAULT_SIZE)),
        build=wording.command(workspace.home, "dataset", "build", "--audit"),
    )


def sentence(found: Drawn) -> str:
    """What a draw did, and what it could not draw."""
    trained = f" {found.trained:,} had trained and could not be drawn." if found.trained else ""
    return (
        f"Draw {found.number}: {found.drawn:,} of {wording.count(found.pairs, 'pair')} are kept "
        f"from training.{trained}"
    )


def release(workspace: Workspace, number: int, by: str, reason: str) -> None:
    """Take a draw back. Raises PairwrightError."""
    with workspace.ledger.write() as tx:
        audit_set.release(tx, number, actor=by, reason=reason)
