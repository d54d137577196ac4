"""Votes that came with a file: they settle a consensus and leave our own figures alone."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select

from labeling.agreement import report as agreement
from labeling.consensus import settle
from storage import batches, tables, votes
from storage.imports import importing
from storage.imports.importing import How
from storage.rows import Verdict
from storage.workspace import Workspace


def test_they_count_in_a_consensus_but_not_in_overlap_or_agreement(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "table.jsonl"
    rows = [
        {"prompt": "What?", "answer1": "A mug.", "answer2": "A jug.", "winner": "a", "rater": who}
        for who in ("ann", "bob", "cy")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    importing.import_file(workspace, path, batch="first", how=How(taken_as="votes"))
    with workspace.ledger.read() as db:
        cast = votes.effective(db, batches.get(db, "first").id)
        within = tables.batch_pairs.c
        counters = tuple(db.execute(select(within.votes, within.votes_a, within.votes_b)).one())
    settled = settle(cast)
    assert (settled.votes, settled.settled) == (3, True)
    assert settled.outcome in (Verdict.A, Verdict.B)
    assert counters == (0, 0, 0)
    assert agreement.of_batch(workspace, "first").with_ties.votes == 0
