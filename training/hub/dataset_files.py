"""The files of a published dataset version: Parquet, manifest, Croissant metadata and the card."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from storage import dataset_rows
from storage.errors import DamagedError, WrongInputError
from storage.exports import messages, trl
from storage.exports.manifest import UNSTATED
from storage.media import MediaStore
from storage.rows import DatasetRow
from training.hub import croissant, dataset_card, dataset_manifest
from training.hub.dataset_manifest import Manifest
from training.hub.facts import labels
from training.jobs.folder import RunSpec

_HUB = "https://huggingface.co"
_CARD = "README.md"


def write(run: RunSpec, facts: Mapping[str, Any], upload: Path) -> None:
    """Write what is pushed of a dataset version into a new folder.

    Raises:
        DamagedError: the version's file does not have its digest.
        WrongInputError: not a single row can be published.
    """
    assert run.dataset is not None
    rows = dataset_rows.read_parquet(Path(run.dataset.path))
    if dataset_rows.digest(rows) != run.dataset.digest:
        raise DamagedError(
            f"The file of dataset version {run.dataset.version} has another digest than recorded.",
            "Restore the file from a backup, or build the dataset version again.",
        )
    # labels of one person are published without the name
    kept = [replace(row, labels=labels(row.labels)) for row in rows if not messages.has_video(row)]
    if not kept:
        raise WrongInputError(
            f"None of the {len(rows)} rows can be published: each {messages.HAS_VIDEO}.",
            "Use `pairwright dataset export --format swift`, which holds videos.",
        )
    with_images = any(messages.has_picture(row) for row in kept)
    counts = _write_splits(kept, MediaStore(run.media_url), upload / "data", with_images)
    left_out = Counter(why for row in rows if (why := messages.has_video(row)) is not None)
    manifest = _manifest(facts, kept, counts, left_out, upload)
    dataset_manifest.write(upload, manifest)
    (upload / _CARD).write_text(dataset_card.write(facts, manifest), encoding="utf-8")
    described = croissant.text(
        manifest,
        repo=facts["repo"],
        url=f"{os.environ.get('HF_ENDPOINT') or _HUB}/datasets/{facts['repo']}",
        sentences=dataset_card.WHAT,
        published=manifest.made,
        with_images=with_images,
    )
    (upload / croissant.NAME).write_text(described, encoding="utf-8")


def _write_splits(
    rows: Sequence[DatasetRow], store: MediaStore, data: Path, with_images: bool
) -> dict[str, int]:
    data.mkdir(parents=True)
    counts = {}
    for split in sorted({row.split for row in rows}, reverse=True):
        some = [row for row in rows if row.split == split]
        path = data / f"{split}.parquet"
        trl.write(some, store.read, path, with_images=with_images, whole=True)
        counts[split] = len(some)
    return counts


def _manifest(
    facts: Mapping[str, Any],
    rows: Sequence[DatasetRow],
    counts: Mapping[str, int],
    left_out: Mapping[str, int],
    upload: Path,
) -> Manifest:
    dataset = facts["dataset"]
    files = {f"data/{split}.parquet" for split in counts}
    return Manifest.model_validate(
        {
            "version": dataset["version"],
            "digest": dataset_rows.digest(rows),
            "source_digest": dataset["digest"],
            "labels": dataset["labels"],
            "made": dataset["made"],
            "filter": {**dataset["policy"], "kept_apart": dataset["kept_apart"]},
            "counts": counts,
            "excluded": dataset["excluded"],
            "left_out": left_out,
            "licence": facts.get("licence") or UNSTATED,
            "files": {
                name: dataset_manifest.facts_of(upload / name).model_dump()
                for name in sorted(files, reverse=True)
            },
        }
    )
