"""The Import page on files of other tools: how they are read, and what becomes of their votes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from console.views import imports
from console.views.import_reading import Reading
from console.views.imports import Asked
from storage import batches, votes
from storage.errors import ConflictError, WrongInputError
from storage.workspace import Workspace

TABLE = b"frage,answer1,answer2,winner,rater\nWas?,Tasse,Krug,b,ann\nWer?,Er,Sie,?,ann\n"
VOTES = Reading(columns="prompt = frage", taken_as="votes")


def test_the_page_shows_what_columns_were_taken_for_and_casts_the_votes(
    workspace: Workspace, page: Callable[..., AppTest], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE)
    test = page()
    test.switch_page("screens/imports.py")
    query = {"file": "on this machine", "path": str(path), "batch": "first", "as": "votes"}
    for key, value in {**query, "map": "prompt=frage"}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    test.button(key="check").click().run()
    words = [element.value for element in test.text]
    assert "Format columns: columns are named with --map." in words
    assert any("prompt = frage" in text for text in words)
    assert "file:ann: second" in words
    assert "Tasse" in words
    test.button(key="import").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        [vote] = votes.effective(db, batches.get(db, "first").id)
    assert vote.annotator == "file:ann"


def test_an_uploaded_table_is_checked_and_imported(workspace: Workspace) -> None:
    asked = Asked(batch="first", name="table.csv", content=TABLE, reading=VOTES)
    preview = imports.check(workspace, asked)
    assert [bad.line for bad in preview.rejected] == [3]
    assert "--winner-values" in preview.rejected[0].reason
    assert preview.samples[0].standings == ("first", "second")
    outcome = imports.run(workspace, asked, preview)
    assert any("they became votes of foreign annotators (1 added)" in n for n in outcome.notes)


def test_a_folder_is_imported_as_it_was_checked(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    row = json.dumps({"prompt": "What?", "chosen": "A.", "rejected": "B."})
    (folder / "one.jsonl").write_text(row)
    asked = Asked(batch="first", path=str(folder))
    preview = imports.check(workspace, asked)
    (folder / "two.jsonl").write_text(row.replace("A.", "C."))
    with pytest.raises(ConflictError, match="has changed"):
        imports.run(workspace, asked, preview)
    assert imports.check(workspace, asked).imports == 2


@pytest.mark.parametrize("columns", ["prompt", "prompt=a, prompt=b", "=a"])
def test_a_mistake_in_the_columns_is_explained(workspace: Workspace, columns: str) -> None:
    asked = Asked(batch="first", name="t.csv", content=TABLE, reading=Reading(columns=columns))
    with pytest.raises(WrongInputError, match="FIELD=COLUMN"):
        imports.check(workspace, asked)
