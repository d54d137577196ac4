"""kill -9 of what the console writes on its own: import, links, dataset build, activation."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from console.doctor import files
from console.doctor.findings import Grade
from storage import tables, workspace
from storage.workspace import Workspace
from tests.console.killed_steps import PEOPLE, RECORDS

Maker = Any
Forks = Any
RECORD_COUNT, PICTURES = 300, 24
# where each step is killed, as shares of its touches; what is there already takes fewer of them
SHARES = {
    "records": [0.02, *(0.1 * each for each in range(1, 9))],
    "handing_out": [0.1, 0.15, 0.2, 0.25],
    "dataset": [0.2, 0.4, 0.6, 0.8],
    "activation": [0.3, 0.5, 0.7],
}
# what has the same rows in every workspace that did the same; others have drawn ids or times
SAME = {
    "media": ("id", "size"),
    "prompts": ("id", "category"),
    "responses": ("id", "text"),
    "pairs": ("id",),
    "imported_labels": ("pair_id", "winner", "line"),
    "batch_pairs": ("batch_id", "pair_id", "position", "wanted"),
    "guidelines": ("batch_id", "version", "text"),
    "dataset_versions": ("id", "digest", "rows", "train", "holdout"),
    "activations": ("kind", "checkpoint_id", "actor", "reason"),
    "annotators": ("name",),
}


@pytest.fixture
def start(workspace: Workspace, maker: Maker) -> Path:
    """The folder of a workspace with a checkpoint, beside a file of records with pictures."""
    maker.checkpoint("first")
    workspace.close()
    folder = workspace.home.parent
    for number in range(PICTURES):
        shade = Image.radial_gradient("L").rotate(number).resize((64 + number, 64))
        shade.convert("RGB").save(folder / f"{number}.png")
    lines = [json.dumps(_record(number)) + "\n" for number in range(RECORD_COUNT)]
    (folder / RECORDS).write_text("".join(lines), encoding="utf-8")
    return workspace.home


def _record(number: int) -> dict[str, object]:
    question = {"role": "user", "content": f"<image>Question {number}?"}
    return {
        "messages": [question, {"role": "assistant", "content": f"Right {number}."}],
        "rejected_response": f"Wrong {number}.",
        "images": [f"{number % PICTURES}.png"],
        "category": "counting" if number % 2 else "reading",
        "id": f"record {number}",
    }


@pytest.mark.slow
def test_what_the_console_writes_survives_kill_9_exactly_once(
    start: Path, forks: Callable[..., Forks]
) -> None:
    whole, home = (Path(shutil.copytree(start, start.with_name(name))) for name in ("one", "two"))
    processes = forks("console")
    kills = 0
    for step, shares in SHARES.items():
        touches = _finish(processes, whole, step)
        for share in shares:
            said = _killed(processes, home, step, max(1, int(share * touches)))
            kills += 1
            _assert_kept(home, step, said)
        _finish(processes, home, step)
    assert kills == 20
    assert _state(home) == _state(whole)
    state = _state(home)
    assert len(state["pairs"]) == len(state["imported_labels"]) == RECORD_COUNT
    assert len(state["media"]) == PICTURES
    assert len(state["annotators"]) == PEOPLE


def _finish(processes: Forks, home: Path, step: str) -> int:
    processes.start(f"{home} {step}")
    status, said = processes.gone()
    assert status == 0, said
    return int(said[-1].split()[1])


def _killed(processes: Forks, home: Path, step: str, touch: int) -> list[str]:
    processes.start(f"{home} {step} {touch}")
    status, said = processes.gone()
    assert status == -signal.SIGKILL, said
    return list(said)


def _assert_kept(home: Path, step: str, said: list[str]) -> None:
    """What was acknowledged is there, nothing twice, and nothing half."""
    opened = workspace.open_existing(home)
    try:
        with opened.ledger.read() as db:
            lines = set(db.execute(select(tables.imported_labels.c.line)).scalars())
            linked = set(db.execute(select(tables.links.c.id)).scalars())
        if step == "records":
            ends = [int(line.split()[1]) for line in said if line.startswith("in ")]
            read = (home.parent / RECORDS).read_bytes()[: max(ends, default=0)]
            assert set(range(1, 1 + read.count(b"\n"))) <= lines
        if step == "handing_out":
            assert {line.split()[1] for line in said if line.startswith("link ")} <= linked
        checks = (
            files.ledger(opened),
            files.media(opened, True),
            files.datasets(opened, True),
            files.sealed(opened, True),
        )
        found = [finding for check in checks for finding in check]
        assert [one for one in found if one.grade is not Grade.OK] == []
    finally:
        opened.close()


def _state(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Rows that say what is there, in order, with doubles."""
    opened = workspace.open_existing(home)
    with opened.ledger.read() as db:
        found = {}
        for name, columns in SAME.items():
            table = getattr(tables, name)
            query = select(*(table.c[column] for column in columns))
            found[name] = sorted(tuple(row) for row in db.execute(query))
        links = db.execute(select(func.count()).select_from(tables.links)).scalar_one()
    opened.close()
    return {**found, "links": [(links,)]}
