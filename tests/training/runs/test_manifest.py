"""Checkpoints that are whole: anything less is found, put aside, and never resumed from."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import DamagedError
from training.runs import manifest


def _checkpoint(checkpoints: Path, step: int) -> Path:
    partial = manifest.step_folder(checkpoints, step).with_suffix(".partial")
    (partial / "nested").mkdir(parents=True)
    (partial / "adapter_model.safetensors").write_bytes(random.Random(step).randbytes(3000))
    (partial / "nested" / "MANIFEST.json").write_text("a file that has our name")
    (partial / "optimizer.pt").write_bytes(b"moments")
    (partial / "training_args.bin").write_bytes(b"pickle")
    manifest.complete(partial, {"step": step})
    return manifest.step_folder(checkpoints, step)


def test_a_completed_checkpoint_has_its_final_name_and_verifies(tmp_path: Path) -> None:
    folder = _checkpoint(tmp_path, 4)
    found = manifest.verify(folder)
    assert found.facts == {"step": 4}
    assert set(found.files) == {
        "adapter_model.safetensors",
        "nested/MANIFEST.json",
        "optimizer.pt",
        "training_args.bin",
    }
    assert found.files["optimizer.pt"].size == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-4"]


def _truncate(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(b"mome")


def _flip(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(b"momentz")


def _lose(folder: Path) -> None:
    (folder / "optimizer.pt").unlink()


def _add(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(b"something else to load")


def _link(folder: Path) -> None:
    (folder / "extra").symlink_to("/etc")


def _forget(folder: Path) -> None:
    (folder / manifest.NAME).unlink()


def _garble(folder: Path) -> None:
    (folder / manifest.NAME).write_text('{"schema": 1, "files": {"optimizer.pt": 3}}')


def _age(folder: Path) -> None:
    (folder / manifest.NAME).write_text('{"schema": 99, "files": {}, "facts": {}}')


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_truncate, "optimizer.pt has 4 bytes instead of 7"),
        (_flip, "optimizer.pt does not match its SHA-256"),
        (_lose, "optimizer.pt is missing"),
        (_add, "adapter_model.bin is not in its manifest"),
        (_link, "extra is a link"),
        (_forget, "it has no manifest"),
        (_garble, "its manifest cannot be read"),
        (_age, "schema 99"),
    ],
)
def test_every_damage_is_found_and_the_one_before_is_resumed_from(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    good, torn = _checkpoint(tmp_path, 9), _checkpoint(tmp_path, 10)
    damage(torn)
    with pytest.raises(DamagedError, match=said):
        manifest.verify(torn)
    assert manifest.newest_verified(tmp_path) == good
    assert (tmp_path / manifest.TORN / "step-10-1").is_dir()
    assert not torn.exists()


def test_the_newest_is_the_largest_step_and_unfinished_ones_do_not_count(tmp_path: Path) -> None:
    assert manifest.newest_verified(tmp_path / "none") is None
    assert manifest.newest_verified(tmp_path) is None
    _checkpoint(tmp_path, 8)
    newest = _checkpoint(tmp_path, 16)
    (tmp_path / "step-32.partial").mkdir()
    (tmp_path / "step-32.partial" / "model.safetensors").write_bytes(b"half")
    (tmp_path / "step-x").mkdir()
    assert manifest.newest_verified(tmp_path) == newest
    assert (tmp_path / manifest.TORN / "step-32.partial-1").is_dir()


def test_a_save_that_was_cut_anywhere_is_never_resumed_from(tmp_path: Path) -> None:
    good = _checkpoint(tmp_path, 1)
    whole = {
        path.relative_to(good): path.read_bytes() for path in good.rglob("*") if path.is_file()
    }
    chance = random.Random(7)
    for _ in range(25):
        torn = tmp_path / "step-2"
        # files in the order of a save, the manifest last, cut after any byte
        names = sorted(whole, key=lambda name: (str(name) == manifest.NAME, str(name)))
        left = chance.randrange(sum(len(data) for data in whole.values()))
        for name in names:
            (torn / name).parent.mkdir(parents=True, exist_ok=True)
            (torn / name).write_bytes(whole[name][:left])
            left -= len(whole[name])
            if left <= 0:
                break
        assert manifest.newest_verified(tmp_path) == good


def test_publishing_leaves_the_trainers_own_files_behind(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "job", 4)
    target = tmp_path / "home" / "c1"
    target.parent.mkdir()
    manifest.publish(source, target)
    assert set(manifest.verify(target).files) == {
        "adapter_model.safetensors",
        "nested/MANIFEST.json",
    }
    assert manifest.verify(target).facts == {"step": 4}
    manifest.verify(source)
    manifest.publish(source, target)
    assert sorted(path.name for path in target.parent.iterdir()) == ["c1"]


def test_publishing_starts_over_what_a_crash_left_half_copied(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "job", 4)
    half = tmp_path / "c1.partial"
    half.mkdir()
    (half / "leftover").write_bytes(b"?")
    manifest.publish(source, tmp_path / "c1")
    manifest.verify(tmp_path / "c1")
    assert not half.exists()


def test_a_damaged_source_or_target_is_not_published(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "job", 4)
    manifest.publish(source, tmp_path / "c1")
    _add(tmp_path / "c1")
    with pytest.raises(DamagedError, match="not in its manifest"):
        manifest.publish(source, tmp_path / "c1")
    _flip(source)
    with pytest.raises(DamagedError, match="SHA-256"):
        manifest.publish(source, tmp_path / "c2")
    assert not (tmp_path / "c2").exists()


def test_the_manifest_is_plain_json(tmp_path: Path) -> None:
    folder = _checkpoint(tmp_path, 4)
    data = json.loads((folder / manifest.NAME).read_text("utf-8"))
    assert data["schema"] == 1
    assert set(data["files"]["optimizer.pt"]) == {"size", "sha256"}
