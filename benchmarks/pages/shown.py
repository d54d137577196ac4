"""Every page of the console that shows data: what it prepares and what goes to the browser."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import pyarrow

from console import charts, histograms, kappa_matrix
from console.views import (
    agreement,
    annotators,
    answers,
    checkpoint_comparison,
    checkpoints,
    datasets,
    diff,
    imports,
    overview,
    pair_detail,
    rewards,
    runs,
    train,
)
from console.views import batches as batches_view
from console.views import pairs as pairs_view
from labeling import consensus
from labeling.agreement import report
from labeling.consensus import ConsensusPolicy
from labeling.explorer import STATES, Cursor, Search
from pages.trained import NAMES, Trained
from storage import batches, dataset_versions, labels, pairs, votes
from storage.dataset_file import DatasetFile
from storage.pair_filters import REPORTS, PairFilter
from storage.rows import EffectiveVote, Verdict
from storage.workspace import Workspace

RECORDS = 200

# what a page sends: lines of a table, a chart, or one set of facts
Sent = Sequence[Any]
Page = Callable[[Workspace, int], Sent]
Rival = Callable[[Workspace, int], object]

FILTERS: Mapping[str, Callable[[int], PairFilter]] = {
    "no filter": lambda run: PairFilter(),
    "batch": lambda run: PairFilter(batch=f"batch {run % 4}"),
    "text": lambda run: PairFilter(text=f"question {run * 37}"),
    "frequent words": lambda run: PairFilter(text=("red blue", "two left", "above three")[run % 3]),
    "batch, category, annotator, verdict": lambda run: PairFilter(
        f"batch {run % 4}", "counting", f"annotator {run % 10}", ("a", "b", "tie")[run % 3]
    ),
    "batch, category, verdict": lambda run: PairFilter(
        f"batch {run % 4}", "counting", verdict=("a", "b", "tie")[run % 3]
    ),
    "annotator": lambda run: PairFilter(annotator=f"annotator {run % 10}"),
    "source": lambda run: PairFilter(source="large.jsonl"),
    "report": lambda run: PairFilter(report=REPORTS[run % 2]),
    "failure": lambda run: PairFilter(failure="counting"),
}
# what only a Search asks for, which the ledger alone does not tell
SEARCHES: Mapping[str, Callable[[int], Search]] = {
    "consensus": lambda run: Search(consensus=STATES[run % len(STATES)]),
    "batch, source, confidence": lambda run: Search(
        PairFilter(batch=f"batch {run % 4}", source="large.jsonl"), confidence_from=0.7
    ),
}


def three_filters(run: int) -> Search:
    """A search by three filters."""
    return Search(FILTERS["batch, category, verdict"](run))


@dataclass(frozen=True)
class Pages:
    """The pages of a workspace with runs, by name.

    Attributes:
        file: records for the page Import to check.
    """

    trained: Trained
    file: Path

    def by_name(self) -> dict[str, Page]:
        filtered = {
            **{f"pairs, {name}": of_pairs(_searched(chosen)) for name, chosen in FILTERS.items()},
            **{f"pairs, {name}": of_pairs(chosen) for name, chosen in SEARCHES.items()},
        }
        return {
            "overview": _overview,
            "batches": _batches,
            **filtered,
            "agreement": _agreement,
            "datasets": self._datasets(),
            "train": _train,
            "runs": self._runs,
            "checkpoints": _checkpoints,
            "rewards": _rewards,
            "diff": _diff,
            "import, check of 200 records": self._import,
        }

    def write_file(self) -> None:
        with self.file.open("w", encoding="utf-8") as file:
            for number in range(RECORDS):
                said = (("user", f"How many in {number}?"), ("assistant", f"There are {number}."))
                messages = [{"role": role, "content": text} for role, text in said]
                record = {"messages": messages, "rejected_response": f"None of {number}."}
                file.write(json.dumps(record) + "\n")

    def _datasets(self) -> Page:
        """With the checked file in the cache of the page, as after its first look at a version."""
        opened: list[DatasetFile] = []

        def prepare(home: Workspace, run: int) -> Sent:
            version = self.trained.version
            opened[:] = opened or [dataset_versions.opened(home, version)]
            there, view = datasets.listed(home), datasets.detail(home, version.id)
            page = datasets.page(opened[0], "", "", 1 + run)
            row = opened[0].find(page.lines[0].id)
            assert row is not None
            shown, lines = datasets.row_detail(home, row), datasets.categories(opened[0].counts())
            return (there.lines, view, lines, page.lines, shown.row)

        return prepare

    def _runs(self, home: Workspace, run: int) -> Sent:
        view = runs.detail(home, self.trained.run)
        drawn = [charts.chart(panel, keep_zoom="") for panel in view.panels if not panel.is_empty]
        tables = (view.figures, view.settings, view.attempts)
        return (runs.listed(home).lines, *tables, *drawn, runs.log(home, self.trained.run))

    def _import(self, home: Workspace, run: int) -> Sent:
        return (imports.check(home, imports.Asked(batch="batch 0", path=str(self.file))),)


def _overview(home: Workspace, run: int) -> Sent:
    view = overview.prepare(home)
    return (view.needs, view.batches, view.links, view.jobs, view.newest)


def _batches(home: Workspace, run: int) -> Sent:
    batches_view.choices(home)
    lines = batches_view.progress(home)
    return (lines, batches_view.making(home), batches_view.handed_out(home))


def _searched(filter_of: Callable[[int], PairFilter]) -> Callable[[int], Search]:
    return lambda run: Search(filter_of(run))


def of_pairs(search_of: Callable[[int], Search]) -> Page:
    """The list and the selected pair: the first page of a search or the last one, then page after
    page as one reads on."""
    reached: dict[Search, Cursor] = {}

    def prepare(home: Workspace, run: int) -> Sent:
        pairs_view.choices(home)
        wanted = search_of(run)
        cursor = reached.get(wanted, Cursor(backwards=run % 2 == 1))
        found = pairs_view.page(home, wanted, cursor, 50)
        if not found.lines:
            return (found.lines,)
        edge = found.lines[0 if cursor.backwards else -1].id
        reached[wanted] = Cursor(edge, cursor.backwards)
        shown = pair_detail.detail(home, found.lines[run % len(found.lines)].id)
        return (found.lines, shown)

    return prepare


def _agreement(home: Workspace, run: int) -> Sent:
    """All batches, and now and then one of them."""
    names = agreement.choices(home)
    chosen = names[run % len(names)] if run % 2 else ""
    page = agreement.prepare(home, chosen, agreement.TIES[run % 3 > 1])
    matrix = [kappa_matrix.figure(page.matrix)] if page.matrix else []
    return (page.figures, page.pairs, *matrix)


def annotators_page(home: Workspace, run: int) -> Sent:
    """Everybody in all batches. Not in `Pages`: it estimates anew with every look, which takes
    seconds with millions of votes, and has no bar of its own."""
    page = annotators.prepare(home, "")
    return (page.people, page.biases, page.ratios, page.notes)


def _train(home: Workspace, run: int) -> Sent:
    return (train.offers(home), [field.help for field in train.fields().values()])


def _checkpoints(home: Workspace, run: int) -> Sent:
    shown = checkpoints.detail(home, NAMES[run % 2])
    return (checkpoints.family(home), shown, checkpoint_comparison.compare(home, NAMES))


def _rewards(home: Workspace, run: int) -> Sent:
    known = rewards.choices(home)
    view = rewards.measured(home, known[run % len(known)])
    assert view is not None
    drawn = (view.rewards, view.margins, view.differences)
    charted = [histograms.histogram(one, keep_zoom="") for one in drawn]
    return (*charted, view.categories, view.figures)


def _diff(home: Workspace, run: int) -> Sent:
    known = diff.sources(home)
    compared = diff.compare(home, *(diff.find(known, name) for name in NAMES))
    asked = compared.chosen(changed=True)
    lines = diff.lines(home, asked[run * 25 : (run + 1) * 25], {})
    return (lines, answers.detail(home, compared, lines[0].id))


def size(sent: Any) -> int:
    """Bytes of what goes to the browser: tables as Arrow, charts and facts as JSON."""
    if hasattr(sent, "to_json"):
        return len(sent.to_json())
    if isinstance(sent, Sequence) and sent and is_dataclass(sent[0]):
        return _arrow_size([asdict(line) for line in sent])  # type: ignore[call-overload]
    told = asdict(sent) if is_dataclass(sent) and not isinstance(sent, type) else sent
    return len(json.dumps(told, default=str))


def _arrow_size(rows: Sequence[Mapping[str, Any]]) -> int:
    table = pyarrow.table({name: [str(row[name]) for row in rows] for name in rows[0]})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return int(sink.getvalue().size)


def _overview_rival(home: Workspace, run: int) -> None:
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


def _pairs_rival(filter_of: Callable[[int], PairFilter]) -> Rival:
    """A page by counting, skipping and joining in the ledger."""

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


def _agreement_rival(home: Workspace, run: int) -> None:
    """All coefficients of all batches together from the ledger, without the columns in memory."""
    with home.ledger.read() as db:
        cast = votes.effective(db)
    said = (vote for vote in cast if vote.verdict is not Verdict.SKIP)
    report.of_labels((vote.pair_id, vote.annotator, vote.verdict) for vote in said)


RIVALS: Mapping[str, Rival] = {
    "overview": _overview_rival,
    "agreement": _agreement_rival,
    **{f"pairs, {name}": _pairs_rival(chosen) for name, chosen in FILTERS.items()},
}
