"""Server time of the console's pages on a large workspace, and how soon votes are seen.

100,000 pairs and 300,000 votes (`--quick`; ten times as many without). Each page is prepared 20
times or more with changing filters and page numbers: as an operator reads, with the ledger at rest,
and while annotators work, with a new vote before every run, so that nothing computed before can be
used again. The rival is the same figure straight from the ledger in Python, as the pages were made
before. Also measured: bytes of the tables that go to the browser, and the time until 1,000 votes
are seen, before and after they are sealed. Prints one JSON object.

`--home DIR` keeps the workspace, or uses the one that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from large_workspace import Large

from console.views import overview, standings
from console.views import pairs as pairs_view
from labeling import consensus
from labeling.consensus import ConsensusPolicy
from storage import batches, clock, labels, pairs, sealing, votes, workspace
from storage.pairs import PairFilter
from storage.rows import EffectiveVote, Pair
from storage.workspace import Workspace

RUNS = 20
RIVAL_RUNS = 2
BAR_MS = 300
BAR_MB = 0.1
MORE_VOTES = 1000

# what a page sends: tables of lines
Tables = Sequence[Sequence[Any]]
PageOf = Callable[[Workspace, int], Tables]

FILTERS: dict[str, Callable[[int], PairFilter]] = {
    "no filter": lambda run: PairFilter(),
    "batch": lambda run: PairFilter(batch=f"batch {run % 4}"),
    "text": lambda run: PairFilter(text=f"question {run * 37}"),
    "frequent words": lambda run: PairFilter(text=("red blue", "two left", "above three")[run % 3]),
    "batch, category, annotator, verdict": lambda run: PairFilter(
        f"batch {run % 4}", "counting", f"annotator {run % 10}", ("a", "b", "tie")[run % 3]
    ),
    "annotator": lambda run: PairFilter(annotator=f"annotator {run % 10}"),
}


def overview_page(home: Workspace, run: int) -> Tables:
    view = overview.prepare(home)
    return (view.needs, view.batches, view.links, view.jobs, view.newest)


def pairs_page(filter_of: Callable[[int], PairFilter]) -> PageOf:
    """The list and the selected pair, at changing pages near the start, the middle and the end."""

    def prepare(home: Workspace, run: int) -> Tables:
        pairs_view.choices(home)
        found = pairs_view.page(home, filter_of(run), 1 + run * 97, 50)
        if found.lines:
            pairs_view.detail(home, found.lines[run % len(found.lines)].id)
        return (found.lines,)

    return prepare


# add a page here and it is measured
PAGES: dict[str, PageOf] = {
    "overview": overview_page,
    **{f"pairs, {name}": pairs_page(chosen) for name, chosen in FILTERS.items()},
}


def overview_rival(home: Workspace, run: int) -> None:
    """The counts of every batch from all its votes in Python."""
    with home.ledger.read() as db:
        for batch in batches.listed(db):
            by_pair: dict[str, list[EffectiveVote]] = defaultdict(list)
            for vote in votes.effective(db, batch.id):
                by_pair[vote.pair_id].append(vote)
            policy = ConsensusPolicy(min_votes=batch.overlap)
            sum(consensus.settle(found, policy).settled for found in by_pair.values())
            batches.pair_count(db, batch.id)
            len({label.pair_id for label in labels.of_pairs(db, batch.id)})


def pairs_rival(filter_of: Callable[[int], PairFilter]) -> Callable[[Workspace, int], None]:
    def prepare(home: Workspace, run: int) -> None:
        wanted = filter_of(run)
        with home.ledger.read() as db:
            total = pairs.count(db, wanted)
            start = 50 * min(run * 97, total // 50)
            ids = [view.pair.id for view in pairs.page(db, wanted, 50, start)]
            cast = votes.effective(db, pair_ids=ids) if ids else []
            labels.of_pairs(db, pair_ids=ids)
        for pair_id in ids:
            consensus.settle([vote for vote in cast if vote.pair_id == pair_id])

    return prepare


RIVALS = {
    "overview": overview_rival,
    **{f"pairs, {name}": pairs_rival(chosen) for name, chosen in FILTERS.items()},
}


@dataclass
class Annotators:
    """People at work: votes beyond those that the workspace was made with."""

    home: Workspace
    large: Large
    pairs: Sequence[Pair]
    start: int

    def vote(self, count: int = 1) -> None:
        with self.home.ledger.write() as tx:
            now = clock.now(tx)
            self.large.add_votes(tx, self.pairs, self.start, count, now)
        self.start += count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--home", type=Path, help="where the workspace is or is made")
    options = parser.parse_args()
    large = Large(100_000, 300_000) if options.quick else Large(1_000_000, 3_000_000)
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        started = time.perf_counter()
        made = workspace.open_existing(home) if home.exists() else large.write(home)
        try:
            result = {"made_s": round(time.perf_counter() - started, 1), **measure(made, large)}
        finally:
            made.close()
    print(json.dumps(result, indent=2))


def measure(made: Workspace, large: Large) -> dict[str, Any]:
    with made.ledger.read() as db:
        everything = pairs.page(db, PairFilter(), large.pairs)
        cast = len(votes.effective(db))
    at_work = Annotators(made, large, [view.pair for view in everything], cast)
    rival = {name: timed(page, made, RIVAL_RUNS) for name, page in RIVALS.items()}
    sealing_s = seconds(lambda: sealing.run(made, settling_seconds=0))
    opened = workspace.open_existing(made.home)
    try:
        first_s = seconds(lambda: overview.prepare(opened))
        pages = {name: figures(name, opened, at_work, rival[name]) for name in PAGES}
        return {
            "measure": "server time of console pages, ms",
            "pairs": len(everything),
            "votes": cast,
            "bars": {"p95_ms": BAR_MS, "megabytes": BAR_MB, "votes_seen_s": 5},
            "met": all(page["met"] for page in pages.values()),
            "pages": pages,
            "rival": "the same figures from the ledger in Python",
            "sealing_everything_s": round(sealing_s, 1),
            "first_page_of_a_process_s": round(first_s, 2),
            f"seconds_until_{MORE_VOTES}_votes_are_seen": visible(opened, at_work),
            "cpu_count": os.cpu_count(),
            "load_average": os.getloadavg()[0],
        }
    finally:
        opened.close()


def figures(
    name: str, home: Workspace, at_work: Annotators, rival: dict[str, Any]
) -> dict[str, Any]:
    page = PAGES[name]
    sent = max(sum(size(table) for table in page(home, run)) for run in range(5))
    at_rest = timed(page, home, RUNS)
    busy = timed(page, home, RUNS, before=at_work.vote)
    worst = max(at_rest["p95_ms"], busy["p95_ms"])
    return {
        "at_rest": at_rest,
        "while_votes_arrive": busy,
        "megabytes": round(sent / 1e6, 4),
        "rival": rival,
        "ratio_of_medians": round(busy["median_ms"] / rival["median_ms"], 4),
        "met": worst < BAR_MS and sent / 1e6 < BAR_MB,
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


def timed(
    page: Callable[[Workspace, int], object],
    home: Workspace,
    runs: int,
    before: Callable[[], None] | None = None,
) -> dict[str, Any]:
    walls, cpus = [], []
    for run in range(runs):
        if before is not None:
            before()
        cpu = time.process_time()
        walls.append(1000 * seconds(lambda run=run: page(home, run)))
        cpus.append(1000 * (time.process_time() - cpu))
    return {
        "n": runs,
        "median_ms": round(statistics.median(walls), 1),
        "p95_ms": _p95(walls),
        "max_ms": round(max(walls), 1),
        # of all threads together; says on a busy machine what the wall clock cannot
        "cpu_median_ms": round(statistics.median(cpus), 1),
        "cpu_p95_ms": _p95(cpus),
    }


def _p95(values: Sequence[float]) -> float:
    return round(statistics.quantiles(values, n=20, method="inclusive")[-1], 1)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def size(lines: Sequence[Any]) -> int:
    """Bytes of a table as Arrow, the form in which it goes to the browser."""
    rows = [asdict(line) for line in lines]
    if not rows:
        return 0
    table = pyarrow.table({name: [str(row[name]) for row in rows] for name in rows[0]})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return int(sink.getvalue().size)


if __name__ == "__main__":
    main()
