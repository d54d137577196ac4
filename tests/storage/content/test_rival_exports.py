"""Exports for Label Studio and Argilla: reading them back gives the same pairs, and each export
says what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import dataset_rows, exports, labels, pairs, swift_import
from storage import workspace as workspaces
from storage.exports import About
from storage.exports.messages import SEVERAL_PICTURES, SEVERAL_TURNS
from storage.imports import importing
from storage.pairs import PairFilter
from storage.rows import DatasetRow
from storage.workspace import Workspace


@pytest.fixture
def elsewhere(new_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Another, empty workspace."""
    opened = workspaces.create(tmp_path / "elsewhere")
    yield opened
    opened.close()


@pytest.fixture
def rows(
    workspace: Workspace,
    tmp_path: Path,
    photo: Callable[..., Image.Image],
    record: Callable[..., dict[str, Any]],
    write_lines: Callable[..., Path],
) -> list[DatasetRow]:
    """A picture in front, one within the words, none; and two rows that no task can hold."""
    for seed in (1, 2):
        photo(seed).save(tmp_path / f"{seed}.png")
    talk = record("And now?", "Now.", "Then.")
    talk["messages"].insert(0, {"role": "system", "content": "Be brief."})
    lines = [
        record("<image>What is this?", "A mug.", "A jug.", images="1.png"),
        record("Is <image> a mug?", "It is.", "No.", images="2.png"),
        record("Name a colour", "Red.", "Loud."),
        record("<image><image>Alike?", "Yes.", "No.", images=["1.png", "2.png"]),
        talk,
    ]
    swift_import.import_file(workspace, write_lines(lines), batch="first")
    with workspace.ledger.read() as db:
        views = pairs.page(db, PairFilter(batch="first"), limit=10)
        found = {label.pair_id: label.winner for label in labels.of_pairs(db)}
    made = []
    for view in views:
        texts = (view.text_a, view.text_b)
        chosen, rejected = texts if found[view.pair.id] == "a" else texts[::-1]
        made.append(
            DatasetRow(view.pair.id, view.prompt, chosen, rejected, "consensus", 3, 0.9, "")
        )
    return made


def pair_ids(workspace: Workspace) -> set[str]:
    with workspace.ledger.read() as db:
        return {view.pair.id for view in pairs.page(db, PairFilter(), limit=10)}


@pytest.mark.parametrize("form", ["label-studio", "argilla"])
def test_reading_an_export_back_gives_the_same_pairs(
    workspace: Workspace,
    elsewhere: Workspace,
    rows: list[DatasetRow],
    tmp_path: Path,
    form: str,
) -> None:
    made = exports.export_rows(workspace, rows, form, tmp_path / "out")
    assert made.excluded == {SEVERAL_PICTURES: 1, SEVERAL_TURNS: 1}
    report = importing.import_file(elsewhere, made.files[0], batch="first")
    assert (report.format, report.imported, report.rejected) == (form, 3, ())
    assert pair_ids(elsewhere) < pair_ids(workspace)


def test_tasks_of_label_studio_carry_the_decision_and_their_interface(
    workspace: Workspace, elsewhere: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    made = exports.export_rows(workspace, rows, "label-studio", tmp_path / "out")
    importing.import_file(elsewhere, made.files[0], batch="first")
    with elsewhere.ledger.read() as db:
        winners = {label.pair_id: label.winner for label in labels.of_pairs(db)}
        views = pairs.views(db, list(winners))
    texts = {view.pair.id: {"a": view.text_a, "b": view.text_b} for view in views}
    chosen = {row.pair_id: row.chosen for row in rows}
    assert len(winners) == 3
    assert all(texts[pair][winner] == chosen[pair] for pair, winner in winners.items())
    interface = (made.folder / "labeling_interface.xml").read_text()
    assert 'toName="answer1,answer2"' in interface
    assert 'value="$image"' in interface


def test_which_answer_stands_first_does_not_tell_the_chosen_one(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    flipped = [
        DatasetRow(**{**vars(row), "chosen": row.rejected, "rejected": row.chosen}) for row in rows
    ]
    shown = []
    for number, some in enumerate((rows, flipped)):
        made = exports.export_rows(workspace, some, "label-studio", tmp_path / str(number))
        shown.append([task["data"] for task in json.loads(made.files[0].read_text())])
    assert shown[0] == shown[1]


def test_argilla_gets_a_suggestion_and_no_response_of_a_user_it_does_not_have(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path
) -> None:
    made = exports.export_rows(workspace, rows, "argilla", tmp_path / "out")
    chosen = {row.pair_id: row.chosen for row in rows}
    records = json.loads(made.files[0].read_text())
    for each in records:
        first = each["suggestions"]["preference"]["value"][0]
        assert each["fields"][first] == chosen[each["id"]]
        assert each["responses"] == {}
    assert sum("image" in each["fields"] for each in records) == 2


@pytest.mark.parametrize("form", list(exports.FORMATS))
def test_every_export_has_a_manifest_with_the_digest_of_its_rows(
    workspace: Workspace, rows: list[DatasetRow], tmp_path: Path, form: str
) -> None:
    about = About("v3", {"batch": "first"}, "CC BY 4.0")
    made = exports.export_rows(workspace, rows, form, tmp_path / "out", about=about)
    said = json.loads((made.folder / "manifest.json").read_text())
    kept = [row for row in rows if exports.FORMATS[form].refusal(row) is None]
    assert said["digest"] == dataset_rows.digest(kept)
    assert (said["version"], said["filter"]) == ("v3", {"batch": "first"})
    assert (said["licence"], said["format"]) == ("CC BY 4.0", form)
    assert said["counts"]["rows"] == len(kept) == said["counts"]["train"]
    assert sum(said["counts"]["left_out"].values()) == len(rows) - len(kept)
