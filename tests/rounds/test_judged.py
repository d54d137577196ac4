"""Labels of a model enter a dataset version only when asked for, and say what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rounds import dataset
from rounds.dataset import BuildSettings
from storage import dataset_versions
from storage.errors import NotFoundError
from storage.workspace import Workspace


@pytest.fixture
def judged(
    workspace: Workspace, four: Any, label: Callable[..., None], judge_says: Callable[..., None]
) -> Any:
    """Experts prefer `a` of the first pair; the model says b, b, tie of the first three."""
    with workspace.ledger.write() as tx:
        label(tx, four.batch, "ana", {four.ids[0]: "a"})
    said = [("b", "b"), ("b", "b"), ("a", "b")]
    judge_says(dict(zip(four.ids, said, strict=False)), share_of_a=0.2)
    return four


def test_without_asking_no_row_rests_on_a_model(workspace: Workspace, judged: Any) -> None:
    found = dataset.preview(workspace, BuildSettings(batch="first"))
    assert list(found.rows.frame["labels"]) == ["ana"]
    assert found.excluded == {"no votes": 3}


def test_a_judge_decides_where_nobody_else_does_and_its_rows_are_counted(
    workspace: Workspace, judged: Any
) -> None:
    settings = BuildSettings(batch="first", with_judge="m", holdout=0)
    version = dataset.build(workspace, settings)
    rows = {row.pair_id: row for row in dataset_versions.read_rows(workspace, version)}
    assert {pair: row.labels for pair, row in rows.items()} == {
        judged.ids[0]: "ana",
        judged.ids[1]: "model",
    }
    assert (rows[judged.ids[1]].votes, rows[judged.ids[1]].confidence) == (0, 0.8)
    assert version.labels == "mixed"
    assert version.excluded == {"no votes": 1, "tie of the judge": 1}
    assert version.policy["judge"] == "m@v1"
    assert version.policy["rows_by"] == {"ana": 1, "model": 1}


def test_imported_labels_come_before_those_of_a_model(
    workspace: Workspace, judged: Any, import_label: Callable[..., None]
) -> None:
    import_label(1, "a")
    settings = BuildSettings(batch="first", labels="imported", with_judge="m")
    found = dataset.preview(workspace, settings)
    frame = found.rows.frame
    assert dict(zip(frame["pair_id"], frame["labels"], strict=True)) == {
        judged.ids[0]: "model",
        judged.ids[1]: "imported",
    }


def test_a_judge_that_labeled_nothing_is_named_with_those_that_did(
    workspace: Workspace, judged: Any
) -> None:
    with pytest.raises(NotFoundError, match="No judge 'other'") as error:
        dataset.preview(workspace, BuildSettings(with_judge="other"))
    assert "m@v1" in error.value.next_step
