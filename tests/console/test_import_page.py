"""The Import page as Streamlit runs it: a try that writes nothing, then the import."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from console.batch_asking import Asking
from console.views import imports
from console.views.imports import Asked
from storage import batches, swift_records
from storage.errors import ConflictError, WrongInputError
from storage.workspace import Workspace

Show = Callable[..., AppTest]


def record(number: int, picture: str = "", **more: Any) -> dict[str, Any]:
    placeholder = "<image>" if picture else ""
    return {
        "messages": [
            {"role": "user", "content": f"{placeholder}What is {number} plus one?"},
            {"role": "assistant", "content": f"It is {number + 1}."},
        ],
        "rejected_response": f"It is {number}.",
        **({"images": [picture]} if picture else {}),
        **more,
    }


def written(records: Sequence[object]) -> bytes:
    lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
    return "".join(f"{line}\n" for line in lines).encode()


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def metrics(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def batch_names(workspace: Workspace) -> list[str]:
    with workspace.ledger.read() as db:
        return [batch.name for batch in batches.listed(db)]


@pytest.fixture
def show(page: Show) -> Show:
    """`show(batch="first")` runs the page with this address. Its address is not its file's name, so
    it is known only once the entry has run."""

    def go(**query: str) -> AppTest:
        test = page()
        test.switch_page("screens/imports.py")
        for key, value in query.items():
            test.query_params[key] = value
        return test.run()

    return go


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three records, one bad line, and a picture that the first record names."""
    made = tmp_path / "mine"
    made.mkdir()
    Image.new("RGB", (8, 8), "red").save(made / "red.png")
    data = written([record(1, "red.png"), "{not json", record(2), record(3)])
    (made / "records.jsonl").write_bytes(data)
    return made


def test_a_path_is_tried_first_and_then_imported(
    workspace: Workspace, folder: Path, show: Show
) -> None:
    path = str(folder / "records.jsonl")
    test = show(file="on this machine", path=path, batch="first", overlap="2")
    assert not test.exception
    test.button(key="check").click().run()
    assert metrics(test) == {
        "Records": "4",
        "New": "3",
        "Already there": "0",
        "Rejected lines": "1",
        "Pairs": "3",
    }
    (bad,) = test.dataframe[0].value.to_dict("records")
    assert bad["line"] == 2
    assert bad["reason"].startswith("Not valid JSON")
    assert batch_names(workspace) == []
    test.button(key="import").click().run()
    assert not test.exception
    assert (
        "3 records of records.jsonl imported into batch first, 0 already there, 1 rejected."
        in texts(test)
    )
    with workspace.ledger.read() as db:
        batch = batches.get(db, "first")
        assert (batches.pair_count(db, batch.id), batch.overlap) == (3, 2)
    assert any(code.value.startswith("pairwright link create --batch first") for code in test.code)


def test_the_first_pairs_are_shown_with_picture_and_both_answers(
    workspace: Workspace, folder: Path, show: Show
) -> None:
    path = str(folder / "records.jsonl")
    test = show(file="on this machine", path=path, batch="first")
    test.button(key="check").click().run()
    words = texts(test)
    assert "[picture 1] What is 1 plus one?" in words
    assert words.index("It is 2.") < words.index("It is 1.")
    assert test.get("image")


def test_an_upload_without_pictures_needs_no_folder(workspace: Workspace, show: Show) -> None:
    test = show(batch="first")
    test.file_uploader(key="upload").set_value(
        ("some.jsonl", written([record(1), record(2)]), "application/jsonl")
    ).run()
    test.button(key="check").click().run()
    assert metrics(test)["New"] == "2"
    test.button(key="import").click().run()
    assert any(text.startswith("2 records of some.jsonl imported") for text in texts(test))


def test_an_upload_that_names_pictures_asks_for_their_folder(
    workspace: Workspace, folder: Path, show: Show
) -> None:
    test = show(batch="first")
    test.file_uploader(key="upload").set_value(
        ("some.jsonl", (folder / "records.jsonl").read_bytes(), "application/jsonl")
    ).run()
    test.button(key="check").click().run()
    assert any("an uploaded file has no folder" in text for text in texts(test))
    assert any(text.startswith("Fill in the media root") for text in texts(test))
    assert not test.metric
    test.text_input(key="root").set_value(str(folder)).run()
    test.button(key="check").click().run()
    assert metrics(test)["New"] == "3"


def test_what_annotators_are_asked_is_tried_and_then_set_on_the_batch(
    workspace: Workspace, show: Show
) -> None:
    test = show(batch="first", rubric="grounding", both_bad="true", confidence="true")
    test.file_uploader(key="upload").set_value(
        ("some.jsonl", written([record(1)]), "application/jsonl")
    ).run()
    test.text_area(key="guidelines").set_value("Prefer what the picture shows.").run()
    assert any(text.startswith("rates Accuracy, Spatial grounding") for text in texts(test))
    test.button(key="check").click().run()
    assert batch_names(workspace) == []
    test.button(key="import").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        batch = batches.get(db, "first")
    assert (batch.rubric, batch.both_bad, batch.confidence) == ("grounding", True, True)
    assert batch.guidelines == "Prefer what the picture shows."


def test_the_preview_says_what_the_batch_asks_instead(workspace: Workspace) -> None:
    data = written([record(1)])
    first = Asked(batch="first", name="x.jsonl", content=data, asking=Asking("safety"))
    imports.run(workspace, first, imports.check(workspace, first))
    other = replace(first, asking=Asking("grounding", guidelines="Look twice."))
    (rated, told) = imports.check(workspace, other).notes
    assert rated.startswith("Annotators of the batch rate Accuracy")
    assert rated.endswith("instead of Helpful, Honest, Harmless, Polite, Concise.")
    assert told == "The batch gets guidelines."
    # what is not said again stays
    again = replace(first, asking=Asking())
    imports.run(workspace, again, imports.check(workspace, again))
    with workspace.ledger.read() as db:
        assert batches.get(db, "first").rubric == "safety"


