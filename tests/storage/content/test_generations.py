"""Answers of models are kept by prompt, also those that became no pair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from storage import generations, prompts
from storage.generations import Drawn
from storage.workspace import Workspace

WriteLines = Callable[..., Path]


def _line(question: str, *answers: Any, picture: str = "") -> dict[str, Any]:
    content: list[dict[str, str]] = [{"type": "text", "text": question}]
    if picture:
        content.insert(0, {"type": "image", "path": picture})
    prompt = {"category": "counting", "messages": [{"role": "user", "content": content}]}
    return {"prompt": prompt, "answers": list(answers)}


def _drawn(job: str = "j1", checkpoint: str = "c1", temperature: float = 0.0, at: int = 1) -> Drawn:
    return Drawn(job=job, checkpoint=checkpoint, temperature=temperature, seed=0, at=at)


def test_a_single_answer_is_kept_with_its_prompt_and_picture(
    workspace: Workspace,
    write_lines: WriteLines,
    tmp_path: Path,
    photo: Callable[..., Image.Image],
) -> None:
    photo(1).save(tmp_path / "x.png")
    kept = generations.seal(
        workspace, write_lines([_line("Two?", "Yes.", picture="x.png")]), _drawn()
    )
    assert kept.segment is not None
    assert (kept.segment.rows, kept.left_out) == (1, 0)
    (row,) = generations.of_source(workspace, "c1").iter_rows(named=True)
    assert (row["text"], row["temperature"], row["category"]) == ("Yes.", 0.0, "counting")
    with workspace.ledger.read() as db:
        (media,) = prompts.get(db, row["prompt_id"]).media
    assert workspace.media.read(media)


def test_of_several_answers_the_greedy_one_of_the_newest_job_counts(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    for number, (temperature, answer) in enumerate(
        [(1.0, "a"), (0.0, "b"), (0.0, "c"), (1.0, "d")]
    ):
        path = write_lines([_line("Which?", answer, f"{answer}2")])
        generations.seal(workspace, path, _drawn(f"j{number}", temperature=temperature, at=number))
    assert generations.of_source(workspace, "c1")["text"].to_list() == ["c"]
    (prompt_id,) = generations.of_source(workspace, "c1")["prompt_id"]
    everything = generations.answers_to(workspace, prompt_id)["text"].to_list()
    assert everything == ["a", "a2", "b", "b2", "c", "c2", "d", "d2"]


def test_prompts_are_counted_once_by_who_answered(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    assert generations.sources(workspace) == {}
    assert generations.of_source(workspace, "c1").columns == list(generations.COLUMNS)
    path = write_lines([_line("One?", "1", "uno"), _line("Two?", "2", "due")])
    generations.seal(workspace, path, _drawn())
    generations.seal(workspace, path, _drawn("j2"))
    generations.seal(workspace, write_lines([_line("One?", "I")]), _drawn("j3", "tiny"))
    assert generations.sources(workspace) == {"c1": 2, "tiny": 1}


def test_lines_that_cannot_be_used_are_counted_and_the_others_kept(
    workspace: Workspace, write_lines: WriteLines
) -> None:
    bad = [_line("Gone?", "Yes.", picture="gone.png"), {"answers": ["x"]}, _line("No text?", 3)]
    kept = generations.seal(workspace, write_lines([*bad, _line("Two?", "Yes.")]), _drawn())
    assert kept.left_out == 3
    assert kept.segment is not None
    assert kept.segment.rows == 1
    nothing = generations.seal(workspace, write_lines(bad), _drawn("j2"))
    assert (nothing.segment, nothing.left_out) == (None, 3)
