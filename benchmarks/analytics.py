"""Figures of a large workspace: pages, agreement, annotators, seals, builds, memory.

100,000 pairs and 300,000 votes of 20 people (`--quick`); ten times as many of 200 without, or as
`--pairs`, `--votes` and `--annotators` say. There are a dataset version, a run and two checkpoints.
Each page is prepared 20 times (`--runs`; 5 with `--quick`) with changing filters and pages: with
the ledger at rest, and while annotators work, with a new vote before every run. Beside them the
same figures straight from the ledger in Python, by pandas with statsmodels, and by the package
krippendorff, with our time by theirs under `ratios`.
Also measured: bytes that go to the browser, the memory of a console, and the time until 1,000 votes
are seen, before and after they are sealed. `--growth` measures some figures on workspaces of 10,000
to 3 million votes instead. Prints one JSON object.

`--home DIR` keeps the workspace, or uses the one that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

# before this folder, which has a module that is named like a room
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


from figures import growth, memory, rivals
from figures.clocks import seconds, timed
from figures.labels import Figures
from large_workspace import Large
from pages import trained
from pages.shown import RIVALS, Page, Pages, size

from labeling import standings
from storage import batches, clock, sealing, tables, workspace
from storage.workspace import Workspace

BAR_MS, EXPLORER_MS = 300, 200
BAR_MB = 0.1
MORE_VOTES = 1000


@dataclass
class Annotators:
    """People at work: votes beyond those that the workspace was made with."""

    home: Workspace
    large: Large
    pairs: Sequence[str]
    start: int

    def vote(self, count: int = 1) -> None:
        with self.home.ledger.write() as tx:
            now = clock.now(tx)
            self.large.add_votes(tx, self.pairs, self.start, count, now)
        self.start += count


def main() -> None:
    options = _options()
    if options.growth:
        found = growth.measure(options.votes)
        print(json.dumps({"measure": "ms by number of votes", "figures": found}, indent=2))
        return
    large = Large(options.pairs, options.votes, options.annotators)
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        started = time.perf_counter()
        made = workspace.open_existing(home) if home.exists() else large.write(home)
        try:
            result = {
                "made_s": round(time.perf_counter() - started, 1),
                **measure(made, large, options.runs, options.rival_runs),
            }
        finally:
            made.close()
    print(json.dumps(result, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--pairs", type=int, help="number of pairs; 1,000,000 without --quick")
    parser.add_argument("--votes", type=int, help="number of votes; three on a pair")
    parser.add_argument("--annotators", type=int, help="20 with --quick, 200 without")
    parser.add_argument("--runs", type=int, help="of each page, at rest and at work; 20, or 5")
    parser.add_argument("--rival-runs", type=int, help="2, or 1 with --quick; 0 for no rivals")
    parser.add_argument("--growth", action="store_true", help="a curve, up to --votes")
    parser.add_argument("--home", type=Path, help="where the workspace is or is made")
    options = parser.parse_args()
    options.pairs = options.pairs or (100_000 if options.quick else 1_000_000)
    options.votes = options.votes or 3 * options.pairs
    options.annotators = options.annotators or (20 if options.quick else 200)
    options.runs = options.runs or (5 if options.quick else 20)
    if options.rival_runs is None:
        options.rival_runs = 1 if options.quick else 2
    return options


def measure(made: Workspace, large: Large, runs: int, rival_runs: int) -> dict[str, Any]:
    at_work = _at_work(made, large)
    there = trained.write(made)
    asked = RIVALS.items() if rival_runs else ()
    rival = {name: timed(partial(page, made), rival_runs) for name, page in asked}
    sealing_s = seconds(lambda: sealing.run(made, settling_seconds=0))
    pages = Pages(there, made.home / "records.jsonl")
    pages.write_file()
    opened = workspace.open_existing(made.home)
    try:
        cast = at_work.start
        first_s = seconds(lambda: pages.by_name()["overview"](opened, 0))
        found = {
            name: figures(name, page, opened, at_work, rival.get(name), runs)
            for name, page in pages.by_name().items()
        }
        asked_of_all = Figures(opened, at_work.large, min(runs, 5)).measure()
        beside = rivals.measure(opened) if rival_runs else {}
        shown = found["pairs, batch, category, verdict"]["while_votes_arrive"]
        return {
            "measure": "server time of console pages, ms",
            **{"pairs": len(at_work.pairs), "votes": cast, "annotators": large.annotators},
            "bars": {
                "p95_ms": BAR_MS,
                "explorer_p95_ms": EXPLORER_MS,
                "megabytes": BAR_MB,
                "votes_seen_s": 5,
            },
            "met": all(page["met"] for page in found.values()),
            "pages": found,
            "rival": "the same figures from the ledger in Python",
            "memory": memory.measure(made.home),
            "labels": asked_of_all,
            "rivals": beside,
            "ratios": rivals.ratios(beside, asked_of_all["agreement"], shown),
            "sealing_everything_s": round(sealing_s, 1),
            "first_page_of_a_process_s": round(first_s, 2),
            f"seconds_until_{MORE_VOTES}_votes_are_seen": visible(opened, _at_work(made, large)),
            "cpu_count": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 1),
        }
    finally:
        opened.close()


def _at_work(made: Workspace, large: Large) -> Annotators:
    pair = tables.pairs.c
    with made.ledger.read() as db:
        ids = list(db.execute(select(pair.id).order_by(pair.created_at)).scalars())
        offered = db.execute(select(func.count()).select_from(tables.assignments)).scalar_one()
    return Annotators(made, large, ids, int(offered))


def figures(
    name: str,
    page: Page,
    home: Workspace,
    at_work: Annotators,
    rival: dict[str, Any] | None,
    runs: int,
) -> dict[str, Any]:
    sent = max(sum(size(part) for part in page(home, run)) for run in range(5))
    load = os.getloadavg()[0]
    at_rest = timed(partial(page, home), runs)
    busy = timed(partial(page, home), runs, before=at_work.vote)
    print(f"{name}: at rest {at_rest}, at work {busy}", file=sys.stderr, flush=True)
    worst = max(at_rest["p95_ms"], busy["p95_ms"])
    bar = EXPLORER_MS if name.startswith("pairs") else BAR_MS
    beside = {} if rival is None else _beside(busy, rival)
    return {
        "at_rest": at_rest,
        "while_votes_arrive": busy,
        "megabytes": round(sent / 1e6, 4),
        **beside,
        "load_average": round(load, 1),
        "met": worst < bar and sent / 1e6 < BAR_MB,
    }


def _beside(busy: dict[str, Any], rival: dict[str, Any]) -> dict[str, Any]:
    return {
        "rival": rival,
        "ratio_of_medians": round(busy["median_ms"] / rival["median_ms"], 4),
        "ratio_of_cpu": round(busy["cpu_median_ms"] / rival["cpu_median_ms"], 4),
    }


def visible(home: Workspace, at_work: Annotators) -> dict[str, float]:
    """From the commit of the votes until the Overview counts them: live, then once sealed."""

    def counted() -> int:
        with home.ledger.read() as db:
            listed = batches.listed(db)
        return sum(standing.votes for standing in standings.of_batches(home, listed))

    found = {}
    for name, seal in (("live", False), ("after_a_seal", True)):
        before = counted()
        at_work.vote(MORE_VOTES)
        started = time.perf_counter()
        if seal:
            sealing.run(home, settling_seconds=0)
        while counted() < before + MORE_VOTES:
            time.sleep(0.01)
        found[name] = round(time.perf_counter() - started, 3)
    return found


if __name__ == "__main__":
    main()
