"""Independent results on the Checkpoints page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from storage import independent_results
from storage.independent_results import ResultKind
from storage.workspace import Workspace


def test_a_checkpoint_warns_until_something_independent_measured_it(
    maker: Any, workspace: Workspace, page: Callable[..., AppTest]
) -> None:
    maker.checkpoint("one")
    test = page("checkpoints", checkpoint="one")
    assert not test.exception
    warned = [one.value for one in test.text if one.value.startswith("Nothing independent")]
    assert len(warned) == 3
    figure = {"value": 0.861, "ci95": [0.84, 0.88], "n": 3000, "labels": "benchmark"}
    with workspace.ledger.write() as tx:
        independent_results.add(
            tx,
            checkpoint="c-one",
            benchmark="pope",
            kind=ResultKind.OWN,
            metrics={"accuracy": figure, "accuracy/random": figure, "left_out": {"torn": 2}},
            items="",
            digest="d",
            source="job j",
        )
    test.run()
    said = [one.value for one in test.text]
    assert not any(text.startswith("Nothing independent") for text in said)
    assert "pope, left out: 2 torn." in said
    (table,) = [one.value for one in test.dataframe if "benchmark" in one.value.columns]
    assert table[["figure", "value", "n"]].to_numpy().tolist() == [["accuracy", "0.861", "3,000"]]
