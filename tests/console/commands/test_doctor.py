"""pairwright doctor: a sound workspace passes, and every damage is found with what to do."""

from __future__ import annotations

import io
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from rounds import dataset
from storage import browser_sizes, checkpoints, jobs, media, models, pictures, workspace
from storage.rows import Batch
from storage.workspace import Workspace
from training.runs import manifest

Pairwright = Callable[..., Any]


@pytest.fixture
def kept(
    new_home: Path,
    tmp_path: Path,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
) -> Workspace:
    """A workspace with pairs, votes, a picture, a dataset version and a checkpoint."""
    opened = workspace.open_existing(shutil.copytree(new_home, tmp_path / "home"))
    encoded = io.BytesIO()
    Image.new("RGB", (24, 16), (90, 60, 30)).save(encoded, "PNG")
    row, data = pictures.normalize(encoded.getvalue())
    opened.media.put(data, row)
    with opened.ledger.write() as tx:
        media.add(tx, row)
        batch = make_batch(tx, pair_count=8)
        found = tx.execute(text("SELECT id FROM pairs")).scalars().all()
        label(tx, batch, "ana", dict.fromkeys(found, "a"))
    version = dataset.build(opened, dataset.BuildSettings(holdout=0.3))
    folder = opened.checkpoints_folder / "c1"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    manifest.complete(folder, {"step": 1})
    with opened.ledger.write() as tx:
        job = jobs.submit(tx, kind="train", spec={}, key="k")
        jobs.request_cancel(tx, job.id)
        checkpoints.add(
            tx,
            checkpoint_id="c1",
            name="round-1",
            job_id=job.id,
            parent=None,
            model="tiny",
            kind="adapter",
            path="checkpoints/c1",
            dataset_version=version.id,
            config={},
            metrics={},
        )
    opened.close()
    return opened


def _graded(ended: Any, grade: str) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in ended.result["findings"] if one["grade"] == grade}


def test_a_sound_workspace_has_no_problem(kept: Workspace, pairwright: Pairwright) -> None:
    for words in (("doctor", "--json"), ("doctor", "--full", "--json")):
        ended = pairwright(*words)
        assert (ended.code, _graded(ended, "problem")) == (0, {}), ended.out
        checks = {one["check"] for one in ended.result["findings"]}
        assert checks >= {"python", "libraries", "gpu", "disk", "secret", "ledger", "lock"}
        assert checks >= {"clock", "media", "datasets", "checkpoints", "segments", "jobs"}


def test_people_get_a_line_for_every_check(kept: Workspace, pairwright: Pairwright) -> None:
    ended = pairwright("doctor")
    assert ended.out.splitlines()[-1].startswith("0 problems")
    assert "ok       ledger" in ended.out


@pytest.mark.parametrize(
    ("check", "pattern"),
    [
        ("media", "media/*/*"),
        ("datasets", "datasets/*.parquet"),
        ("checkpoints", "checkpoints/c1/adapter_model.safetensors"),
    ],
)
@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_a_file_that_is_gone_or_changed_is_a_problem(
    kept: Workspace, pairwright: Pairwright, check: str, pattern: str, harm: str
) -> None:
    [path] = kept.home.glob(pattern)
    if harm == "remove":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    ended = pairwright("doctor", "--full", "--json")
    assert ended.code == 1
    [found] = _graded(ended, "problem").values()
    assert found["check"] == check
    assert found["next_step"]


def test_a_damaged_browser_size_of_a_picture_is_a_warning(
    kept: Workspace, pairwright: Pairwright
) -> None:
    encoded = io.BytesIO()
    Image.new("RGB", (1700, 40), (90, 60, 30)).save(encoded, "PNG")
    row, data = pictures.normalize(encoded.getvalue())
    kept.media.put(data, row)
    opened = workspace.open_existing(kept.home)
    with opened.ledger.write() as tx:
        media.add(tx, row)
    opened.close()
    kept.media.put_beside(row.id, browser_sizes.NAME, b"torn")
    ended = pairwright("doctor", "--json")
    assert (ended.code, _graded(ended, "problem")) == (0, {})
    found = _graded(ended, "warning")["media"]
    assert kept.media.path_beside(row.id, browser_sizes.NAME) in found["what"]
    assert "Delete" in found["next_step"]


