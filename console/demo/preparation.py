"""The demo's workspace: what is missing is made, what is there stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from console import following
from console.demo import world
from console.output import Output
from console.progress import counting, step
from labeling import links as labeling_links
from storage import annotators, batches, jobs, links, models, swift_import
from storage import workspace as workspaces
from storage.rows import Job
from storage.workspace import Workspace
from training.jobs import submission

PHOTOS = "photos"
SHAPES = "shapes"
ANNOTATOR = "you"
PROMPTS = 120


def open_workspace(home: Path, output: Output) -> Workspace:
    """The workspace with the model and both batches."""
    with step(output, f"Workspace {home}"):
        workspace = workspaces.create(home)
    try:
        _import_photos(workspace, output)
        _register_model(workspace)
        _fill_shapes(workspace, output)
    except BaseException:
        workspace.close()
        raise
    return workspace


def fresh_links(workspace: Workspace, public_url: str) -> dict[str, str]:
    """Batch -> a new link for the person at this machine; the demo's earlier links end.

    Tokens are not kept anywhere, so every start hands out new ones.
    """
    found = {}
    for batch in (PHOTOS, SHAPES):
        _end_earlier(workspace, batch)
        minted = labeling_links.mint(workspace, batch, ANNOTATOR)
        found[batch] = labeling_links.url(public_url, minted.token)
    return found


def _end_earlier(workspace: Workspace, batch: str) -> None:
    with workspace.ledger.write() as tx:
        person = annotators.get_or_create(tx, ANNOTATOR)
        for link in links.listed(tx, batches.get(tx, batch).id):
            if link.annotator_id == person.id and link.revoked_at is None:
                links.revoke(tx, link.id)


def _pairs_in(workspace: Workspace, batch: str) -> int:
    with workspace.ledger.read() as db:
        found = batches.find(db, batch)
        return batches.pair_count(db, found.id) if found else 0


def _import_photos(workspace: Workspace, output: Output) -> None:
    if _pairs_in(workspace, PHOTOS):
        return
    text = "Photographs into batch photos"
    with step(output, text), counting(output, text) as advance:
        swift_import.import_file(workspace, world.PHOTOS, batch=PHOTOS, overlap=1, progress=advance)


def _register_model(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        models.add(tx, world.MODEL_NAME, str(world.model_folder()))


def _fill_shapes(workspace: Workspace, output: Output) -> None:
    """Let the tiny model answer prompts twice, through the queue and the worker like any job."""
    if _pairs_in(workspace, SHAPES):
        return
    with step(output, "Answers of the tiny model into batch shapes"):
        job = next(_unfinished(workspace), None)
        if job is None:
            asked = world.ask(workspace.home / "demo" / SHAPES, PROMPTS, seed=0, split="train")
            job = submission.submit_sampling(
                workspace,
                start_from=world.MODEL_NAME,
                prompts=asked.prompts,
                batch=SHAPES,
                settings=world.SAMPLING,
            )
        following.until_final(workspace, job.id, output)


def _unfinished(workspace: Workspace) -> Iterator[Job]:
    """A sampling job for the batch that an earlier start left behind."""
    with workspace.ledger.read() as db:
        for job in jobs.listed(db, kind="sample"):
            if job.spec["batch"] == SHAPES and not job.state.is_final:
                yield job
