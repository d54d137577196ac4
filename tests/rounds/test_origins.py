"""What the ledger knows of rows: who gave the answers and who judged them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rounds import dataset, drift, origins
from rounds.dataset import BuildSettings
from storage import dataset_versions, pairs
from storage.rows import Batch
from storage.workspace import Workspace


def test_rows_are_counted_by_source_and_by_every_annotator(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=3, overlap=3)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 3)]
        label(tx, batch, "ana", dict.fromkeys(ids, "a"))
        label(tx, batch, "ben", {ids[0]: "a"})
    version = dataset.build(workspace, BuildSettings(batch="first", holdout=0))
    rows = dataset_versions.read_rows(workspace, version)
    # a row of a version that was pulled: its pair is not here
    rows = [*rows, replace(rows[0], pair_id="f" * 64)]
    with workspace.ledger.write() as tx:
        # came after the version was built
        label(tx, batch, "cleo", {ids[1]: "a"})
    features = origins.features(workspace, rows, version.created_at)
    found = drift.cover("", {"v1": (rows, features[origins.ANNOTATOR])})
    assert dict(zip(found.classes, found.shares, strict=True)) == {
        "ana": [0.6],
        "ben": [0.2],
        origins.NOBODY: [0.2],
    }
    found = drift.cover("", {"v1": (rows, features[origins.SOURCE])})
    assert dict(zip(found.classes, found.shares, strict=True)) == {
        "file test.jsonl": [0.75],
        "unknown": [0.25],
    }