def test_a_row_that_points_nowhere_is_a_problem(kept: Workspace, pairwright: Pairwright) -> None:
    with closing(sqlite3.connect(kept.home / "ledger.sqlite")) as raw:
        raw.execute("UPDATE pairs SET prompt_id = 'nowhere'")
        raw.commit()
    ended = pairwright("doctor", "--json")
    assert ended.code == 1
    assert "does not exist" in _graded(ended, "problem")["ledger"]["what"]


def test_a_ledger_that_is_no_database_is_a_problem(kept: Workspace, pairwright: Pairwright) -> None:
    (kept.home / "ledger.sqlite").write_bytes(b"nothing of the kind" * 1000)
    ended = pairwright("doctor", "--json")
    assert ended.code == 1
    assert "backup" in _graded(ended, "problem")["workspace"]["next_step"]


def test_no_workspace_is_a_problem_that_names_the_command(pairwright: Pairwright) -> None:
    ended = pairwright("doctor", "--json")
    assert ended.code == 1
    assert "pairwright init" in _graded(ended, "problem")["workspace"]["next_step"]


def test_an_older_schema_is_told_and_left_as_it_is(kept: Workspace, pairwright: Pairwright) -> None:
    opened = workspace.open_existing(kept.home)
    with opened.ledger.write() as tx:
        tx.execute(text("UPDATE pairwright_schema SET version_num = '0001'"))
    opened.close()
    ended = pairwright("doctor", "--json")
    assert "schema 0001" in _graded(ended, "warning")["workspace"]["what"]
    assert not list((kept.home / "backups").glob("*"))


def test_waiting_jobs_silent_workers_and_missing_models_are_warnings(
    kept: Workspace, pairwright: Pairwright, tmp_path: Path
) -> None:
    opened = workspace.open_existing(kept.home)
    with opened.ledger.write() as tx:
        models.add(tx, "gone", str(tmp_path / "no-such-model"))
        jobs.submit(tx, kind="train", spec={}, key="silent")
        assert jobs.claim(tx, worker="w", lease_seconds=-1)
        jobs.submit(tx, kind="train", spec={}, key="waiting")
    opened.close()
    (kept.home / "secret").chmod(0o644)
    ended = pairwright("doctor", "--json")
    assert ended.code == 0
    found = [one for one in ended.result["findings"] if one["grade"] == "warning"]
    said = " ".join(one["what"] for one in found)
    assert {one["check"] for one in found} == {"jobs", "models", "secret"}
    assert "was not heard of" in said
    assert "no worker runs" in said
    assert "no-such-model" in said


def test_a_record_from_the_future_is_a_warning(kept: Workspace, pairwright: Pairwright) -> None:
    opened = workspace.open_existing(kept.home)
    with opened.ledger.write() as tx:
        tx.execute(text("UPDATE jobs SET created_at = created_at + 7200000000"))
    opened.close()
    found = _graded(pairwright("doctor", "--json"), "warning")["clock"]
    assert "120 minutes in the future" in found["what"]


def test_the_holder_of_the_write_lock_is_named(kept: Workspace, pairwright: Pairwright) -> None:
    code = (
        "import sys, time; from pathlib import Path; from storage.lock import LedgerLock\n"
        "with LedgerLock(Path(sys.argv[1])).hold():\n    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(kept.home / "ledger.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        found = _graded(pairwright("doctor", "--json"), "warning")["lock"]
        holder.kill()
    assert f"process {holder.pid}" in found["what"]


def test_backup_and_restore_say_what_was_written(
    kept: Workspace, pairwright: Pairwright, tmp_path: Path
) -> None:
    saved = pairwright("backup", tmp_path / "saved.tar", "--json")
    assert (saved.code, saved.result["missing"]) == (0, [])
    made = pairwright("restore", tmp_path / "saved.tar", "--home", tmp_path / "new", "--json")
    assert made.code == 0
    assert made.result["counts"] == saved.result["counts"]
    assert made.result["counts"]["votes"] == 8
    next(kept.home.glob("media/*/*")).unlink()
    short = pairwright("backup", tmp_path / "short")
    assert short.code == 1
    assert "1 of the files" in short.err
    assert (tmp_path / "short" / "backup.json").exists()
