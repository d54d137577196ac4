"""Import of the swift format: what goes in, what comes back with a reason, and what counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import batches, labels, pairs, responses, swift_import
from storage import workspace as workspaces
from storage.errors import WrongInputError
from storage.pairs import PairFilter
from storage.rows import ImportReport, PairView, Part
from storage.workspace import Workspace

Encoded = Callable[..., bytes]
Photo = Callable[..., Image.Image]
Record = Callable[..., dict[str, Any]]
WriteLines = Callable[..., Path]

EXAMPLES = Path(__file__).parents[3] / "examples"

# the four example records of the format's own documentation, as they stand there
DOCUMENTED = """\
{
"messages": [
{"role": "system", "content": "You are a helpful and harmless assistant"},
{"role": "user", "content": "<image>Describe this image in detail"},
{"role": "assistant", "content": "The image shows a golden retriever playing in a sunny park \
with green grass and trees in the background"}
],
"images": ["/data/park_dog.jpg"],
"rejected_response": "It's a dog"
}
{
"messages": [
{"role": "user", "content": "<image><image>Which image shows a safer driving environment? \
Explain your reasoning"},
{"role": "assistant", "content": "The first image shows a safer driving environment. The road is \
dry with clear visibility and light traffic. The second image shows wet road conditions with \
reduced visibility and heavy traffic, which increases the risk of accidents"}
],
"images": ["/data/road_clear.jpg", "/data/road_wet.jpg"],
"rejected_response": "The first one looks safer"
}
{
"messages": [
{"role": "system", "content": "You are a medical imaging assistant"},
{"role": "user", "content": "<image>Analyze this X-ray image and describe your findings"},
{"role": "assistant", "content": "The chest X-ray shows clear lung fields with no signs of \
consolidation or effusion. The cardiac silhouette appears normal in size. The bony structures are \
intact with no visible fractures"}
],
"images": ["/data/chest_xray.jpg"],
"rejected_response": "The X-ray looks normal"
}
{
"messages": [
{"role": "user", "content": "<image>Describe the image, <video>and summarize what happens in the \
video"},
{"role": "assistant", "content": "The image shows a chef preparing ingredients on a cutting board. \
The video demonstrates the complete recipe process, starting with chopping vegetables, followed by \
sautéing in a pan, and finishing with plating the dish"}
],
"images": ["/data/chef.jpg"],
"videos": ["/data/cooking.mp4"],
"rejected_response": "Someone is cooking"
}
"""


@pytest.fixture
def root(tmp_path: Path, photo: Photo, encoded: Encoded, video: Callable[..., bytes]) -> Path:
    """A media root with the files that the documented records name."""
    folder = tmp_path / "root" / "data"
    folder.mkdir(parents=True)
    for seed, name in enumerate(["park_dog", "road_clear", "road_wet", "chest_xray", "chef"]):
        (folder / f"{name}.jpg").write_bytes(encoded(photo(seed), "JPEG"))
    (folder / "cooking.mp4").write_bytes(video("mp4", "libx264", title="cooking"))
    return folder.parent


def _documented() -> list[dict[str, Any]]:
    objects = DOCUMENTED.replace("\n}\n{\n", "\n},\n{\n")
    return list(json.loads(f"[{objects}]"))


def _all(workspace: Workspace, batch: str = "first") -> list[PairView]:
    with workspace.ledger.read() as db:
        return pairs.page(db, PairFilter(batch=batch), limit=1000)


def _reasons(report: ImportReport) -> dict[int, str]:
    return {rejected.line: rejected.reason for rejected in report.rejected}


def _numbers(report: ImportReport) -> tuple[int, ...]:
    return (report.records, report.imported, report.present, len(report.rejected), report.conflicts)


@pytest.mark.parametrize("flat", [True, False], ids=["in subfolder", "beside each other"])
@pytest.mark.parametrize("per_line", [True, False], ids=["one line each", "as printed"])
def test_the_documented_records_import_verbatim(
    flat: bool, per_line: bool, workspace: Workspace, root: Path, write_lines: WriteLines
) -> None:
    path = write_lines(_documented() if per_line else [DOCUMENTED.encode()])
    media_root = root / "data" if flat else root
    report = swift_import.import_file(workspace, path, batch="first", media_root=media_root)
    assert _reasons(report) == {}
    assert _numbers(report) == (4, 4, 0, 0, 0)
    by_text = {view.prompt.turns[-1].parts[-1].text: view for view in _all(workspace)}
    dog = by_text["Describe this image in detail"]
    assert [turn.role for turn in dog.prompt.turns] == ["system", "user"]
    assert "It's a dog" in (dog.text_a, dog.text_b)
    chef = by_text["and summarize what happens in the video"].prompt.turns[0].parts
    assert [part.type for part in chef] == ["image", "text", "video", "text"]
    assert chef[1] == Part("text", text="Describe the image, ")
    roads = by_text["Which image shows a safer driving environment? Explain your reasoning"]
    assert [part.type for part in roads.prompt.turns[0].parts] == ["image", "image", "text"]
    for view in by_text.values():
        for media in view.prompt.media:
            assert workspace.media.read(media)


def test_the_imported_label_names_the_better_answer_and_where_it_stood(
    workspace: Workspace, root: Path, write_lines: WriteLines
) -> None:
    path = write_lines(_documented())
    swift_import.import_file(
        workspace, path, batch="first", media_root=root, labeled_by="oracle", overlap=3
    )
    chosen = {record["messages"][-1]["content"] for record in _documented()}
    views = {view.pair.id: view for view in _all(workspace)}
    with workspace.ledger.read() as db:
        found = labels.of_pairs(db, batches.get(db, "first").id, "oracle")
        assert labels.of_pairs(db, labeled_by="imported") == []
        sources = responses.sources(db, views[found[0].pair_id].pair.response_a)
        assert batches.get(db, "first").overlap == 3
    winners = {
        views[label.pair_id].text_a if label.winner == "a" else views[label.pair_id].text_b
        for label in found
    }
    assert winners == chosen
    assert {label.line for label in found} == {1, 2, 3, 4}
    assert (sources[0].kind, sources[0].name) == ("file", "records.jsonl")


def test_the_photographs_import_with_zero_rejects_and_again_add_nothing(
    workspace: Workspace,
) -> None:
    path = EXAMPLES / "photos" / "preferences.jsonl"
    seen: list[tuple[int, int]] = []
    dry = swift_import.import_file(workspace, path, batch="photos", dry_run=True)
    with workspace.ledger.read() as db:
        assert batches.find(db, "photos") is None
    assert not list(Path(workspace.media.path_of("0" * 64)).parents[1].glob("*/*"))
    first = swift_import.import_file(
        workspace, path, batch="photos", progress=lambda done, of: seen.append((done, of))
    )
    assert dry == first
    assert _numbers(first) == (48, 48, 0, 0, 0)
    assert first.notes == ()
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    again = swift_import.import_file(workspace, path, batch="photos")
    assert _numbers(again) == (48, 0, 48, 0, 0)
    assert len(_all(workspace, "photos")) == 48


def test_texts_are_kept_byte_for_byte(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    chosen = " <b>Größe</b>\t\r\n\n  <script>alert(1)</script> 👩‍🔬\u200b\u0301 "
    path = write_lines([record("  Why?\n", chosen, "Cafe\u0301 ")])
    swift_import.import_file(workspace, path, batch="first")
    view = _all(workspace)[0]
    assert {view.text_a, view.text_b} == {chosen, "Cafe\u0301 "}
    assert view.prompt.turns[0].parts[0].text == "  Why?\n"


def _spoiled(record: Record) -> list[tuple[dict[str, Any], str]]:
    good = record()
    user, assistant = good["messages"]
    system = {"role": "system", "content": "Be kind."}
    return [
        ({}, "'messages' is missing"),
        ({**good, "messages": []}, "'messages' is missing"),
        ({**good, "messages": ["x"]}, "Message 1 is no object with a 'role'"),
        ({**good, "messages": [{"content": "x"}]}, "Message 1 is no object with a 'role'"),
        ({**good, "messages": [assistant]}, "no user message"),
        ({**good, "messages": [system, assistant]}, "no user message"),
        ({**good, "messages": [user]}, "The last message has the role 'user'"),
        ({**good, "messages": [user, user, assistant]}, "Message 2 has the role 'user'"),
        ({**good, "messages": [user, system, assistant]}, "Message 2 has the role 'system'"),
        ({**good, "messages": [user, assistant, assistant]}, "no user message before the answer"),
        ({**good, "messages": [{**user, "role": "robot"}, assistant]}, "'robot', expected 'user'"),
        ({**good, "messages": [{"role": "user"}, assistant]}, "content of message 1 is missing"),
        ({**good, "messages": [{**user, "content": 7}, assistant]}, "message 1 is no text"),
        ({**good, "messages": [{**user, "content": " \n"}, assistant]}, "message 1 is empty"),
        ({**good, "messages": [user, {**assistant, "content": ""}]}, "message 2 is empty"),
        ({**good, "rejected_response": None}, "rejected_response is missing"),
        ({**good, "rejected_response": ["a"]}, "rejected_response is no text"),
        ({**good, "rejected_response": "\u200b"}, "rejected_response is empty"),
        ({**good, "rejected_response": "A  coin.\n"}, "are the same"),
        (record("<image>?"), "<image> stands 1 times"),
        (record("?", images=["x.jpg"]), "'images' names 1 files"),
        (record("<image>?", images=["x.jpg", "y.jpg"]), "'images' names 2 files"),
        (record("<video>?", images="x.jpg"), "<image> stands 0 times"),
        (record("<image>?", images=7), "'images' is no file name"),
        (record("<image>?", images=[{"path": "x"}]), "'images' is no file name"),
        (record("<image>?", images="missing.jpg"), "'missing.jpg' was not found below"),
        (record("?", chosen="See <image>."), "may stand in user messages only"),
        (record("?", rejected="See <video>."), "may stand in user messages only"),
        (
            {**good, "messages": [{**system, "content": "<image>"}, user, assistant]},
            "user messages",
        ),
        ({**good, "id": True}, "'id' is no text"),
        ({**good, "id": "x" * 201}, "'id' is no text"),
        ({**good, "category": 3}, "'category' is no text"),
        ({**good, "category": " "}, "cannot be a category"),
        ({**good, "rejected_messages": [user]}, "'rejected_messages' is not supported"),
        ({**good, "audios": ["x.wav"]}, "'audios' is not supported"),
    ]


def test_each_bad_line_is_reported_with_number_and_reason_and_good_ones_go_in(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    spoiled = _spoiled(record)
    path = write_lines([record("First?"), *(line for line, _ in spoiled), record("Last?")])
    report = swift_import.import_file(workspace, path, batch="first")
    assert _numbers(report) == (len(spoiled) + 2, 2, 0, len(spoiled), 0)
    reasons = _reasons(report)
    for number, (_, reason) in enumerate(spoiled, start=2):
        assert reason in reasons[number], (number, reason, reasons[number])


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("renamed.jpg", lambda data: b"plain text", "no PNG, JPEG or WebP"),
        ("corrupt.jpg", lambda data: data[:100] + b"\xff\xd9", "damaged or cut off"),
        ("cut.jpg", lambda data: data[: len(data) // 2], "damaged or cut off"),
        ("really-jpeg.png", lambda data: data, "named as PNG, but its content is JPEG"),
    ],
)
def test_a_picture_that_is_not_sound_is_named_in_every_record_that_shows_it(
    name: str,
    make: Callable[[bytes], bytes],
    reason: str,
    workspace: Workspace,
    record: Record,
    write_lines: WriteLines,
    photo: Photo,
    encoded: Encoded,
    tmp_path: Path,
) -> None:
    (tmp_path / name).write_bytes(make(encoded(photo(), "JPEG")))
    path = write_lines([record(f"<image>{n}?", images=name) for n in range(2)])
    report = swift_import.import_file(workspace, path, batch="first")
    for number in (1, 2):
        assert name in _reasons(report)[number]
        assert reason in _reasons(report)[number]
    with workspace.ledger.read() as db:
        assert batches.find(db, "first") is None


def test_a_prompt_may_have_turns_before_the_last_question(
    workspace: Workspace,
    record: Record,
    write_lines: WriteLines,
    photo: Photo,
    encoded: Encoded,
    tmp_path: Path,
) -> None:
    for seed in (1, 2):
        (tmp_path / f"{seed}.png").write_bytes(encoded(photo(seed), "PNG"))
    good = record("Now <image>?", images=["1.png", "2.png"])
    earlier = [{"role": "user", "content": "First <image>?"}, good["messages"][1]]
    path = write_lines([{**good, "messages": [*earlier, *good["messages"]]}])
    assert _numbers(swift_import.import_file(workspace, path, batch="first")) == (1, 1, 0, 0, 0)
    view = _all(workspace)[0]
    assert [turn.role for turn in view.prompt.turns] == ["user", "assistant", "user"]
    widths = [part.media for turn in view.prompt.turns for part in turn.parts if part.media]
    assert tuple(widths) == view.prompt.media
    assert len(set(widths)) == 2


def test_a_flipped_duplicate_is_the_same_pair_with_a_conflicting_label(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    path = write_lines(
        [record("?", "one", "two"), record("?", "two", "one"), record("?", "one", "two", id="x")]
    )
    dry = swift_import.import_file(workspace, path, batch="first", dry_run=True)
    report = swift_import.import_file(workspace, path, batch="first")
    assert dry == report
    assert _numbers(report) == (3, 2, 1, 0, 2)
    assert report.pairs == len(_all(workspace)) == 1
    with workspace.ledger.read() as db:
        assert {label.winner for label in labels.of_pairs(db)} == {"a", "b"}


def test_the_same_file_in_another_batch_adds_the_pairs_there(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    path = write_lines([record()])
    for batch in ("first", "second"):
        assert swift_import.import_file(workspace, path, batch=batch).imported == 1
    assert _all(workspace, "first") == _all(workspace, "second")


def test_what_is_not_kept_is_noted(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    swift_import.import_file(workspace, write_lines([record(category="one")]), batch="first")
    lines = ["", record(category="two", margin=0.4), "  ", record("Else?", margin=1, source="x")]
    lines[-1]["messages"][0]["loss"] = True  # type: ignore[index]
    path = write_lines(lines)
    dry = swift_import.import_file(workspace, path, batch="first", overlap=2, dry_run=True)
    report = swift_import.import_file(workspace, path, batch="first", overlap=2)
    assert report == dry
    assert report.notes == (
        "Blank lines skipped: 2.",
        "Key 'margin' is unknown and was not kept: 2 records.",
        "Key 'messages.loss' is unknown and was not kept: 1 records.",
        "Key 'source' is unknown and was not kept: 1 records.",
        "Prompts that are already there under another category, which they keep: 1 records.",
        "Overlap of the batch: 2 instead of 1.",
    )


def test_ids_may_be_numbers_and_category_and_id_may_be_missing(
    workspace: Workspace, record: Record, write_lines: WriteLines
) -> None:
    path = write_lines([record("?", id=7, images=[], videos=None, category=None)])
    swift_import.import_file(workspace, path, batch="first")
    with workspace.ledger.read() as db:
        assert labels.of_pairs(db)[0].record_id == "7"
    assert _all(workspace)[0].prompt.category == "uncategorized"


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        (b"", {}, "holds no records"),
        (b"\n \r\n", {}, "holds no records"),
        (None, {}, "is no file"),
        (b"{}", {"batch": ""}, "name of a batch"),
        (b"{}", {"overlap": 0}, "overlap of 0"),
        (b"{}", {"labeled_by": ""}, "cannot name labels"),
        (b"{}", {"media_root": Path("nowhere")}, "is no folder"),
    ],
)
def test_a_file_or_setting_that_cannot_be_used_is_an_error(
    content: bytes | None,
    options: dict[str, Any],
    reason: str,
    workspace: Workspace,
    tmp_path: Path,
) -> None:
    path = tmp_path / "records.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongInputError, match=reason):
        swift_import.import_file(workspace, path, **{"batch": "first", **options})


def test_nothing_of_file_names_reaches_the_media_store(
    workspace: Workspace, root: Path, write_lines: WriteLines
) -> None:
    swift_import.import_file(workspace, write_lines(_documented()), batch="first", media_root=root)
    stored = [p for p in (workspace.home / "media").rglob("*") if p.is_file()]
    assert len(stored) == 6
    assert all(len(path.name) == 64 and not path.suffix for path in stored)
    assert not any(b"cooking" in path.read_bytes() for path in stored)


def test_importing_the_same_files_elsewhere_gives_the_same_ids(
    workspace: Workspace, root: Path, write_lines: WriteLines, tmp_path: Path
) -> None:
    path = write_lines(_documented())
    moved = Path(shutil.move(root, tmp_path / "moved"))
    other = workspaces.create(tmp_path / "other")
    try:
        for place in (workspace, other):
            swift_import.import_file(place, path, batch="first", media_root=moved)
        assert _all(workspace) == _all(other)
        assert len(_all(other)) == 4
    finally:
        other.close()
