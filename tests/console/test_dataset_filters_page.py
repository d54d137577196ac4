"""The Datasets page: filters of a build, notes on a version, and the votes behind it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from console.pieces import dataset_votes as piece
from console.views import dataset_changes, dataset_notes, datasets
from rounds import dataset
from rounds.dataset import BuildSettings
from rounds.row_filters import RowFilter
from storage import dataset_versions, pairs
from storage.rows import Batch, DatasetVersion
from storage.workspace import Workspace

Page = Callable[..., AppTest]
Label = Callable[..., None]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def commands(test: AppTest) -> list[str]:
    return [element.value.split(" --home")[0] for element in test.code]


@pytest.fixture
def voted(workspace: Workspace, make_batch: Callable[..., Batch], label: Label) -> list[str]:
    """Thirty pairs: ana votes on all, ben on the first ten, too."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=30, overlap=2)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 30)]
        label(tx, batch, "ana", dict.fromkeys(ids, "a"))
        label(tx, batch, "ben", dict.fromkeys(ids[:10], "a"))
    return ids


def test_the_preview_shows_what_each_filter_takes_away_before_anything_is_built(
    workspace: Workspace, voted: list[str], page: Page
) -> None:
    test = page("datasets", view="Build", only_annotator="ben", only_confidence_to="0.95")
    assert not test.exception
    assert "10 rows of 30 pairs: 9 to train, 1 held out." in texts(test)
    assert "Left out: 20 outside the filter annotator." in texts(test)
    assert test.dataframe[0].value.to_dict("records") == [
        {"asked": "annotator ben", "pairs": 20, "rows": 20},
        {"asked": "confidence to 0.95", "pairs": 0, "rows": 0},
    ]
    assert commands(test) == [
        "pairwright dataset build --annotator ben --confidence-to 0.95",
    ]
    test.text_area(key="new-note").set_value("Only where ben looked.").run()
    test.button(key="build").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        version = dataset_versions.get(db, "v1")
    assert version.policy["filters"] == {"annotator": "ben", "confidence_to": 0.95}
    (line,) = datasets.listed(workspace).lines
    assert (line.filters, line.note) == (
        "annotator ben, confidence to 0.95",
        "Only where ben looked.",
    )


@pytest.fixture
def built(workspace: Workspace, voted: list[str]) -> DatasetVersion:
    return dataset.build(workspace, BuildSettings(holdout=0.0))


def test_a_note_is_written_and_changed_on_the_page_and_the_earlier_one_stays(
    workspace: Workspace, built: DatasetVersion, page: Page
) -> None:
    test = page("datasets")
    test.text_area(key="note-v1-0").set_value("First look.").run()
    test.text_input(key="note-by").set_value("lea").run()
    test.button(key="note-save").click().run()
    assert not test.exception
    assert "First look." in texts(test)
    assert any(word.startswith("Note by lea, ") for word in texts(test))
    test.text_area(key="note-v1-1").set_value("Second look.").run()
    test.button(key="note-save").click().run()
    notes = [frame.value for frame in test.dataframe if "text" in frame.value.columns]
    assert list(notes[0]["text"]) == ["Second look.", "First look."]
    assert dataset_notes.text_of(workspace, "v1") == "Second look."


def test_the_votes_behind_a_version_are_shown_page_by_page_and_as_a_file(
    workspace: Workspace, built: DatasetVersion, voted: list[str], page: Page
) -> None:
    assert not any("with 33 votes" in word for word in texts(page("datasets")))
    test = page("datasets", behind="true", votes_page="2")
    assert not test.exception
    (said,) = [word for word in texts(test) if word.startswith("Rows 26 to 30 of 30, with")]
    assert said.endswith("As they stood when the version was built; policy majority.")
    (frame,) = [one.value for one in test.dataframe if "vote" in one.value.columns]
    heads = frame[frame["prompt"] != ""]
    assert len(heads) == 5
    assert set(frame["vote"]) <= {"ana: A", "ben: A"}
    lines = [json.loads(line) for line in piece._file(workspace, built).splitlines()]
    assert sorted(line["pair"] for line in lines) == sorted(voted)
    assert sum(len(line["votes"]) for line in lines) == 40


def test_two_versions_compared_say_by_which_filters_they_were_built(
    workspace: Workspace, built: DatasetVersion
) -> None:
    assert dataset_changes.made(workspace, "v1", "v1") == []
    by_ben = RowFilter(annotator="ben")
    dataset.build(workspace, BuildSettings(holdout=0.0, filters=by_ben))
    dataset_notes.write(workspace, "v2", "Only ben.", "lead")
    assert dataset_changes.made(workspace, "v1", "v2") == [
        "v1: filters none",
        "v2: filters annotator ben; note: Only ben.",
    ]
