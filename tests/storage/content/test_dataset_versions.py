"""Dataset versions: immutable, the same from the same rows, and checked when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from storage import dataset_rows, dataset_versions, prompts
from storage import workspace as workspaces
from storage.errors import DamagedError, NotFoundError, WrongInputError
from storage.rows import DatasetRow, DatasetVersion, Part, Turn
from storage.workspace import Workspace


def _rows(count: int = 20) -> list[DatasetRow]:
    return [
        DatasetRow(
            pair_id=f"{number:064x}",
            prompt=prompts.build(
                [
                    Turn("system", (Part("text", text="Be kind."),)),
                    Turn(
                        "user",
                        (
                            Part("image", media=f"{number:064x}"),
                            Part("text", text=f"Größe {number}?"),
                            Part("video", media=f"{number + 1000:064x}"),
                        ),
                    ),
                ],
                "counting",
            ),
            chosen=f" yes\n{number}",
            rejected="no",
            labels="consensus",
            votes=3,
            confidence=0.1 + 0.2,
            record_id=f"r{number}",
        )
        for number in range(count)
    ]


def _write(workspace: Workspace, rows: Sequence[DatasetRow], **changes: Any) -> DatasetVersion:
    settings: dict[str, Any] = {
        "labels": "consensus",
        "policy": {"policy": "majority", "min_votes": 1},
        "excluded": {"tie": 2},
        "holdout": 0.2,
        "seed": 0,
    }
    return dataset_versions.write(workspace, rows, **{**settings, **changes})


def test_what_was_written_is_recorded_and_read_back(workspace: Workspace) -> None:
    rows = _rows()
    version = _write(workspace, rows)
    assert (version.id, version.rows, version.train, version.holdout) == ("v1", 20, 16, 4)
    assert version.policy["min_votes"] == 1
    assert version.policy["split"] == {
        "holdout": 0.2,
        "seed": 0,
        "kept_apart": ["media", "questions"],
    }
    assert version.excluded == {"tie": 2}
    read = dataset_versions.read_rows(workspace, version)
    assert [replace(row, split="train") for row in read] == rows
    assert sum(row.split == "holdout" for row in read) == 4
    with workspace.ledger.read() as db:
        assert dataset_versions.get(db, "v1") == version
        assert dataset_versions.listed(db) == [version]


def test_the_same_rows_in_any_order_are_the_same_version(workspace: Workspace) -> None:
    rows = _rows()
    first = _write(workspace, rows)
    Random(1).shuffle(rows)
    assert _write(workspace, rows) == first
    assert _write(workspace, rows, policy={"policy": "other"}) == first
    assert len(list(workspace.datasets_folder.iterdir())) == 1


def test_the_digest_is_a_known_number_that_may_never_change() -> None:
    assert (
        dataset_rows.digest(_rows(3))
        == "a847308769abf04cc6c5160b81184ce6fabd0f95f17658746d96ac57b352f5f1"
    )
    assert dataset_rows.digest(_rows(3)[::-1]) == dataset_rows.digest(_rows(3))
    whole = [replace(row, confidence=1, votes=True) for row in _rows(3)]
    assert dataset_rows.digest(whole) == dataset_rows.digest(
        [replace(row, confidence=1.0, votes=1) for row in _rows(3)]
    )


def test_the_digest_does_not_depend_on_how_many_rows_are_spelled_at_a_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _rows()
    whole = dataset_rows.digest(rows)
    for size, in_memory in ((3, 4 * 2**20), (7, 1)):
        monkeypatch.setattr(dataset_rows, "_RUN", size)
        monkeypatch.setattr(dataset_rows, "_IN_MEMORY", in_memory)
        assert dataset_rows.digest(rows[::-1]) == whole
        path = workspace.home / f"{size}.parquet"
        dataset_rows.write_parquet(rows, path)
        assert dataset_rows.digest_of_file(path) == whole


def test_a_page_of_rows_is_read_from_the_file_as_all_rows_are(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_rows, "GROUP", 6)
    rows = [
        replace(row, prompt=prompts.build(row.prompt.turns, "ab"[number % 2]))
        for number, row in enumerate(_rows())
    ]
    version = _write(workspace, rows)
    assert pq.ParquetFile(workspace.home / version.path).num_row_groups == 4
    read = dataset_versions.read_rows(workspace, version)
    opened = dataset_versions.opened(workspace, version)
    assert opened.rows([19, 0, 7]) == [read[19], read[0], read[7]]
    assert opened.find(read[7].pair_id) == read[7]
    assert opened.find("nothing") is None
    held = [number for number, row in enumerate(read) if row.split == "holdout"]
    assert opened.places([], "holdout").to_list() == held
    assert opened.places(["b"], "").to_list() == list(range(1, 20, 2))
    assert opened.pair_ids("holdout") == [read[number].pair_id for number in held]
    assert len(opened) == opened.counts()["len"].sum() == 20
    by_side = {row["split"]: row["len"] for row in opened.counts().iter_rows(named=True)}
    assert by_side.keys() == {"train", "holdout"}


def test_every_change_of_a_row_is_another_version(workspace: Workspace) -> None:
    rows = _rows()
    changes: dict[str, Any] = {
        "chosen": "other",
        "rejected": "other",
        "labels": "other",
        "votes": 4,
        "confidence": 0.3,
        "record_id": "other",
        "prompt": prompts.build(rows[0].prompt.turns, "other"),
    }
    variants: list[tuple[list[DatasetRow], dict[str, Any]]] = [
        (rows, {}),
        (rows, {"seed": 1}),
        (rows, {"holdout": 0.0}),
        (rows[1:], {}),
        *(([replace(rows[0], **{name: new}), *rows[1:]], {}) for name, new in changes.items()),
    ]
    ids = [_write(workspace, some, **settings).id for some, settings in variants]
    assert ids == [f"v{number}" for number in range(1, 12)]
    with workspace.ledger.read() as db:
        assert [version.id for version in dataset_versions.listed(db)] == ids


def test_the_file_has_the_columns_that_trainers_read(workspace: Workspace) -> None:
    version = _write(workspace, _rows())
    assert version.path == f"datasets/{version.digest}.parquet"
    table = pq.read_table(workspace.home / version.path)
    assert table.column_names == [
        *("prompt", "chosen", "rejected", "images", "videos", "pair_id", "category", "split"),
        *("labels", "votes", "confidence", "record_id"),
    ]
    first = table.to_pylist()[0]
    assert first["prompt"][1]["content"] == [
        {"type": "image", "text": None, "media": "0" * 64},
        {"type": "text", "text": "Größe 0?", "media": None},
        {"type": "video", "text": None, "media": f"{1000:064x}"},
    ]
    assert first["chosen"] == [
        {"role": "assistant", "content": [{"type": "text", "text": " yes\n0", "media": None}]}
    ]
    assert first["images"] == ["0" * 64]
    assert first["videos"] == [f"{1000:064x}"]
    assert table["pair_id"].to_pylist() == sorted(table["pair_id"].to_pylist())


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def _replace(path: Path) -> None:
    dataset_rows.write_parquet(_rows(3), path)


def _other_columns(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["votes"]), path)


def _nonsense(path: Path) -> None:
    table = pq.read_table(path)
    column = table.column_names.index("category")
    pq.write_table(table.set_column(column, "category", [[""] * table.num_rows]), path)


def _other_pictures(path: Path) -> None:
    table = pq.read_table(path)
    column = table.column_names.index("images")
    pq.write_table(table.set_column(column, "images", [[["0" * 64]] * table.num_rows]), path)


def _no_text(path: Path) -> None:
    table = pq.read_table(path)
    column = table.column_names.index("chosen")
    pq.write_table(table.set_column(column, "chosen", [[None] * table.num_rows]), path)


@pytest.mark.parametrize(
    "damage", [_cut, _replace, _other_columns, _nonsense, _no_text, _other_pictures, Path.unlink]
)
def test_a_damaged_file_is_noticed_and_made_again_by_building_again(
    damage: Any, workspace: Workspace
) -> None:
    version = _write(workspace, _rows())
    damage(workspace.home / version.path)
    with pytest.raises(DamagedError):
        dataset_versions.read_rows(workspace, version)
    with pytest.raises(DamagedError):
        dataset_versions.opened(workspace, version)
    assert _write(workspace, _rows()) == version
    assert len(dataset_versions.read_rows(workspace, version)) == 20


def test_a_version_without_rows_or_with_a_pair_twice_is_refused(workspace: Workspace) -> None:
    with pytest.raises(WrongInputError, match="at least one row"):
        _write(workspace, [])
    with pytest.raises(WrongInputError, match="twice"):
        _write(workspace, _rows(2) + _rows(1))
    assert not list(workspace.datasets_folder.iterdir())


def test_an_unknown_version_is_answered_with_those_that_are(workspace: Workspace) -> None:
    _write(workspace, _rows())
    with workspace.ledger.read() as db, pytest.raises(NotFoundError, match="Versions: v1"):
        dataset_versions.get(db, "v2")


def test_no_other_file_is_left_beside_the_versions(workspace: Workspace) -> None:
    version = _write(workspace, _rows())
    assert [path.name for path in workspace.datasets_folder.iterdir()] == [
        f"{version.digest}.parquet"
    ]


def test_a_second_database_numbers_and_keeps_versions_alike(
    ledger_url: str, tmp_path: Path
) -> None:
    opened = workspaces.create(tmp_path / "home", ledger_url=ledger_url)
    try:
        versions = [_write(opened, _rows(), seed=seed) for seed in (0, 1, 0)]
        assert [version.id for version in versions] == ["v1", "v2", "v1"]
        assert len(dataset_versions.read_rows(opened, versions[1])) == 20
    finally:
        opened.close()
