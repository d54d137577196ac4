"""A published checkpoint back from the Hub, with the lineage that came with it.

Only files that the manifest names, with the hashes that it gives, and only those that a checkpoint
may have: safetensors, configurations, tokenizer. A part of the lineage whose weights this workspace
has already is that very checkpoint here. Each part needs the dataset version that it was trained
on: one of the same digest, or its own from the Hub.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storage import checkpoints, dataset_versions, identity, jobs
from storage.errors import DamagedError, NotFoundError
from storage.ledger import Connection
from storage.rows import Checkpoint, DatasetVersion, JobState
from storage.workspace import Workspace
from training.hub import checkpoint_manifest, fetching, names, pulling
from training.hub.checkpoint_manifest import Manifest, Part
from training.jobs import starts
from training.jobs.starts import Start
from training.runs import manifest
from training.settings import spec as specs

KIND = "pull"
_FOREVER = 3600.0


@dataclass(frozen=True)
class Pulled:
    """What came back; `is_new` is False when these weights were here already."""

    checkpoint: Checkpoint
    revision: str
    is_new: bool


@dataclass(frozen=True)
class _Source:
    repo: str
    commit: str
    folder: Path
    manifest: Manifest


def pull(
    workspace: Workspace,
    repo: str,
    *,
    revision: str = "main",
    base: str = "",
    say: Callable[[str], None] = lambda line: None,
    pause: Callable[[float], None] = time.sleep,
) -> Pulled:
    """Fetch a checkpoint with what it stands on and record it in the workspace.

    Args:
        repo: ORG/NAME.
        revision: a tag, branch or commit.
        base: the model underneath, where the manifest cannot name one that is found.

    Raises:
        NotFoundError: no such repository, revision or manifest, or the model underneath or a
            dataset version is neither here nor on the Hub.
        DamagedError: something is not what it is said to be; nothing was recorded.
        WrongInputError: the name cannot be a repository, or access is refused.
        PairwrightError: the Hub could not be reached in any try.
    """
    names.check_repo(repo)
    with tempfile.TemporaryDirectory(prefix="pairwright-pull-") as place:
        folder = Path(place)
        commit = fetching.fetch(
            repo,
            "model",
            revision,
            folder,
            lambda there: checkpoint_manifest.read(there).files,
            say=say,
            pause=pause,
        )
        source = _Source(repo, commit, folder, checkpoint_manifest.read(folder))
        with workspace.ledger.read() as db:
            model = _base(db, source, base)
        parent: Checkpoint | None = None
        is_new = False
        for part in source.manifest.held:
            known = _known(workspace, part, parent)
            is_new = known is None
            if known is None:
                version = _dataset(workspace, part, say, pause)
                known = _record(workspace, source, part, version, model, parent)
            parent = known
    assert parent is not None
    return Pulled(parent, commit, is_new)


def _base(db: Connection, source: _Source, base: str) -> str:
    said = source.manifest
    if base:
        return starts.resolve(db, base).model
    if said.base_hub:
        return said.base_hub
    try:
        return starts.resolve(db, said.base_name or "-").model
    except NotFoundError as error:
        called = f" ({said.base_name})" if said.base_name else ""
        raise NotFoundError(
            f"The model under {source.repo}{called} is not on the Hub, and not here by that name.",
            "Name it with --base: a model, a folder or a Hub id.",
        ) from error


def _known(workspace: Workspace, part: Part, parent: Checkpoint | None) -> Checkpoint | None:
    """The checkpoint here that has the same weights, on the same parent where it needs one."""
    below = parent.id if parent else None
    wanted = _weights({name: facts.sha256 for name, facts in part.files.items()})
    with workspace.ledger.read() as db:
        rows = checkpoints.listed(db)
    for row in rows:
        try:
            held = manifest.read(workspace.home / row.path).files
        except DamagedError:
            continue
        same = _weights({name: entry.sha256 for name, entry in held.items()}) == wanted
        if same and (part.form == "full" or row.parent == below):
            return row
    return None


def _weights(hashes: Mapping[str, str]) -> dict[str, str]:
    return {
        name: sha
        for name, sha in hashes.items()
        if name.endswith(".safetensors") and "/" not in name
    }


def _dataset(
    workspace: Workspace,
    part: Part,
    say: Callable[[str], None],
    pause: Callable[[float], None],
) -> DatasetVersion:
    with workspace.ledger.read() as db:
        for version in dataset_versions.listed(db):
            if part.digest == version.digest:
                return version
    if not part.repo:
        raise NotFoundError(
            f"{part.name} was trained on {part.dataset} with the digest {part.digest[:12]}, which "
            "is neither here nor, as its manifest says, on the Hub.",
            "Push that dataset version and then the checkpoint again, where it was made.",
        )
    say(f"Pulling the dataset version that {part.name} was trained on.")
    found = pulling.pull(
        workspace, part.repo, revision=part.revision, digest=part.digest, say=say, pause=pause
    )
    return found.version


def _record(
    workspace: Workspace,
    source: _Source,
    part: Part,
    version: DatasetVersion,
    model: str,
    parent: Checkpoint | None,
) -> Checkpoint:
    """Put the files into their place and the checkpoint into the ledger, both or neither."""
    is_tip = part is source.manifest.line[-1]
    config = {"stage": part.stage, "method": "lora" if part.form == "adapter" else "full"}
    config = specs.parse_spec((source.manifest.settings if is_tip else {}) | config).resolved()
    checkpoint_id = f"p{uuid.uuid4().hex[:12]}"
    place = workspace.checkpoints_folder / checkpoint_id
    _place(source, part, place)
    line = () if parent is None else (parent.id,)
    spec = {
        "settings": config,
        "start": Start(parent.name if parent else model, model, line).as_json(),
        "dataset": version.id,
        "repo": source.repo,
        "revision": source.commit,
    }
    try:
        with workspace.ledger.write() as tx:
            job = jobs.submit(tx, kind=KIND, spec=spec, key=identity.digest([KIND, checkpoint_id]))
            held = jobs.claim(tx, worker=KIND, lease_seconds=_FOREVER, kinds=(KIND,))
            assert held is not None
            made = checkpoints.add(
                tx,
                checkpoint_id=checkpoint_id,
                name=checkpoints.free_name(tx, part.name),
                job_id=job.id,
                parent=parent.id if parent else None,
                model=model,
                kind=part.form,
                path=f"{workspace.checkpoints_folder.name}/{checkpoint_id}",
                dataset_version=version.id,
                config=config,
                metrics=source.manifest.metrics if is_tip else {},
            )
            said = {"checkpoint": made.id, "name": made.name, "repo": source.repo}
            jobs.finish(tx, held.id, held.fence, JobState.SUCCEEDED, said)
        return made
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _place(source: _Source, part: Part, place: Path) -> None:
    """The files under a manifest of ours; what was compared once is compared again by it."""
    partial = place.with_name(f"{place.name}.partial")
    partial.mkdir(parents=True)
    for name in part.files:
        shutil.copyfile(source.folder / part.folder / name, partial / name)
    manifest.complete(partial, {"repo": source.repo, "revision": source.commit})
    for name, facts in part.files.items():
        if manifest.read(place).files[name].sha256 != facts.sha256:
            shutil.rmtree(place, ignore_errors=True)
            raise DamagedError(f"{name} changed while it was copied.", "Pull again.")
