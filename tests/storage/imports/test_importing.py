"""From a foreign file into the ledger: pairs by their content, decisions as labels or as votes."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import batches, labels, pairs, responses, votes
from storage.errors import WrongInputError
from storage.imports import importing
from storage.imports.importing import How
from storage.pairs import PairFilter
from storage.rows import AssignmentKind, ImportReport, Verdict
from storage.workspace import Workspace

Task = Callable[..., dict[str, Any]]
Written = Callable[..., Path]
VOTES = How(taken_as="votes")


def numbers(report: ImportReport) -> tuple[int, int, int, int]:
    return report.records, report.imported, report.present, len(report.rejected)


def verdicts(workspace: Workspace, batch: str) -> dict[tuple[str, str], str]:
    """Question and annotator of each vote -> the answer that it prefers, else the verdict."""
    with workspace.ledger.read() as db:
        found = votes.effective(db, batches.get(db, batch).id)
        shown = {vote.pair_id: pairs.view(db, vote.pair_id) for vote in found}
    said = {}
    for vote in found:
        view = shown[vote.pair_id]
        texts = {Verdict.A: view.text_a, Verdict.B: view.text_b}
        question = view.prompt.turns[-1].parts[-1].text
        said[question, vote.annotator] = texts.get(vote.verdict, str(vote.verdict))
    return said


@pytest.fixture
def tasks(written: Written, task: Task) -> Path:
    """Two people agree on a pair, part on another, and skip a third."""
    rows = [
        task(1, (3, "left"), (4, "left")),
        task(2, (3, "left"), (4, "right")),
        task(3, (3, None), (4, "left")),
    ]
    return written("export.json", rows)


def test_decisions_become_labels_by_default_and_the_contradictions_are_told(
    workspace: Workspace, tasks: Path
) -> None:
    dry = importing.import_file(workspace, tasks, batch="first", dry_run=True)
    report = importing.import_file(workspace, tasks, batch="first")
    again = importing.import_file(workspace, tasks, batch="first")
    assert dry == report
    assert numbers(report) == (3, 3, 0, 0)
    assert numbers(again) == (3, 0, 3, 0)
    assert (report.taken_as, report.decisions) == ("labels", {"preferred": 5, "skip": 1})
    assert any("contradict each other on 1 pairs" in note for note in report.notes)
    with workspace.ledger.read() as db:
        batch = batches.get(db, "first")
        assert len(labels.of_pairs(db, batch.id)) == 4
        assert votes.effective(db, batch.id) == []


def test_votes_are_cast_by_annotators_named_after_the_file(
    workspace: Workspace, tasks: Path
) -> None:
    dry = importing.import_file(workspace, tasks, batch="first", how=VOTES, dry_run=True)
    report = importing.import_file(workspace, tasks, batch="first", how=VOTES)
    assert dry == report
    assert report.votes == {"added": 6}
    said = verdicts(workspace, "first")
    assert said["What is 2?", "label-studio:3"] == "It is 2."
    assert said["What is 2?", "label-studio:4"] == "No."
    assert said["What is 3?", "label-studio:3"] == "skip"
    with workspace.ledger.read() as db:
        cast = votes.effective(db, batches.get(db, "first").id)
        event = votes.events(db, cast[0].pair_id)[0]
        assert labels.of_pairs(db) == []
    assert {vote.kind for vote in cast} == {AssignmentKind.FOREIGN}
    assert (event.active_ms, event.decided_at - event.shown_at) == (21_400, 21_400_000)


def test_the_same_votes_again_add_nothing_and_a_changed_mind_is_told(
    workspace: Workspace, tasks: Path, written: Written, task: Task
) -> None:
    importing.import_file(workspace, tasks, batch="first", how=VOTES)
    rows = [task(1, (3, "right"), (4, "left"), (5, "left")), task(1, (3, "right"))]
    later = written("later.json", rows)
    dry = importing.import_file(workspace, later, batch="first", how=VOTES, dry_run=True)
    report = importing.import_file(workspace, later, batch="first", how=VOTES)
    assert dry.votes == report.votes == {"added": 1, "conflicting": 2, "present": 1}
    assert verdicts(workspace, "first")["What is 1?", "label-studio:3"] == "It is 1."


def test_a_vote_that_was_taken_back_here_does_not_come_back(
    workspace: Workspace, tasks: Path
) -> None:
    importing.import_file(workspace, tasks, batch="first", how=VOTES)
    with workspace.ledger.write() as tx:
        [vote, *_] = votes.effective(tx, batches.get(tx, "first").id)
        votes.append(
            tx,
            event_id="undo",
            assignment_id=vote.assignment_id,
            kind="undo",
            verdict=None,
            shown_at=0,
            decided_at=0,
            active_ms=0,
        )
    report = importing.import_file(workspace, tasks, batch="first", how=VOTES)
    assert report.votes == {"present": 6}


def test_a_pair_is_the_same_whatever_format_brought_it(
    workspace: Workspace, written: Written, task: Task
) -> None:
    said = {"role": "assistant", "content": "No."}
    asked = {"role": "user", "content": "What is 1?"}
    better = {"role": "assistant", "content": "It is 1."}
    texts = {"prompt": "What is 1?", "chosen": "It is 1.", "rejected": "No."}
    files = [
        written("a.json", [task(1, (3, "left"))]),
        written("b.jsonl", [texts]),
        written("c.jsonl", [{"chosen": [asked, better], "rejected": [asked, said]}]),
        written("d.csv", "prompt,answer1,answer2,winner\nWhat is 1?,No.,It is 1.,b\n"),
        written("e.jsonl", [{"messages": [asked, better], "rejected_response": "No."}]),
    ]
    reports = [importing.import_file(workspace, path, batch="first") for path in files]
    assert [report.format for report in reports] == [
        *("label-studio", "triples", "trl", "columns", "swift")
    ]
    assert [report.imported for report in reports] == [1, 0, 0, 0, 0]
    assert all(report.conflicts == 0 for report in reports)


def test_pictures_come_from_the_media_root_or_from_the_record_itself(
    workspace: Workspace, written: Written, task: Task, tmp_path: Path
) -> None:
    data = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(data, "PNG")
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload" / "red.png").write_bytes(data.getvalue())
    within = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    rows = [task(1, (3, "left"), image=image) for image in ("/data/upload/red.png", within)]
    rows.append(task(2, (3, "left"), image="/data/local-files/?d=upload/red.png"))
    rows.append(task(3, (3, "left"), image="https://example.org/red.png"))
    rows.append(task(4, (3, "left"), image="data:image/png;base64,AAAA"))
    rows.append(task(5, (3, "left"), image="../../secret.png"))
    report = importing.import_file(workspace, written("export.json", rows), batch="first")
    # the same picture twice is the same pair
    assert numbers(report) == (6, 2, 1, 3)
    reasons = {bad.line: bad.reason for bad in report.rejected}
    assert "is an address" in reasons[4]
    assert "PNG, JPEG or WebP" in reasons[5]
    assert "'..'" in reasons[6]


def test_models_are_kept_with_the_answers_they_gave(workspace: Workspace, written: Written) -> None:
    def talk(text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": "What?"}, {"role": "assistant", "content": text}]

    row = {"conversation_a": talk("A mug."), "conversation_b": talk("A jug."), "winner": "tie"}
    path = written("battles.json", [{**row, "model_a": "m1", "model_b": "m2", "judge": "j"}])
    report = importing.import_file(workspace, path, batch="first")
    assert (report.decisions, numbers(report)) == ({"tie": 1}, (1, 1, 0, 0))
    with workspace.ledger.read() as db:
        view = pairs.page(db, PairFilter(batch="first"), limit=1)[0]
        ids = {view.text_a: view.pair.response_a, view.text_b: view.pair.response_b}
        [source] = responses.sources(db, ids["A jug."])
        assert labels.of_pairs(db) == []
    assert (source.name, source.sampling) == ("battles.json", {"model": "m2"})


def test_a_format_without_judges_has_no_votes(workspace: Workspace, written: Written) -> None:
    path = written("t.jsonl", [{"prompt": "What?", "chosen": "A.", "rejected": "B."}])
    with pytest.raises(WrongInputError, match="triples names nobody"):
        importing.import_file(workspace, path, batch="first", how=VOTES)


def test_a_table_without_names_speaks_with_one_voice(
    workspace: Workspace, written: Written
) -> None:
    path = written("t.csv", "prompt,answer1,answer2,winner\nWhat?,A mug.,A jug.,a\n")
    importing.import_file(workspace, path, batch="first", how=VOTES)
    assert verdicts(workspace, "first") == {("What?", "file:t.csv"): "A mug."}


def test_a_preview_shows_the_first_pairs_as_they_would_be_read(
    workspace: Workspace, tasks: Path
) -> None:
    report = importing.import_file(workspace, tasks, batch="first", dry_run=True)
    first = report.first[0]
    assert (first.line, first.prompt, first.answers) == (1, "What is 1?", ("It is 1.", "No."))
    assert list(first.said) == ["label-studio:3: first", "label-studio:4: first"]
    assert report.columns["response_a"] == "answer1"
    with workspace.ledger.read() as db:
        assert batches.find(db, "first") is None


def test_progress_ends_at_the_size_of_the_file(workspace: Workspace, written: Written) -> None:
    rows = [{"prompt": f"What is {n}?", "chosen": "A.", "rejected": "B."} for n in range(70)]
    path = written("t.jsonl", rows)
    seen: list[tuple[int, int]] = []
    importing.import_file(
        workspace, path, batch="first", progress=lambda *reached: seen.append(reached)
    )
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert json.loads(path.read_text().splitlines()[0])["prompt"] == "What is 0?"
