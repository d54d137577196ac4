"""The loop without people after the votes: a worker trains, measures and mines a round."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from console.demo import world
from examples.shapes.prompts import ask_about_scenes
from rounds import audit, convergence, dataset, opening, standing, steps
from rounds import worker as loop
from rounds.dataset import BuildSettings
from rounds.standing import Stage
from storage import batches, jobs, models, pairs, picks, swift_import
from storage.pairs import PairFilter
from storage.rows import JobState
from storage.workspace import Workspace
from training.jobs import worker
from training.settings import spec as specs

TRAINED, AUDITED, WAITING, CHOSEN = 27, 18, 18, 9
SPEC = specs.parse_spec(
    {
        **{"learning_rate": 1e-3, "batch_size": 9, "epochs": 1, "early_stop": False},
        "edge_case_mining": {"max_samples": CHOSEN, "confidence_threshold": 1.0},
    }
)
# pairs of the round's batch, of the audit set, and those that nobody has judged
COUNTS = {"first": TRAINED, "audit": AUDITED, "waiting": WAITING}


@pytest.fixture
def voted(workspace: Workspace, tmp_path: Path, label: Callable[..., None]) -> Workspace:
    """A round whose pairs are all voted on, an audit set, and pairs that wait to be chosen."""
    for seed, (name, count) in enumerate(COUNTS.items()):
        _import(workspace, tmp_path / name, name, count, seed)
    audit.draw(workspace, size=AUDITED, batch="audit")
    dataset.build(workspace, BuildSettings(batch="audit", labels="imported", audit=True))
    with workspace.ledger.write() as tx:
        models.add(tx, "shapes", str(world.model_folder()))
    opening.open_next(workspace)
    opening.give_batch(workspace, "first", "lead")
    rows = dataset.preview(workspace, BuildSettings(batch="first", labels="imported")).rows
    with workspace.ledger.write() as tx:
        views = pairs.views(tx, list(rows.pair_ids))
        better = {row.pair_id: row.chosen for row in rows}
        said = {view.pair.id: "a" if view.text_a == better[view.pair.id] else "b" for view in views}
        label(tx, batches.get(tx, "first"), "ana", said)
    return workspace


def _import(workspace: Workspace, folder: Path, name: str, count: int, seed: int) -> None:
    """Right answers of the tiny world, each beside an invented one, with their pictures."""
    folder.mkdir()
    with (folder / "labeled.jsonl").open("w", encoding="utf-8") as file:
        for asked in ask_about_scenes(count, seed, "train"):
            picture = f"{asked.truth.id}.png"
            asked.picture.save(folder / picture)
            record = {
                "category": asked.truth.category,
                "messages": [
                    {"role": "user", "content": f"<image>{asked.truth.question}"},
                    {"role": "assistant", "content": asked.truth.answer},
                ],
                "images": [picture],
                "rejected_response": f"There is a purple hexagon in {asked.truth.id}.",
            }
            file.write(json.dumps(record) + "\n")
    swift_import.import_file(workspace, folder / "labeled.jsonl", batch=name)


def _work(workspace: Workspace) -> int:
    """Let a worker empty the queue, with all that follows by itself; the jobs that it did."""
    return worker.run(workspace, stop=threading.Event(), once=True, after=loop.go_on)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_worker_trains_and_measures_a_round_and_chooses_the_pairs_of_the_next(
    voted: Workspace,
) -> None:
    found = standing.of_round(voted, 1)
    assert (found.stage, found.decided) == (Stage.TRAIN, TRAINED)
    steps.take(voted, found, SPEC, "lead")
    assert _work(voted) == 1
    trained = standing.of_round(voted, 1)
    assert trained.stage is Stage.EVALUATE

    steps.take(voted, trained, SPEC, "lead")
    # the start, the checkpoint, and the scoring that nobody asked for
    assert _work(voted) == 3
    done = standing.of_round(voted, 1)
    assert done.stage is None
    start, turn = convergence.of_workspace(voted).turns
    assert (start.number, turn.number, turn.pairs) == (0, 1, done.versions[-1].train)
    assert turn.metrics["preference_accuracy"]["n"] == AUDITED
    assert (start.value("kl_per_token") or 0) == 0
    assert (turn.value("kl_per_token") or 0) > 0
    assert turn.gain is not None

    opening.close(voted, "lead")
    opening.open_next(voted)
    following = standing.of_round(voted, 2)
    assert following.start == done.checkpoints[-1].name
    [collecting] = following.batches
    assert (collecting.pairs, collecting.votes, following.stage) == (CHOSEN, 0, Stage.COLLECT)
    with voted.ledger.read() as db:
        assert {job.state for job in jobs.listed(db)} == {JobState.SUCCEEDED}
        chosen = {one.pair_id for one in picks.of_batch(db, collecting.batch.id)}
        waiting = {view.pair.id for view in pairs.page(db, PairFilter(batch="waiting"), 100)}
    assert len(chosen) == CHOSEN
    # neither what was voted on nor the audit set
    assert chosen <= waiting
