"""Segments: sealed once, whole or not at all, and named when they are damaged."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars
import pytest

from storage import analytics, segments
from storage.errors import ConflictError, DamagedError, WorkspaceError, WrongInputError
from storage.segments import SegmentKind
from storage.workspace import Workspace

SCORES = SegmentKind.SCORES
# the steps of sealing, as functions of `storage.segments`, in their order
STEPS = ("_write_temporary", "_verify", "_name", "sync_folder", "_list")

ROOT = Path(__file__).resolve().parents[3]
SEAL_AND_DIE = """
import os, signal, sys
from pathlib import Path
import polars
from storage import segments, workspace

home, step, moment = sys.argv[1:]
rows = {"checkpoint": ["c"] * 3, "split": ["train", "train", "holdout"]}
frame = polars.DataFrame({**rows, "margin": [0.5, -1.25, 3.0]})
real = getattr(segments, step)

def killed(*arguments):
    if moment == "after":
        real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(segments, step, killed)
segments.seal(workspace.open_existing(Path(home)), segments.SegmentKind.SCORES, frame, "a", "b")
"""


def rows(checkpoint: str = "c", **more: Any) -> polars.DataFrame:
    content = {"checkpoint": [checkpoint] * 3, "split": ["train", "train", "holdout"]}
    return polars.DataFrame({**content, "margin": [0.5, -1.25, 3.0], **more})


def files(place: Workspace) -> list[Path]:
    return [path for path in segments.folder(place).rglob("*") if path.is_file()]


def listed(place: Workspace) -> list[str]:
    with place.ledger.read() as db:
        return [segment.id for segment in segments.listed(db, SCORES)]


def test_the_same_rows_are_one_segment_whenever_they_are_sealed(place: Workspace) -> None:
    one = segments.seal(place, SCORES, rows(), "a", "b")
    assert segments.seal(place, SCORES, rows(), "a", "b") == one
    assert listed(place) == [one.id]
    assert [path.name for path in files(place)] == [f"{one.id}.parquet"]
    assert segments.seal(place, SCORES, rows(margin=[0.5, -1.25, 3.5]), "a", "b").id != one.id


def test_a_segment_is_read_by_equal_columns(place: Workspace) -> None:
    segments.seal(place, SCORES, rows("one"), "a", "a")
    segments.seal(place, SCORES, rows("two", kl=[1.0, 2.0, 3.0]), "b", "b")
    store = analytics.open(place)
    found = store.read(SCORES, ("margin",), checkpoint="one", split="train")
    assert found.to_dicts() == [{"margin": 0.5}, {"margin": -1.25}]
    # a segment from before a column was added has nothing in it
    assert store.read(SCORES, ("kl",), split="holdout").to_dicts() == [{"kl": None}, {"kl": 3.0}]
    assert store.read(SCORES, checkpoint="' OR true --").is_empty()
    assert store.read(SCORES, **{'x" OR true --': 1}).is_empty()
    assert store.read(SegmentKind.METRICS).is_empty()


def test_sealed_files_are_read_only(place: Workspace) -> None:
    made = segments.seal(place, SCORES, rows(), "a", "b")
    mode = (place.home / made.path).stat().st_mode
    assert stat.S_IMODE(mode) == 0o444


def test_no_rows_are_no_segment(place: Workspace) -> None:
    with pytest.raises(WrongInputError, match="without rows"):
        segments.seal(place, SCORES, rows().clear(), "a", "b")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_leaves_no_half_segment(
    step: str, moment: str, workspace: Workspace
) -> None:
    script = [sys.executable, "-c", SEAL_AND_DIE, str(workspace.home), step, moment]
    died = subprocess.run(script, cwd=ROOT, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL
    was_listed = (step, moment) == ("_list", "after")
    assert len(listed(workspace)) == was_listed
    found = analytics.open(workspace).read(SCORES)
    assert found.height == (3 if was_listed else 0)
    # what is left behind is swept, and the same rows can be sealed again
    segments.sweep(workspace, kept_seconds=-1)
    assert len(files(workspace)) == was_listed
    segments.seal(workspace, SCORES, rows(), "a", "b")
    assert analytics.open(workspace).read(SCORES).equals(rows())


@pytest.mark.parametrize("harm", ["gone", "cut", "torn"])
def test_a_damaged_segment_is_named(harm: str, place: Workspace) -> None:
    made = segments.seal(place, SCORES, rows(), "a", "b")
    path = place.home / made.path
    content = path.read_bytes()
    path.unlink()
    if harm == "cut":
        path.write_bytes(content[:-10])
    if harm == "torn":
        path.write_bytes(bytes(len(content)))
    with pytest.raises(DamagedError, match=made.id):
        analytics.open(place).read(SCORES)
    assert [segment.id for segment in segments.damaged(place)] == [made.id]
    segments.seal(place, SCORES, rows(), "a", "b")
    assert analytics.open(place).read(SCORES).equals(rows())


def test_a_file_that_reads_back_differently_is_not_listed(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = segments._write_temporary
    torn = rows(margin=[0.0, 0.0, 0.0])
    monkeypatch.setattr(segments, "_write_temporary", lambda frame, path: real(torn, path))
    with pytest.raises(DamagedError, match="reads back differently"):
        segments.seal(place, SCORES, rows(), "a", "b")
    assert (listed(place), files(place)) == ([], [])


def test_a_replacement_is_refused_when_the_list_has_changed(place: Workspace) -> None:
    one = segments.seal(place, SCORES, rows("one"), "a", "a")
    two = segments.seal(place, SCORES, rows("two"), "b", "b")
    both = polars.concat([rows("one"), rows("two")])
    with pytest.raises(ConflictError):
        segments.replace(place, SCORES, both, "a", "b", listed_before=[one.id], retired=[one.id])
    assert listed(place) == [one.id, two.id]
    made = segments.replace(
        place, SCORES, both, "a", "b", listed_before=[two.id, one.id], retired=[one.id, two.id]
    )
    assert listed(place) == [made.id]


def test_retired_files_stay_for_readers_and_are_swept_later(place: Workspace) -> None:
    made = segments.seal(place, SCORES, rows(), "a", "b")
    segments.retire(place, [made.id])
    assert segments.sweep(place) == 0
    assert len(files(place)) == 1
    assert segments.sweep(place, kept_seconds=-1) == 1
    assert files(place) == []


def test_a_folder_that_cannot_be_written_is_named(place: Workspace) -> None:
    segments.folder(place).write_text("a file", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        segments.seal(place, SCORES, rows(), "a", "b")
    assert listed(place) == []
