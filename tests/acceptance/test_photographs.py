"""The photographs from their file to a checkpoint and back into a file, by commands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHAPES_MODEL = EXAMPLES / "shapes" / "model"
PHOTOS = EXAMPLES / "photos" / "preferences.jsonl"


def test_the_photographs_train_the_tiny_model_by_their_imported_labels(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run_command(home, "init")
    report = run_command(home, "import", str(PHOTOS), "--batch", "photos")
    assert (report["records"], report["pairs"], len(report["rejected"])) == (48, 48, 0)
    built = run_command(home, "dataset", "build", "--batch", "photos", "--labels", "imported")
    assert built["rows"] == 48
    trained = run_command(
        home,
        *("train", "--dataset", built["version"], "--from", str(SHAPES_MODEL)),
        *("--set", "epochs=1", "--wait"),
    )
    assert trained["state"] == "succeeded"
    assert trained["metrics"]["preference_accuracy"]["labels"] == "imported"
    out = tmp_path / "exported"
    run_command(home, "dataset", "export", built["version"], "--format", "swift", "--out", str(out))
    assert _contents(out / "preferences.jsonl") == _contents(PHOTOS)


def run_command(home: Path, *words: str) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("pairwright")), "--json", "--home", str(home)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _contents(path: Path) -> list[tuple[str, ...]]:
    """What a file of records says, whatever the names of its pictures."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(
        (
            record["id"],
            record["category"],
            json.dumps(record["messages"]),
            record["rejected_response"],
            str(len(record.get("images", []))),
        )
        for record in records
    )
