"""Export to the swift format: importing it elsewhere gives the same content and labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import batches, dataset_versions, exports, labels, pairs, swift_import
from storage import workspace as workspaces
from storage.errors import NotFoundError, WrongInputError
from storage.pairs import PairFilter
from storage.rows import DatasetRow, ImportedLabel, PairView
from storage.workspace import Workspace

PHOTOS = Path(__file__).parents[3] / "examples" / "photos" / "preferences.jsonl"


def _export(workspace: Workspace, rows: list[DatasetRow], out: Path) -> Path:
    return exports.export_rows(workspace, rows, "swift", out).files[0]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Workspace]:
    """Another, empty workspace."""
    opened = workspaces.create(tmp_path / "elsewhere")
    yield opened
    opened.close()


def _content(workspace: Workspace) -> tuple[list[PairView], list[ImportedLabel]]:
    with workspace.ledger.read() as db:
        views = pairs.page(db, PairFilter(batch="first"), limit=1000)
        return views, labels.of_pairs(db, batches.get(db, "first").id)


def _rows(workspace: Workspace) -> list[DatasetRow]:
    """The pairs of a batch as its imported labels decide them."""
    views, found = _content(workspace)
    by_id = {label.pair_id: label for label in found}
    return [_row(view, by_id[view.pair.id]) for view in views]


def _row(view: PairView, label: ImportedLabel) -> DatasetRow:
    answers = (view.text_a, view.text_b)
    chosen, rejected = answers if label.winner == "a" else answers[::-1]
    return DatasetRow(
        pair_id=view.pair.id,
        prompt=view.prompt,
        chosen=chosen,
        rejected=rejected,
        labels=label.labeled_by,
        votes=0,
        confidence=1.0,
        record_id=label.record_id,
    )


def _labels(found: list[ImportedLabel]) -> list[tuple[str, str, str]]:
    return [(label.pair_id, label.winner, label.record_id) for label in found]


def test_the_photographs_go_out_and_come_back_as_the_same_content(
    workspace: Workspace, elsewhere: Workspace, tmp_path: Path
) -> None:
    swift_import.import_file(workspace, PHOTOS, batch="first")
    version = dataset_versions.write(
        workspace,
        _rows(workspace),
        labels="imported",
        policy={},
        excluded={},
        holdout=0.1,
        seed=0,
    )
    rows = dataset_versions.read_rows(workspace, version)
    assert {row.split for row in rows} == {"train", "holdout"}
    path = _export(workspace, rows, tmp_path / "out")
    report = swift_import.import_file(elsewhere, path, batch="first")
    assert (report.records, report.imported, report.rejected, report.notes) == (48, 48, (), ())
    before, after = _content(workspace), _content(elsewhere)
    assert before[0] == after[0]
    assert _labels(before[1]) == _labels(after[1])
    exported = {json.dumps(_words(line), sort_keys=True) for line in _lines(path)}
    original = {json.dumps(_words(line), sort_keys=True) for line in _lines(PHOTOS)}
    assert exported == original


def test_pictures_and_videos_go_out_once_under_names_that_say_nothing(
    workspace: Workspace,
    elsewhere: Workspace,
    tmp_path: Path,
    photo: Callable[..., Image.Image],
    video: Callable[..., bytes],
    record: Callable[..., dict[str, Any]],
    write_lines: Callable[..., Path],
) -> None:
    photo(1).save(tmp_path / "secret-name.jpg")
    (tmp_path / "secret-clip.mp4").write_bytes(video("mp4", "mpeg4", title="secret"))
    (tmp_path / "secret-clip.webm").write_bytes(video("webm", "libvpx", title="secret"))
    clips = ["secret-clip.mp4", "secret-clip.webm"]
    lines = [
        record("<image>Look, <video>then <video>: why?", images="secret-name.jpg", videos=clips),
        record("And <image>?", " \u00e9 </script>\n", "e\u0301", images="secret-name.jpg"),
    ]
    report = swift_import.import_file(workspace, write_lines(lines), batch="first")
    assert report.rejected == ()
    path = _export(workspace, _rows(workspace), tmp_path / "out")
    shown = [p for kind in ("images", "videos") for p in (path.parent / kind).iterdir()]
    assert len(shown) == 3
    assert not any(b"secret" in file.read_bytes() for file in path.parent.rglob("*.*"))
    swift_import.import_file(elsewhere, path, batch="first")
    assert _content(elsewhere)[0] == _content(workspace)[0]
    assert _labels(_content(elsewhere)[1]) == _labels(_content(workspace)[1])


@pytest.fixture
def rows(
    workspace: Workspace,
    photo: Callable[..., Image.Image],
    record: Callable[..., dict[str, Any]],
    write_lines: Callable[..., Path],
) -> list[DatasetRow]:
    """One row that shows a picture."""
    path = write_lines([record("<image>What is this?", images="x.png")], "in/x.jsonl")
    photo(1).save(path.with_name("x.png"))
    swift_import.import_file(workspace, path, batch="first")
    return _rows(workspace)


def test_a_folder_with_something_in_it_is_left_alone(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out, reason in ((tmp_path / "full", "is not empty"), (tmp_path / "file", "cannot be used")):
        with pytest.raises(WrongInputError, match=reason):
            _export(workspace, rows, out)
    with pytest.raises(WrongInputError, match="no rows"):
        _export(workspace, [], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_picture_that_is_gone_is_named(
    workspace: Workspace, elsewhere: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="No media has the id"):
        _export(elsewhere, rows, tmp_path / "one")
    Path(workspace.media.path_of(rows[0].prompt.media[0])).unlink()
    with pytest.raises(NotFoundError, match="Import the file again"):
        _export(workspace, rows, tmp_path / "two")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _words(line: dict[str, Any]) -> dict[str, Any]:
    """A record without the names of its files."""
    return {**line, "images": len(line.get("images", []))}
