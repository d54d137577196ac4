"""The runner's part of a push: files of the job folder's spec written, checked and pushed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.hub import checkpoint_manifest, client, dataset_files, files, model_card
from training.jobs.folder import JobFolder, RunSpec
from training.jobs.journal import StopRequestedError

README = "README.md"
_UPLOAD = "upload"
_LOOK_SECONDS = 0.5


def publish(folder: JobFolder) -> None:
    """Do a job of the kind `publish`: write the files, push them, say where they are.

    Raises:
        PairwrightError: something is damaged, or the Hub refuses; the run then fails.
    """
    run = folder.read_spec()
    facts = run.publication or {}
    upload = folder.path / _UPLOAD
    shutil.rmtree(upload, ignore_errors=True)
    try:
        folder.progress("preparing", 0, 1)
        write = dataset_files.write if facts["what"] == "dataset" else _write_checkpoint
        write(run, facts, upload)
        folder.progress("uploading", 0, 1)
        done = _push(folder, facts, upload)
    except StopRequestedError:
        folder.stop()
        return
    finally:
        shutil.rmtree(upload, ignore_errors=True)
    folder.note(f"{'Pushed to' if done.is_new else 'Already there:'} {done.url}")
    folder.published(
        {"revision": done.revision, "url": done.url, "private": done.private, "tag": facts["tag"]}
    )


def _push(folder: JobFolder, facts: Mapping[str, Any], upload: Path) -> client.Published:
    target = client.Target(
        repo=facts["repo"],
        kind="dataset" if facts["what"] == "dataset" else "model",
        private=facts["private"],
        tag=facts["tag"],
        message=f"Add {facts['what']} {facts['tag']}",
    )
    return client.push(
        upload, target, say=folder.note, pause=lambda seconds: _pause(folder, seconds)
    )


def _pause(folder: JobFolder, seconds: float) -> None:
    """Wait, and notice a request to stop meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not folder.stop_requested:
        time.sleep(min(left, _LOOK_SECONDS))
    if folder.stop_requested:
        raise StopRequestedError


def _write_checkpoint(run: RunSpec, facts: Mapping[str, Any], upload: Path) -> None:
    """Weights and configuration at the top, adapters underneath in `parents/`, and the card."""
    is_adapter = facts["form"] == "adapter"
    base = facts["base"]["hub"]
    source = Path(run.adapters[-1] if is_adapter else run.model)
    files.gather(source, upload, base)
    parents = []
    for number, adapter in enumerate(run.adapters[:-1], start=1):
        parents.append(f"parents/{number}")
        files.gather(Path(adapter), upload / parents[-1], base)
    text = model_card.write(
        facts, parents=parents, sees=_sees(run.model), base_license=_license(run.model, base)
    )
    (upload / README).write_text(text, encoding="utf-8")
    checkpoint_manifest.write(upload, facts, parents)
    paths = [path for path in upload.rglob("*") if path.is_file()]
    files.require_no_paths(paths, _folders_of(run, source))


def _folders_of(run: RunSpec, source: Path) -> Sequence[str]:
    """Folders of this machine that a text could name by accident."""
    model = run.model if Path(run.model).is_absolute() else ""
    return (model, str(source.parent), str(Path.home()) if len(Path.home().parts) > 2 else "")


def _sees(model: str) -> bool:
    """Whether a model takes pictures; one on the Hub is taken to, for that is what we train."""
    try:
        config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return any(key.startswith("vision") for key in config)


def _license(model: str, base: str) -> str:
    """What the model underneath declares: in the card in its folder, or on the Hub."""
    card = Path(model) / README
    if card.is_file():
        from huggingface_hub import ModelCard

        try:
            return str(ModelCard.load(card).data.license or "")
        except (ValueError, OSError):
            return ""
    return client.license_of(base) if base else ""
