"""Scores of pairs go into a segment whole and come back as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import scores, segments
from storage.errors import DamagedError
from storage.scores import Measured
from storage.segments import SegmentKind
from storage.workspace import Workspace

MEASURED = Measured(
    job="j1",
    checkpoint="c1",
    dataset_version="v1",
    split="all",
    reference="base",
    labels="oracle",
    beta=0.1,
)
Write = Callable[..., Path]


def _score(pair: str, chosen: float = -1.0, **more: Any) -> dict[str, Any]:
    return {
        "pair_id": pair,
        "split": "train",
        "category": "counting",
        "chosen_logp": chosen,
        "rejected_logp": -3.0,
        "reference_chosen_logp": -2.0,
        "reference_rejected_logp": -2.5,
        "chosen_tokens": 4,
        "rejected_tokens": 5,
        "margin": 0.15,
        **more,
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def lines(*found: dict[str, Any]) -> Path:
        path = tmp_path / "scores.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in found), encoding="utf-8")
        return path

    return lines


def test_scores_come_back_with_what_was_measured(workspace: Workspace, write: Write) -> None:
    assert scores.of_job(workspace, "j1") is None
    segment = scores.seal(workspace, write(_score("b"), _score("a", -0.123456789012)), MEASURED)
    assert segment is not None
    assert (segment.low, segment.high, segment.rows) == ("j1", "j1", 2)
    found = scores.of_job(workspace, "j1")
    assert found is not None
    assert found["pair_id"].to_list() == ["a", "b"]
    assert found["chosen_logp"].to_list() == [-0.123456789012, -1.0]
    assert found.row(0, named=True) | vars(MEASURED) == found.row(0, named=True)
    assert found["row_split"].to_list() == ["train", "train"]
    assert scores.jobs_with_scores(workspace) == {"j1"}
    assert scores.of_job(workspace, "j2") is None


def test_the_same_scores_again_are_the_same_segment(workspace: Workspace, write: Write) -> None:
    path = write(_score("a"))
    first, again = (scores.seal(workspace, path, MEASURED) for _ in range(2))
    assert first == again
    with workspace.ledger.read() as db:
        assert len(segments.listed(db, SegmentKind.SCORES)) == 1


def test_an_attempt_that_was_superseded_doubles_no_pair(workspace: Workspace, write: Write) -> None:
    scores.seal(workspace, write(_score("a", -1.0)), MEASURED)
    scores.seal(workspace, write(_score("a", -1.0000001)), MEASURED)
    found = scores.of_job(workspace, "j1")
    assert found is not None
    assert len(found) == 1


def test_the_scores_of_a_pair_are_found_in_every_measurement(
    workspace: Workspace, write: Write
) -> None:
    assert scores.of_pairs(workspace, ["a"]).is_empty()
    for job in ("j1", "j2"):
        measured = Measured(**{**vars(MEASURED), "job": job, "checkpoint": f"c-{job}"})
        scores.seal(workspace, write(_score("a"), _score("b")), measured)
    found = scores.of_pairs(workspace, ["a"])
    assert sorted(found["checkpoint"]) == ["c-j1", "c-j2"]


def test_an_empty_file_is_no_segment(workspace: Workspace, write: Write) -> None:
    assert scores.seal(workspace, write(), MEASURED) is None


@pytest.mark.parametrize(
    "text", ["{broken\n", '{"pair_id": "a"}\n', '{"pair_id": "a", "chosen_logp": "x"}\n']
)
def test_what_cannot_be_read_as_scores_is_refused(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedError, match="scores in"):
        scores.seal(workspace, path, MEASURED)
    assert scores.jobs_with_scores(workspace) == set()
