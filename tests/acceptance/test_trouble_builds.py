"""A dataset build that is killed at any step leaves nothing half, and the next one works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rounds import dataset
from storage import dataset_versions, pairs, workspace
from storage.pairs import PairFilter
from storage.rows import Batch

HERE = Path(__file__).parent
# more steps than a build has: the last ones must come through
STEPS = range(1, 16)


def _voted(home: Path, make_batch: Callable[..., Batch], label: Callable[..., None]) -> None:
    opened = workspace.open_existing(home)
    with opened.ledger.write() as tx:
        batch = make_batch(tx, pair_count=20)
        found = [view.pair.id for view in pairs.page(tx, PairFilter(batch="first"), 100)]
        label(tx, batch, "ana", {pair: "ab"[place % 2] for place, pair in enumerate(found)})
    opened.close()


def _build_and_die(home: Path) -> dict[int, str]:
    command = [sys.executable, str(HERE / "killed_build.py"), str(home), *map(str, STEPS)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return {int(step): outcome for step, outcome in lines}


@pytest.mark.slow
def test_a_build_killed_at_any_step_leaves_nothing_half_and_is_built_again(
    new_home: Path, tmp_path: Path, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    home = shutil.copytree(new_home, tmp_path / "home")
    _voted(home, make_batch, label)
    outcomes = _build_and_die(home)
    assert outcomes[STEPS[-1]] == "done", "a build has more steps than are tried"
    killed = [step for step, outcome in outcomes.items() if outcome == "killed"]
    assert len(killed) >= 5
    digests = set()
    for step in killed:
        opened = workspace.open_existing(tmp_path / f"home-{step}")
        with opened.ledger.read() as db:
            recorded = dataset_versions.listed(db)
        for version in recorded:
            assert len(dataset_versions.read_rows(opened, version)) == version.rows == 20
        settings = dataset.BuildSettings(labels="votes", holdout=0.25)
        version = dataset.build(opened, settings)
        assert version.id == "v1"
        assert len(dataset_versions.read_rows(opened, version)) == 20
        digests.add(version.digest)
        opened.close()
    assert len(digests) == 1
