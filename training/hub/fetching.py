"""Files of a repository with a manifest: fetched from one commit and compared with what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub.errors import (
    EntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from storage.errors import NotFoundError, PairwrightError, WrongInputError
from training.hub import client, dataset_manifest
from training.hub.dataset_manifest import FileFacts

# kind of repository -> what of ours is in it
OURS = {"dataset": "dataset", "model": "checkpoint"}


def fetch(
    repo: str,
    kind: str,
    revision: str,
    folder: Path,
    files_of: Callable[[Path], Mapping[str, FileFacts]],
    *,
    say: Callable[[str], None],
    pause: Callable[[float], None],
) -> str:
    """Bring the manifest and the files that it names into a folder; returns their commit.

    Args:
        kind: `dataset` or `model`.
        files_of: reads the manifest in a folder, and says what each file must be.

    Raises:
        NotFoundError: no such repository, revision or manifest, or it may not be seen.
        DamagedError: a file is not what the manifest says.
        WrongInputError: access is refused.
        PairwrightError: the Hub could not be reached in any try.
    """
    api = client.connected("pull")
    there: dict[str, Any] = {"repo_id": repo, "repo_type": kind}

    def explained(error: BaseException, tries: int) -> PairwrightError:
        return _explained(error, repo, OURS[kind], revision, tries)

    def find() -> str:
        return str(api.repo_info(**there, revision=revision, timeout=client.TIMEOUT_SECONDS).sha)

    commit = client.with_tries(find, explained, say=say, pause=pause)

    def download(name: str) -> None:
        client.with_tries(
            lambda: api.hf_hub_download(**there, filename=name, revision=commit, local_dir=folder),
            explained,
            say=say,
            pause=pause,
        )

    download(dataset_manifest.NAME)
    files = files_of(folder)
    for name, facts in files.items():
        say(f"Fetching {name}, {facts.size:,} bytes.")
        download(name)
    dataset_manifest.check(folder, files)
    return commit


def _explained(
    error: BaseException, repo: str, ours: str, revision: str, tries: int
) -> PairwrightError:
    if isinstance(error, RevisionNotFoundError):
        return NotFoundError(
            f"{repo} has no revision {revision[:80]!r}.", "Leave it out for the newest."
        )
    if isinstance(error, RepositoryNotFoundError):
        return NotFoundError(
            f"There is no {ours} {repo} on the Hub, or it is private.",
            "Check the name; set HF_TOKEN, or run `hf auth login`, with a token that may read it.",
        )
    response = client.response_of(error)
    if isinstance(error, EntryNotFoundError) and response is not None:
        return NotFoundError(
            f"{repo} has no {dataset_manifest.NAME}, or not all files that it names.",
            f"Pull a revision that `pairwright {ours} push` wrote.",
        )
    if response is not None and response.status_code in (401, 403):
        return WrongInputError(
            f"The Hub refused {repo} ({response.status_code}).",
            "Set HF_TOKEN, or run `hf auth login`, with a token that may read it.",
        )
    return PairwrightError(
        f"{repo} could not be pulled ({tries} tries, the last: {client.short(error)}).",
        "Nothing was recorded. Pull again when the Hub answers.",
    )
