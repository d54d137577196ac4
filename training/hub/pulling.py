"""A published dataset version back from the Hub: nothing of it is believed before it is checked.

Files are compared with the manifest, read in a confined process, and every picture is decoded and
named by its pixels again. Only when the rows have the digest that the manifest gives, and the one
that the caller or this workspace knows, does the version enter the workspace, with its pictures.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import dataset_rows, dataset_versions, media, pictures, publications
from storage.errors import DamagedError, WrongInputError
from storage.imports import published
from storage.rows import DatasetRow, DatasetVersion
from storage.workspace import Workspace
from training.hub import dataset_manifest, fetching, names
from training.hub.dataset_manifest import Manifest

_KIND = "dataset"


@dataclass(frozen=True)
class Pulled:
    """What came back.

    Attributes:
        version: as this workspace calls it.
        revision: commit that it was read from.
        pictures: different ones, stored now or before.
        is_new: False when the workspace had these rows already.
    """

    version: DatasetVersion
    manifest: Manifest
    revision: str
    pictures: int
    is_new: bool


@dataclass(frozen=True)
class _Fetched:
    manifest: Manifest
    revision: str


def pull(
    workspace: Workspace,
    repo: str,
    *,
    revision: str = "main",
    digest: str = "",
    say: Callable[[str], None] = lambda line: None,
    pause: Callable[[float], None] = time.sleep,
) -> Pulled:
    """Fetch a dataset version and record it in the workspace.

    Args:
        repo: ORG/NAME.
        revision: a tag, branch or commit.
        digest: that the rows must have, when the caller knows it from elsewhere.

    Raises:
        NotFoundError: no such repository, revision or manifest, or it may not be seen.
        DamagedError: something is not what it is said to be; nothing was recorded.
        WrongInputError: the name cannot be a repository, or access is refused.
        PairwrightError: the Hub could not be reached in any try.
    """
    names.check_repo(repo)
    with tempfile.TemporaryDirectory(prefix="pairwright-pull-") as place:
        folder = Path(place)
        commit = fetching.fetch(
            repo,
            _KIND,
            revision,
            folder,
            lambda there: dataset_manifest.read(there).files,
            say=say,
            pause=pause,
        )
        fetched = _Fetched(dataset_manifest.read(folder), commit)
        _check_known(workspace, repo, fetched, digest)
        rows, shown = _read(workspace, folder, fetched.manifest)
    with workspace.ledger.read() as db:
        is_new = all(one.digest != fetched.manifest.digest for one in dataset_versions.listed(db))
    version = dataset_versions.adopt(
        workspace,
        rows,
        labels=fetched.manifest.labels,
        policy=_policy(repo, fetched),
        excluded=fetched.manifest.excluded,
    )
    return Pulled(version, fetched.manifest, fetched.revision, shown, is_new)


def _check_known(workspace: Workspace, repo: str, fetched: _Fetched, digest: str) -> None:
    """Compare what the manifest says with what is known without it."""
    said = fetched.manifest
    if digest and digest not in (said.digest, said.source_digest):
        raise DamagedError(
            f"The rows of {repo} have the digest {said.digest}, not {digest}.",
            "Nothing was recorded. Check the revision, and who gave you the digest.",
        )
    with workspace.ledger.read() as db:
        pushed = [one for one in publications.listed(db, kind=_KIND) if one.repo == repo]
        known = {one.id: one.digest for one in dataset_versions.listed(db)}
    for one in pushed:
        expected = known.get(one.subject)
        if one.revision == fetched.revision and expected not in (None, said.source_digest):
            raise DamagedError(
                f"{repo} was pushed from here as {one.subject} with the digest {expected}; it says "
                f"{said.source_digest} now.",
                "Nothing was recorded. Somebody changed the repository.",
            )


def _read(
    workspace: Workspace, folder: Path, manifest: Manifest
) -> tuple[Sequence[DatasetRow], int]:
    """The rows, all of them, with their pictures stored; how many pictures."""
    rows: list[DatasetRow] = []
    stored: set[str] = set()
    for one in published.read(folder, list(manifest.files)):
        for media_id, data in one.pictures.items():
            if media_id not in stored:
                _store(workspace, media_id, data)
                stored.add(media_id)
        rows.append(one.row)
    found = dataset_rows.digest(rows)
    if found != manifest.digest:
        raise DamagedError(
            f"The rows have the digest {found}, but the manifest says {manifest.digest}.",
            "No version was recorded. Pull a revision that `pairwright dataset push` wrote.",
        )
    return rows, len(stored)


def _store(workspace: Workspace, media_id: str, data: bytes) -> None:
    """Keep a picture as an import does; its name must be that of its pixels."""
    try:
        found, normal = pictures.normalize(data)
    except WrongInputError as problem:
        raise DamagedError(
            f"The picture {media_id[:80]!r} cannot be read ({problem.what})."
        ) from problem
    if found.id != media_id:
        raise DamagedError(
            f"The picture {media_id[:80]!r} has other pixels than its name says.",
            "No version was recorded. Ask who published it.",
        )
    workspace.media.put(normal, found)
    with workspace.ledger.write() as tx:
        media.add(tx, found)


def _policy(repo: str, fetched: _Fetched) -> dict[str, Any]:
    said = fetched.manifest
    kept_apart = [str(one) for one in said.filter.get("kept_apart") or ()]
    told = {name: value for name, value in said.filter.items() if name != "kept_apart"}
    origin = {"repo": repo, "revision": fetched.revision, "version": said.version}
    return {**told, "split": {"kept_apart": kept_apart}, "pulled": origin}
