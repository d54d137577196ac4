"""How much annotators did in a batch, how fast, and when they voted last."""

from __future__ import annotations

from dataclasses import dataclass

import polars

from storage.analytics.view import View
from storage.rows import AssignmentKind, Verdict

_MS_PER_HOUR = 3_600_000
# what an annotator was offered and counts; a lead's decisions are made elsewhere
_KINDS = [AssignmentKind.NORMAL.value, AssignmentKind.GOLD.value]


@dataclass(frozen=True)
class Activity:
    """What one annotator did in one batch, undone votes left out.

    Excluded votes are in: the work was done.

    Attributes:
        votes: votes without skips.
        judged: votes and skips.
        active_ms: milliseconds that the page was in sight while these pairs were shown.
        last_vote_at: when the last one came.
    """

    votes: int
    judged: int
    active_ms: int
    last_vote_at: int

    @property
    def pairs_per_hour(self) -> float | None:
        """Pairs judged per active hour; None while no active time is known."""
        return self.judged * _MS_PER_HOUR / self.active_ms if self.active_ms else None


def by_annotator(view: View) -> dict[tuple[str, str], Activity]:
    """(batch id, name of an annotator) -> what that person did there."""
    is_said = polars.col("verdict") != Verdict.SKIP.value
    found = (
        view.cast()
        .filter(polars.col("kind").is_in(_KINDS))
        .group_by("batch", "annotator")
        .agg(
            is_said.sum().alias("votes"),
            polars.len().alias("judged"),
            polars.col("active_ms").sum(),
            polars.col("received_at").max(),
        )
    )
    return {(batch, who): Activity(*numbers) for batch, who, *numbers in found.iter_rows()}
