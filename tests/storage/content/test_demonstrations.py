"""Answers without rivals: a file of them becomes a dataset version, and bad lines are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import dataset_versions, demonstrations, exports
from storage.errors import WrongInputError
from storage.workspace import Workspace


def record(asked: str, said: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return {"messages": messages, **more}


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Eight good records, one of them twice, and two that cannot be used."""
    Image.new("RGB", (8, 8), (200, 10, 10)).save(tmp_path / "red.png")
    records = [record(f"What is {n} plus one?", f"It is {n + 1}.", id=f"r{n}") for n in range(6)]
    records.append(record("<image>Which colour?", "Red.", images=["red.png"], category="colour"))
    # with a rejected answer it is a demonstration, too
    records.append(record("What is 9 plus one?", "It is 10.", rejected_response="It is 9."))
    records.append(records[0])
    records.append(record("<image>Where?", "Here.", images=["missing.png"]))
    records.append({"messages": [{"role": "user", "content": "And?"}]})
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    return path


def test_a_file_of_answers_becomes_a_version_with_its_pictures(
    workspace: Workspace, answers: Path, tmp_path: Path
) -> None:
    found = demonstrations.import_file(workspace, answers, labeled_by="ana", holdout=0.25)
    version = found.version
    assert (found.records, found.repeated, version.rows) == (11, 1, 8)
    assert [one.line for one in found.rejected] == [10, 11]
    assert "missing.png" in found.rejected[0].reason
    assert (version.labels, version.train + version.holdout) == ("ana", 8)
    assert version.holdout > 0
    assert version.excluded == {
        "records that cannot be used": 2,
        "the same answer to the same prompt as an earlier record": 1,
    }
    rows = dataset_versions.read_rows(workspace, version)
    assert {row.chosen for row in rows} >= {"Red.", "It is 10.", "It is 1."}
    assert {row.rejected for row in rows} == {""}
    (shown,) = [media for row in rows for media in row.prompt.media]
    assert workspace.media.read(shown)
    again = demonstrations.import_file(workspace, answers, labeled_by="ana", holdout=0.25)
    assert again.version == version

    # exported they are the same answers, and no format of pairs takes them
    about = exports.About(version.id, version.policy)
    made = exports.export_rows(workspace, rows, "swift", tmp_path / "out", about=about)
    back = demonstrations.import_file(workspace, made.files[0], labeled_by="ana", holdout=0.25)
    assert back.version.digest == version.digest
    with pytest.raises(WrongInputError, match="no rejected answers, which trl needs"):
        exports.export_rows(workspace, rows, "trl", tmp_path / "pairs", about=about)


def test_a_file_without_an_answer_is_refused_with_the_reason(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "And?"}]}\n', encoding="utf-8")
    with pytest.raises(WrongInputError, match=r"Line 1: .*expected 'assistant'"):
        demonstrations.import_file(workspace, path)
