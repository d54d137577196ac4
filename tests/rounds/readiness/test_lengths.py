"""Rows that are too long for a model: counted by the tiny model's own processor."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from rounds.readiness import lengths, report
from rounds.readiness.finding import BLOCKING, WARNING
from storage import dataset_versions, media, pictures
from storage.errors import NotFoundError
from storage.rows import DatasetRow, DatasetVersion
from storage.workspace import Workspace
from training.modeling.token_lengths import TokenLengths

MakeRow = Callable[..., DatasetRow]
# the tiny model that ships with the shapes
MODEL = Path(__file__).parents[3] / "examples" / "shapes" / "model"


def found(**tokens: int) -> list[tuple[str, str, int]]:
    measured = TokenLengths("tiny", 100, tokens, {})
    return [(one.level, one.code, one.count) for one in lengths.check(measured)]


def test_a_row_blocks_from_one_token_too_many_on() -> None:
    assert found(a=89, b=90) == []
    assert found(a=91, b=100) == [(WARNING, "nearly_too_long", 2)]
    assert found(a=101, b=5000, c=3) == [(BLOCKING, "too_long", 2)]


def test_a_model_without_a_limit_and_rows_that_it_cannot_take_are_told() -> None:
    measured = TokenLengths("tiny", None, {"a": 7}, {"b": "has a picture", "c": "has a picture"})
    one, other = lengths.check(measured)
    assert (one.code, other.code, other.count) == ("length_unknown", "not_for_this_model", 2)
    assert "the longest row has 7" in one.what
    assert other.what == "not for tiny: each has a picture: 2 rows"


@pytest.fixture
def version(workspace: Workspace, row: MakeRow) -> DatasetVersion:
    """A short row, one with a picture, and one whose answer has thousands of letters."""
    drawn = io.BytesIO()
    Image.new("RGB", (240, 240), (200, 0, 0)).save(drawn, "PNG")
    found, data = pictures.normalize(drawn.getvalue())
    workspace.media.put(data, found)
    with workspace.ledger.write() as tx:
        media.add(tx, found)
    made = [
        row("How many?", "two", "three"),
        row("Which colour?", "red", "blue", picture=found.id),
        row("What now?", "Quite so. " * 1500, "no"),
    ]
    return dataset_versions.write(
        workspace, made, labels="oracle", policy={}, excluded={}, holdout=0, seed=0
    )


def test_the_tokens_are_those_that_training_sees(
    workspace: Workspace, version: DatasetVersion
) -> None:
    seen: list[tuple[int, int]] = []
    checked = report.of_version(
        workspace, version, lambda done, total: seen.append((done, total)), str(MODEL)
    )
    (blocking,) = [one for one in checked.findings if one.code == "too_long"]
    limit = json.loads((MODEL / "config.json").read_text())["text_config"][
        "max_position_embeddings"
    ]
    assert f"{limit:,} tokens" in blocking.what
    assert (blocking.count, checked.ready) == (1, False)
    assert checked.longest > 2000
    assert seen
    assert report.of_version(workspace, version).longest == 0


def test_a_model_that_is_not_there_is_an_error(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="no model or checkpoint 'nobody'"):
        report.of_version(workspace, version, model="nobody")
    copied = shutil.copytree(MODEL, tmp_path / "model")
    for path in copied.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(Exception, match="safetensors"):
        report.of_version(workspace, version, model=str(copied))
