"""From a checkpoint back to each vote, with all that led to a row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rounds import batching, dataset, lineage, opening
from rounds.batching import Wanted
from rounds.dataset import BuildSettings
from storage import checkpoints, jobs, pairs
from storage.pairs import PairFilter
from storage.rows import Batch
from storage.workspace import Workspace


@pytest.fixture
def trained(
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
    tiny_model: str,
) -> None:
    """Round 1 learned from two pairs of a batch that was chosen from another one; a second
    checkpoint comes from the first."""
    with workspace.ledger.write() as tx:
        make_batch(tx, name="pool", pair_count=4)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch="pool"), 9)]
    opening.open_next(workspace)
    wanted = [Wanted(one, "margin", 0.4, 1.0, {}) for one in ids[:2]]
    made = batching.make(workspace, "mined", wanted, overlap=2, actor="mining")
    with workspace.ledger.write() as tx:
        for who in ("ana", "ben"):
            label(tx, made, who, dict.fromkeys(ids, "b"))
    version = dataset.build(workspace, BuildSettings(round=1, holdout=0.0))
    parent = None
    for name in ("round-1", "again"):
        with workspace.ledger.write() as tx:
            job = jobs.submit(tx, kind="train", spec={}, key=name)
            parent = checkpoints.add(
                tx,
                name=name,
                job_id=job.id,
                parent=parent,
                model="tiny",
                kind="adapter",
                path=name,
                dataset_version=version.id,
                config={},
                metrics={},
            ).id


def test_the_line_names_versions_and_rounds_the_first_ancestor_first(
    workspace: Workspace, trained: None
) -> None:
    found = lineage.turns(workspace, "again")
    assert [(one.checkpoint.name, one.version.id, one.round) for one in found] == [
        ("round-1", "v1", 1),
        ("again", "v1", 1),
    ]


def test_every_row_says_who_voted_why_it_was_chosen_and_where_its_answers_come_from(
    workspace: Workspace, trained: None
) -> None:
    (turn, _) = lineage.turns(workspace, "again")
    found = list(lineage.rows(workspace, turn.version))
    assert len(found) == 2
    for one in found:
        with workspace.ledger.read() as db:
            view = pairs.view(db, one.row.pair_id)
        assert one.row.chosen == view.text_b
        told = one.as_json()
        assert told["batches"] == ["pool", "mined"]
        assert told["picked"] == [{"strategy": "margin", "score": 0.4, "propensity": 1.0}]
        assert told["chosen_by"] == told["rejected_by"] == ["file:test.jsonl"]
        assert [(vote["annotator"], vote["verdict"]) for vote in told["votes"]] == [
            ("ana", "b"),
            ("ben", "b"),
        ]
