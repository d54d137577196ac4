"""What a lead asks of all labels at once: agreement, annotators, exclusions, sealing, a build."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from figures.clocks import timed
from large_workspace import Large
from pages.shown import annotators_page, size
from sqlalchemy import func, select

from labeling.agreement import report
from labeling.agreement.intervals import Resampling
from rounds import dataset
from rounds.dataset import BuildSettings
from storage import analytics, clock, exclusions, sealing, tables
from storage.workspace import Workspace

# seconds, as the issue asks for them
BARS_S = {
    "agreement": 2.0,
    "agreement, 1,000 resamples": 20.0,
    "seal of 100,000 votes": 2.0,
    "build of a dataset version": 30.0,
}
SEALED = 100_000
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Figures:
    """The figures of one workspace."""

    home: Workspace
    large: Large
    runs: int

    def measure(self) -> dict[str, dict[str, Any]]:
        """Name -> its times. Everything is counted anew each time: nothing that was kept helps."""
        analytics.open(self.home)
        asked: Mapping[str, Callable[[], dict[str, Any]]] = {
            "reading all anew": lambda: timed(lambda _: _read_anew(self.home), 1),
            "agreement": lambda: timed(lambda _: agreement(self.home, 0), self.runs),
            "agreement, 1,000 resamples": lambda: timed(
                lambda _: agreement(self.home, 1000), self.runs
            ),
            "annotators page": self._annotators,
            "a vote is excluded": lambda: timed(
                lambda _: _read(self.home), self.runs, before=self._exclude
            ),
            f"seal of {self._sealed:,} votes": lambda: timed(
                lambda _: sealing.run(self.home, settling_seconds=0), self.runs, before=self._vote
            ),
            "build of a dataset version": lambda: timed(
                lambda run: dataset.build(self.home, BuildSettings(seed=run)), 1
            ),
        }
        return {name: _judged(name, figure()) for name, figure in asked.items()}

    def _annotators(self) -> dict[str, Any]:
        sent = sum(size(part) for part in annotators_page(self.home, 0))
        found = timed(lambda run: annotators_page(self.home, run), self.runs)
        return {**found, "megabytes": round(sent / 1e6, 4)}

    @property
    def _sealed(self) -> int:
        """A small workspace has no room for as many: nobody judges a pair twice."""
        return min(SEALED, self.large.pairs)

    def _vote(self) -> None:
        table = tables.assignments
        with self.home.ledger.read() as db:
            start = int(db.execute(select(func.count()).select_from(table)).scalar_one())
            pair = tables.pairs.c
            ids = list(db.execute(select(pair.id).order_by(pair.created_at)).scalars())
        for begin in range(start, start + self._sealed, _AT_ONCE):
            count = min(_AT_ONCE, start + self._sealed - begin)
            with self.home.ledger.write() as tx:
                self.large.add_votes(tx, ids, begin, count, clock.now(tx))

    def _exclude(self) -> None:
        _read(self.home)
        table = tables.assignments
        with self.home.ledger.write() as tx:
            there = set(exclusions.in_force(tx).single)
            query = select(table.c.id).where(table.c.answered_at.is_not(None)).limit(100)
            names = (name for name in tx.execute(query).scalars() if name not in there)
            chosen = list(itertools.islice(names, 1))
            exclusions.exclude_votes(tx, chosen, actor="lead", reason="measured")


def agreement(home: Workspace, resamples: int) -> report.AgreementReport:
    """All coefficients of all batches together, with ties and without."""
    with analytics.open(home).reading() as view:
        table = report.table_of_votes(view.effective())
    return report.of_table(table, report.ORIENTATION, Resampling(resamples=resamples))


def _read(home: Workspace) -> None:
    with analytics.open(home).reading() as view:
        assert view.coded.counted.height
        view.left_out()


def _read_anew(home: Workspace) -> None:
    """As a process does with its first page."""
    from storage import workspace

    opened = workspace.open_existing(home.home)
    try:
        _read(opened)
    finally:
        opened.close()


def _judged(name: str, found: dict[str, Any]) -> dict[str, Any]:
    bar = BARS_S.get(name)
    if bar is None:
        return found
    met = {"wall": found["p95_ms"] < 1000 * bar, "cpu": found["cpu_p95_ms"] < 1000 * bar}
    return {**found, "bar_s": bar, "met": met}
