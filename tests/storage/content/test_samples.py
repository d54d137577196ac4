"""Sampled answers become pairs of a batch, without labels and with their sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import batches, labels, pairs, responses, samples, swift_import
from storage.errors import WrongInputError
from storage.pairs import PairFilter
from storage.rows import Source
from storage.workspace import Workspace

WriteLines = Callable[..., Path]
TINY = Source("checkpoint", "tiny", {"temperature": 1.0})


def _sample(*answers: Any, question: str = "How many?", **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": question}]
    prompt = {"category": "counting", "messages": [{"role": "user", "content": content}]}
    return {"prompt": prompt, "answers": list(answers), "id": "s1", **more}


def _shown(path: str, kind: str = "image") -> dict[str, Any]:
    line = _sample("one", "two")
    line["prompt"]["messages"][0]["content"].insert(0, {"type": kind, "path": path})
    return line


def test_sampled_answers_go_into_a_new_batch_with_their_sources_and_no_labels(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    path = write_lines(
        [_sample("one", "two", sampling={"seed": 7}), _sample("one", "two", question="Why?")]
    )
    report = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    assert (report.records, report.added, report.present, report.identical) == (2, 2, 0, 0)
    assert report.rejected == ()
    with workspace.ledger.read() as db:
        batch = batches.get(db, "round-1")
        views = pairs.page(db, PairFilter(batch="round-1"), limit=10)
        by_question = {view.prompt.turns[0].parts[0].text: view for view in views}
        first, second = by_question["How many?"], by_question["Why?"]
        assert {first.text_a, first.text_b} == {"one", "two"}
        assert first.prompt.category == "counting"
        assert responses.sources(db, first.pair.response_a) == [
            Source("checkpoint", "tiny", {"seed": 7})
        ]
        assert responses.sources(db, second.pair.response_b) == [TINY]
        assert labels.of_pairs(db, batch.id) == []


def test_the_same_samples_again_are_present(workspace: Workspace, write_lines: WriteLines) -> None:
    path = write_lines([_sample("one", "two"), _sample("two", "one")])
    first = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    again = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    assert (first.added, first.present) == (1, 1)
    assert (again.added, again.present) == (0, 2)


def test_answers_that_read_the_same_are_refused_and_counted(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    path = write_lines([_sample("one ", " one"), _sample("caf\u00e9", "cafe\u0301")])
    report = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    assert (report.records, report.added, report.identical) == (2, 0, 2)


def test_a_sampled_picture_is_the_picture_that_was_imported(
    workspace: Workspace,
    write_lines: WriteLines,
    tmp_path: Path,
    photo: Callable[..., Image.Image],
    record: Callable[..., dict[str, Any]],
) -> None:
    (tmp_path / "shown").mkdir()
    photo(3).save(tmp_path / "shown" / "x.png")
    imported = write_lines([record("<image>How many?", images="shown/x.png")], "imported.jsonl")
    swift_import.import_file(workspace, imported, batch="first")
    with workspace.ledger.read() as db:
        known = pairs.page(db, PairFilter(), limit=1)[0].prompt
    names = ["shown/x.png", str(tmp_path / "shown" / "x.png"), f"{tmp_path}/shown/../shown/x.png"]
    stored = workspace.media.path_of(known.media[0])
    path = write_lines([_shown(name) for name in [*names, stored]])
    report = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    assert (report.added, report.present, report.rejected) == (1, 3, ())
    with workspace.ledger.read() as db:
        view = pairs.page(db, PairFilter(batch="round-1"), limit=1)[0]
    assert view.prompt.id == known.id


def _spoiled() -> list[tuple[Any, str]]:
    good = _sample("one", "two")
    messages = good["prompt"]["messages"]
    return [
        ("nonsense", "Not valid JSON"),
        ({**good, "prompt": None}, "prompt is missing"),
        ({**good, "prompt": {"messages": "x"}}, "prompt is missing"),
        ({**good, "prompt": {"messages": [1]}}, "no object with a list"),
        ({**good, "prompt": {"messages": [{"role": "user", "content": "x"}]}}, "with a list"),
        ({**good, "prompt": {"messages": [{"role": "user", "content": []}]}}, "is empty"),
        ({**good, "prompt": {"messages": [{"role": "user", "content": ["x"]}]}}, "neither a text"),
        ({**good, "prompt": {"messages": messages * 2}}, "role 'user'"),
        ({**good, "prompt": {"messages": []}}, "no user message"),
        ({**good, "prompt": {"messages": messages, "category": "a\nb"}}, "category"),
        (_sample("one"), "list of two"),
        (_sample("one", "two", by=["x"]), "who gave each answer"),
        (_sample("one", "two", by=["x", 3]), "who gave each answer"),
        (_sample("one", " "), "answer is empty"),
        (_sample("one", None), "answer is missing"),
        (_sample("one", "<image>"), "stand for media"),
        (_sample("one", "two", question="<video>?"), "stand for media"),
        (_shown("missing.png"), "not found"),
        (_shown("samples.jsonl"), "no PNG, JPEG or WebP"),
        (_shown("x.png", kind="sound"), "neither a text"),
    ]


def test_of_many_answers_those_that_differ_most_are_compared(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    path = write_lines([_sample("one", "one.", "seventeen", "one ")])
    report = samples.add_samples(workspace, path, batch="most", source=TINY)
    assert (report.added, report.identical) == (1, 0)
    with workspace.ledger.read() as db:
        (view,) = pairs.page(db, PairFilter(batch="most"), limit=10)
    assert "seventeen" in (view.text_a, view.text_b)
    every = samples.add_samples(workspace, path, batch="all", source=TINY, pairs_per_prompt=9)
    # "one" and "one " read the same; "one " makes pairs of its own, byte by byte
    assert (every.added, every.identical) == (5, 1)


def test_nearly_identical_answers_are_refused_and_counted(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    long = "There are three red circles above the two blue squares, and nothing else is there"
    path = write_lines([_sample(long, f"{long}."), _sample("three", "four", question="Why?")])
    report = samples.add_samples(workspace, path, batch="round-1", source=TINY, min_difference=0.02)
    assert (report.added, report.identical, report.alike) == (1, 0, 1)
    kept = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    assert (kept.added, kept.alike) == (1, 0)


def test_answers_of_several_are_compared_across_and_keep_their_sources(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    by = ["c1", "c1", "c2", "c2"]
    path = write_lines([_sample("one", "two", "three", "two", by=by)])
    report = samples.add_samples(workspace, path, batch="ab", source=TINY)
    # the first answers differ, the second ones do not
    assert (report.added, report.identical) == (1, 1)
    with workspace.ledger.read() as db:
        (view,) = pairs.page(db, PairFilter(batch="ab"), limit=10)
        found = {
            text: [source.name for source in responses.sources(db, response)]
            for text, response in (
                (view.text_a, view.pair.response_a),
                (view.text_b, view.pair.response_b),
            )
        }
    assert found == {"one": ["c1"], "three": ["c2"]}


def test_each_bad_line_is_reported_with_number_and_reason(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    lines = [_sample("first", "line"), *(line for line, _ in _spoiled()), "", _sample("a", "b")]
    path = write_lines(lines, "samples.jsonl")
    report = samples.add_samples(workspace, path, batch="round-1", source=TINY)
    assert (report.records, report.added) == (len(lines) - 1, 2)
    reasons = {rejected.line: rejected.reason for rejected in report.rejected}
    for number, (_, reason) in enumerate(_spoiled(), start=2):
        assert reason in reasons[number], (number, reason, reasons[number])


def test_a_missing_file_and_a_bad_name_are_errors(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WrongInputError, match="is no file"):
        samples.add_samples(workspace, tmp_path / "x.jsonl", batch="first", source=TINY)
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(WrongInputError, match="name of a batch"):
        samples.add_samples(workspace, tmp_path / "x.jsonl", batch="", source=TINY)