def test_a_rubric_comes_from_a_file_or_is_refused_before_anything_is_imported(
    workspace: Workspace, tmp_path: Path
) -> None:
    own = tmp_path / "rubric.json"
    own.write_text('{"criteria": [{"key": "tone"}]}', encoding="utf-8")
    asked = Asked(batch="first", name="x.jsonl", content=written([record(1)]))
    with pytest.raises(WrongInputError, match="no rubric 'groundnig'"):
        imports.check(workspace, replace(asked, asking=Asking("groundnig")))
    assert batch_names(workspace) == []
    asked = replace(asked, asking=Asking(str(own)))
    imports.run(workspace, asked, imports.check(workspace, asked))
    with workspace.ledger.read() as db:
        assert "tone" in batches.get(db, "first").rubric


def test_a_changed_input_hides_what_was_checked_before(
    workspace: Workspace, folder: Path, show: Show
) -> None:
    path = str(folder / "records.jsonl")
    test = show(file="on this machine", path=path, batch="first")
    test.button(key="check").click().run()
    assert test.metric
    test.text_input(key="batch").set_value("second").run()
    assert not test.metric
    assert "import" not in [button.key for button in test.button]


def test_without_file_or_batch_there_is_nothing_to_check(workspace: Workspace, show: Show) -> None:
    test = show()
    assert "Choose a file first." in texts(test)
    test.button(key="check").click().run()
    assert not test.exception
    assert not test.metric
    example, command = [code.value for code in test.code]
    swift_records.parse(json.loads(example))
    assert command.startswith("pairwright import FILE --batch NAME --dry-run")
    test = show(file="on this machine", path="records.jsonl")
    assert "Name the batch that gets the pairs." in texts(test)


def test_a_missing_file_is_explained(workspace: Workspace, tmp_path: Path, show: Show) -> None:
    path = str(tmp_path / "nowhere.jsonl")
    test = show(file="on this machine", path=path, batch="first")
    test.button(key="check").click().run()
    assert not test.exception
    assert f"{path} is no file." in texts(test)


def test_the_same_file_again_adds_nothing(workspace: Workspace, folder: Path) -> None:
    asked = Asked(batch="first", path=str(folder / "records.jsonl"))
    imports.run(workspace, asked, imports.check(workspace, asked))
    again = imports.check(workspace, asked)
    values = {count.name: count.value for count in again.counts}
    assert (values["new"], values["already there"], again.imports) == ("0", "3", 0)


def test_a_picture_outside_of_the_root_rejects_its_line(workspace: Workspace, folder: Path) -> None:
    inside = folder / "inside"
    inside.mkdir()
    lines = [record(1, "../red.png"), record(2, str(folder / "red.png")), record(3)]
    (inside / "records.jsonl").write_bytes(written(lines))
    asked = Asked(batch="first", path=str(inside / "records.jsonl"))
    preview = imports.check(workspace, asked)
    assert [bad.line for bad in preview.rejected] == [1, 2]
    assert [sample.line for sample in preview.samples] == [3]


def test_a_file_that_changed_since_the_check_is_not_imported(
    workspace: Workspace, folder: Path
) -> None:
    path = folder / "records.jsonl"
    asked = Asked(batch="first", path=str(path))
    preview = imports.check(workspace, asked)
    path.write_bytes(path.read_bytes() + written([record(9)]))
    with pytest.raises(ConflictError, match="has changed since it was checked"):
        imports.run(workspace, asked, preview)
    assert batch_names(workspace) == []


def test_rejected_lines_come_as_csv(workspace: Workspace, folder: Path) -> None:
    asked = Asked(batch="first", path=str(folder / "records.jsonl"))
    preview = imports.check(workspace, asked)
    lines = imports.rejects_file(preview.rejected).decode().splitlines()
    assert lines[0] == "line,reason"
    assert lines[1].startswith("2,")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/x.jsonl", "x.jsonl"),
        ("C:\\data\\x.jsonl", "x.jsonl"),
        ("..", "upload.jsonl"),
        ("a\nb.jsonl", "ab.jsonl"),
    ],
)
def test_the_name_of_an_upload_is_one_plain_file_name(
    workspace: Workspace, name: str, kept: str
) -> None:
    asked = Asked(batch="first", name=name, content=written([record(1)]))
    assert imports.check(workspace, asked).file == kept


def test_an_upload_leaves_nothing_behind(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    asked = Asked(batch="first", name="x.jsonl", content=written([record(1)]))
    imports.run(workspace, asked, imports.check(workspace, asked))
    with pytest.raises(WrongInputError):
        imports.check(workspace, Asked(batch="first", name="x.jsonl", content=b""))
    assert list(scratch.iterdir()) == []


def test_what_a_file_says_is_never_markdown(workspace: Workspace, show: Show) -> None:
    hostile = "![x](https://evil.test/x.png) <script>alert(1)</script> **bold** :smile:"
    lines = [record(1, category="counting") | {"rejected_response": hostile}, "{" + hostile]
    test = show(batch="first")
    test.file_uploader(key="upload").set_value(
        ("some.jsonl", written(lines), "application/jsonl")
    ).run()
    test.button(key="check").click().run()
    assert not test.exception
    assert hostile in texts(test)
    rendered = [element.value for element in (*test.markdown, *test.caption, *test.subheader)]
    assert not [value for value in rendered if "evil" in value]
