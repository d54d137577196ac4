"""Exports of dataset versions: every format reloads to the same content, and none is half there."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from storage import dataset_rows, exports, pairs, swift_import
from storage.dataset_split import HOLDOUT, TRAIN
from storage.errors import NotFoundError, WrongInputError
from storage.exports import FORMATS, folder, trl
from storage.exports.messages import HAS_VIDEO, SEVERAL_TURNS
from storage.pairs import PairFilter
from storage.rows import DatasetRow
from storage.workspace import Workspace


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def rows(
    workspace: Workspace,
    tmp_path: Path,
    photo: Callable[..., Image.Image],
    video: Callable[..., bytes],
    record: Callable[..., dict[str, Any]],
    write_lines: Callable[..., Path],
) -> list[DatasetRow]:
    """Rows of every shape: pictures, no picture, a system message, a video."""
    for seed in (1, 2):
        photo(seed).save(tmp_path / f"{seed}.png")
    (tmp_path / "clip.mp4").write_bytes(video())
    told = record("And here, <image>?", "A mug.", "A jug.", images="2.png")
    told["messages"].insert(0, {"role": "system", "content": "Be brief."})
    lines = [
        record("<image>What is this?", images="1.png"),
        record("Compare <image> with <image> \u00e9", images=["1.png", "2.png"]),
        record("Name a colour", "Red.", "Loud."),
        told,
        record("What happens in <video>?", "It darkens.", "Rain.", videos=["clip.mp4"]),
    ]
    report = swift_import.import_file(workspace, write_lines(lines), batch="first")
    assert report.rejected == ()
    with workspace.ledger.read() as db:
        views = pairs.page(db, PairFilter(batch="first"), limit=10)
    made = [
        DatasetRow(
            pair_id=view.pair.id,
            prompt=view.prompt,
            chosen=view.text_a,
            rejected=view.text_b,
            labels="imported",
            votes=0,
            confidence=1.0,
            record_id="",
        )
        for view in views
    ]
    ordered = sorted(made, key=lambda row: (len(row.prompt.turns), row.pair_id))
    return [
        replace(row, split=HOLDOUT if number == len(ordered) - 1 else TRAIN)
        for number, row in enumerate(ordered)
    ]


def _is_video(row: DatasetRow) -> bool:
    return any(part.type == "video" for turn in row.prompt.turns for part in turn.parts)


def _expected(rows: list[DatasetRow]) -> dict[str, list[DatasetRow]]:
    """Rows without video, by split."""
    sides = {side: [row for row in rows if row.split == side] for side in (TRAIN, HOLDOUT)}
    return {side: [row for row in some if not _is_video(row)] for side, some in sides.items()}


def _texts(row: DatasetRow) -> dict[str, Any]:
    """A row as message lists, written out here so that the code is compared with something."""
    prompt = [
        {
            "role": turn.role,
            "content": [
                {"type": "image"} if part.type == "image" else {"type": "text", "text": part.text}
                for part in turn.parts
            ],
        }
        for turn in row.prompt.turns
    ]
    answers = {
        name: [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
        for name, text in (("chosen", row.chosen), ("rejected", row.rejected))
    }
    return {"prompt": prompt, **answers}


def _read(record: dict[str, Any]) -> dict[str, Any]:
    """The message lists of a loaded row, without the empty fields that Arrow adds."""
    return {
        name: [
            {
                "role": message["role"],
                "content": [
                    {key: value for key, value in part.items() if value is not None}
                    for part in message["content"]
                ],
            }
            for message in record[name]
        ]
        for name in ("prompt", "chosen", "rejected")
    }


def _pixels(workspace: Workspace, row: DatasetRow) -> list[bytes]:
    stored = (workspace.media.read(media_id) for media_id in row.prompt.media)
    return [Image.open(io.BytesIO(data)).tobytes() for data in stored]


def test_the_trl_format_reloads_with_its_pictures_opened(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    made = exports.export_rows(workspace, rows, "trl", tmp_path / "out")
    assert (dict(made.rows), made.excluded) == ({TRAIN: 3, HOLDOUT: 1}, {HAS_VIDEO: 1})
    loaded = datasets.load_dataset(str(made.folder))
    for side, some in _expected(rows).items():
        again = list(loaded[side])
        assert [_read(row) for row in again] == [_texts(row) for row in some]
        assert [row["pair_id"] for row in again] == [row.pair_id for row in some]
        shown = [[picture.tobytes() for picture in row["images"]] for row in again]
        assert shown == [_pixels(workspace, row) for row in some]


def test_the_trl_format_describes_itself_as_the_datasets_library_does() -> None:
    part = {"type": datasets.Value("string"), "text": datasets.Value("string")}
    turns = datasets.List({"role": datasets.Value("string"), "content": datasets.List(part)})
    text = datasets.Value("string")
    features = datasets.Features(
        {
            **dict.fromkeys(("prompt", "chosen", "rejected"), turns),
            "images": datasets.List(datasets.Image()),
            "pair_id": text,
            "category": text,
        }
    )
    assert trl._schema(True, whole=False).equals(features.arrow_schema, check_metadata=True)
    numbers = {"votes": datasets.Value("int64"), "confidence": datasets.Value("float64")}
    own = {"labels": text, **numbers, "record_id": text}
    whole = datasets.Features({**features, **own})
    assert trl._schema(True, whole=True).equals(whole.arrow_schema, check_metadata=True)


def test_the_trl_format_of_texts_alone_has_no_column_for_pictures(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    plain = [row for row in rows if not row.prompt.media]
    made = exports.export_rows(workspace, plain, "trl", tmp_path / "out")
    loaded = datasets.load_dataset(str(made.folder))
    assert loaded[TRAIN].column_names == ["prompt", "chosen", "rejected", "pair_id", "category"]


def test_dpo_json_is_one_array_and_names_its_pictures(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    made = exports.export_rows(workspace, rows, "dpo-json", tmp_path / "out")
    assert made.excluded == {HAS_VIDEO: 1}
    array = json.loads((made.folder / "train.json").read_text(encoding="utf-8"))
    assert [set(record) for record in array] == [{"prompt", "chosen", "rejected", "images"}] * 3
    loaded = datasets.load_dataset(str(made.folder))
    for side, some in _expected(rows).items():
        for record, row in zip(loaded[side], some, strict=True):
            assert _read(record) == _texts(row)
            pictures = [Image.open(made.folder / name) for name in record["images"]]
            assert [picture.tobytes() for picture in pictures] == _pixels(workspace, row)


def test_triples_are_texts_and_leave_out_what_they_cannot_hold(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    made = exports.export_rows(workspace, rows, "triples", tmp_path / "out")
    assert made.excluded == {HAS_VIDEO: 1, SEVERAL_TURNS: 1}
    assert [path.name for path in made.files] == ["train.jsonl"]
    loaded = list(datasets.load_dataset(str(made.folder))[TRAIN])
    assert {row["prompt"]: len(row["images"]) for row in loaded} == {
        "<image>What is this?": 1,
        "Compare <image> with <image> \u00e9": 2,
        "Name a colour": 0,
    }
    by_answers = {(row.chosen, row.rejected) for row in rows if len(row.prompt.turns) == 1}
    assert {(row["chosen"], row["rejected"]) for row in loaded} <= by_answers
    assert all((made.folder / name).is_file() for row in loaded for name in row["images"])


def test_triples_of_texts_alone_have_three_columns(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    plain = [row for row in rows if not row.prompt.media]
    made = exports.export_rows(workspace, plain, "triples", tmp_path / "out")
    [line] = made.files[0].read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "prompt": "Name a colour",
        "chosen": plain[0].chosen,
        "rejected": plain[0].rejected,
    }


@pytest.mark.parametrize("name", ["parquet", "swift"])
def test_a_format_of_ours_holds_every_row(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path, name: str
) -> None:
    made = exports.export_rows(workspace, rows, name, tmp_path / "out")
    assert (sum(made.rows.values()), made.excluded) == (5, {})
    loaded = datasets.load_dataset(str(made.folder))
    assert {side: len(loaded[side]) for side in loaded} == dict(made.rows)
    shown = {media_id for row in rows for media_id in row.prompt.media}
    kept = {path.stem for kind in ("images", "videos") for path in (made.folder / kind).iterdir()}
    assert kept == shown


def test_our_own_columns_come_back_as_the_same_rows(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    made = exports.export_rows(workspace, rows, "parquet", tmp_path / "out")
    again = [row for path in made.files for row in dataset_rows.read_parquet(path)]
    assert dataset_rows.digest(again) == dataset_rows.digest(rows)


def test_the_readme_counts_what_was_left_out(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    exports.export_rows(workspace, rows, "trl", tmp_path / "out", "Dataset v7")
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "# Dataset v7" in text
    assert f"left out: 1 rows, each {HAS_VIDEO}" in text


def test_what_fits_no_row_is_refused_before_anything_is_written(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    videos = [row for row in rows if _is_video(row)]
    with pytest.raises(WrongInputError, match=f"none of the 1 rows: 1 {HAS_VIDEO}"):
        exports.export_rows(workspace, videos, "trl", tmp_path / "new" / "out")
    with pytest.raises(WrongInputError, match="no format 'csv'"):
        exports.export_rows(workspace, rows, "csv", tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", list(FORMATS))
def test_an_export_that_fails_midway_leaves_nothing(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path, name: str
) -> None:
    for row in rows:
        for media_id in row.prompt.media[-1:]:
            Path(workspace.media.path_of(media_id)).unlink(missing_ok=True)
    (tmp_path / "place").mkdir()
    with pytest.raises(NotFoundError, match="Import the file again"):
        exports.export_rows(workspace, rows, name, tmp_path / "place" / "out")
    assert list((tmp_path / "place").iterdir()) == []


def test_an_export_cut_short_never_bears_the_final_name(tmp_path: Path) -> None:
    making = folder.whole(tmp_path / "out")
    inside = making.__enter__()
    (inside / "half.json").write_text("[")
    # a kill runs no `finally`: this is what is on disk at that moment
    assert not (tmp_path / "out").exists()
    making.__exit__(None, None, None)
    assert (tmp_path / "out" / "half.json").exists()


def test_an_empty_folder_is_used_and_one_filled_meanwhile_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with folder.whole(out) as making:
        (making / "a").write_text("a")
    assert (out / "a").exists()
    other = tmp_path / "other"
    with pytest.raises(WrongInputError, match="cannot be used"):
        _fill_while_writing(other)
    assert [path.name for path in other.iterdir()] == ["mine"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


def _fill_while_writing(out: Path) -> None:
    with folder.whole(out) as making:
        (making / "a").write_text("a")
        out.mkdir()
        (out / "mine").write_text("mine")
