"""Dataset versions: immutable sets of chosen/rejected rows, each a Parquet file and a record."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from storage import clock, dataset_file, dataset_rows, dataset_split, dataset_table, inserts, tables
from storage.dataset_file import DatasetFile
from storage.dataset_table import DatasetTable
from storage.errors import DamagedError, NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.media import sync_folder
from storage.rows import DatasetRow, DatasetVersion, Json
from storage.workspace import Workspace


def write(
    workspace: Workspace,
    rows: Sequence[DatasetRow],
    *,
    labels: str,
    policy: Json,
    excluded: Mapping[str, int],
    holdout: float,
    seed: int,
    judges: Mapping[str, Sequence[str]] | None = None,
) -> DatasetVersion:
    """Split the rows, write their file, and record them as the next version.

    The same rows with the same split are the same version: it is returned as it was recorded.
    `policy` gets the entry `split`: share, seed, what is kept apart, and the annotators drawn.

    Args:
        judges: pair id -> who judged it, to hold out by annotator; by media without.

    Raises:
        WrongInputError: no rows, a pair twice, or a share that cannot be drawn.
    """
    ordered = _ordered(rows)
    split = dataset_split.drawn(ordered, holdout, seed, judges)
    drawn = {"holdout": holdout, "seed": seed, "kept_apart": list(split.kept_apart)}
    if judges is not None:
        drawn["annotators"] = list(split.annotators)
    placed = ordered.placed(split.sides)
    return adopt(
        workspace, placed, labels=labels, policy={**policy, "split": drawn}, excluded=excluded
    )


def adopt(
    workspace: Workspace,
    rows: Sequence[DatasetRow],
    *,
    labels: str,
    policy: Json,
    excluded: Mapping[str, int],
) -> DatasetVersion:
    """Record rows that were split elsewhere as the next version; their media are stored already.

    The same rows are the same version: it is returned as it was recorded.

    Raises:
        WrongInputError: no rows, or a pair twice.
    """
    ordered = _ordered(rows)
    digest = dataset_rows.digest(ordered)
    path = workspace.datasets_folder / f"{digest}.parquet"
    if not _holds(path, digest):
        _write_durably(ordered, path)
    sides = ordered.frame["split"].to_list()
    version = DatasetVersion(
        id="",
        digest=digest,
        labels=labels,
        policy=policy,
        rows=len(ordered),
        train=sides.count(dataset_split.TRAIN),
        holdout=sides.count(dataset_split.HOLDOUT),
        excluded=dict(excluded),
        path=str(path.relative_to(workspace.home)),
        created_at=0,
    )
    with workspace.ledger.write() as tx:
        return _recorded(tx, version)


def get(db: Connection, version_id: str) -> DatasetVersion:
    """The version with this id.

    Raises:
        NotFoundError: there is none; the message names those that are.
    """
    table = tables.dataset_versions
    row = db.execute(select(table).where(table.c.id == version_id)).one_or_none()
    if row is None:
        there = ", ".join(version.id for version in listed(db)) or "none yet"
        raise NotFoundError(
            f"No dataset version is named {version_id[:80]!r}.",
            f"Versions: {there}. `pairwright dataset build` makes one.",
        )
    return _version(row)


def listed(db: Connection) -> list[DatasetVersion]:
    """All versions, oldest first."""
    table = tables.dataset_versions
    query = select(table).order_by(func.length(table.c.id), table.c.id)
    return [_version(row) for row in db.execute(query)]


def read_rows(workspace: Workspace, version: DatasetVersion) -> list[DatasetRow]:
    """The rows of a version, by pair id.

    Raises:
        DamagedError: the file is missing, unreadable, or does not have the recorded digest.
    """
    path = workspace.home / version.path
    rows = dataset_rows.read_parquet(path)
    _check(version, path, dataset_rows.digest(rows))
    return rows


def read_table(workspace: Workspace, version: DatasetVersion) -> DatasetTable:
    """The rows of a version in columns, by pair id: made objects one by one as they are read.

    Raises:
        DamagedError: the file is missing, unreadable, or does not have the recorded digest.
    """
    path = workspace.home / version.path
    _check(version, path, dataset_rows.digest_of_file(path))
    return dataset_rows.read_table(path)


def opened(workspace: Workspace, version: DatasetVersion) -> DatasetFile:
    """The file of a version, to count its rows and read a few of them.

    Raises:
        DamagedError: the file is missing, unreadable, or does not have the recorded digest.
    """
    path = workspace.home / version.path
    _check(version, path, dataset_rows.digest_of_file(path))
    return dataset_file.read(path)


def _check(version: DatasetVersion, path: Path, digest: str) -> None:
    if digest != version.digest:
        raise DamagedError(
            f"The file of dataset version {version.id}, {path}, has the digest {digest},"
            f" but {version.digest} is recorded.",
            "Restore the file from a backup, or build the dataset version again.",
        )


def _ordered(rows: Sequence[DatasetRow]) -> DatasetTable:
    """The rows by pair id, in columns."""
    found = dataset_table.of_rows(rows).by_pair()
    if not len(found):
        raise WrongInputError(
            "A dataset version needs at least one row.", "Label pairs, or import labels."
        )
    ids = found.pair_ids
    twice = ids.filter(ids == ids.shift())
    if len(twice):
        raise WrongInputError(
            f"The pair {twice[0]} is in the rows twice.", "Give one row per pair."
        )
    return found


def _holds(path: Path, digest: str) -> bool:
    try:
        return dataset_rows.digest_of_file(path) == digest
    except DamagedError:
        return False


def _write_durably(rows: DatasetTable, path: Path) -> None:
    """Write beside, sync, read back, and only then give the file its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.parquet")
    try:
        dataset_rows.write_parquet(rows, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if not dataset_rows.holds(temporary, rows):
            raise DamagedError(
                f"The dataset file {temporary} was written, but reads back differently.",
                "Check the disk, then build the dataset version again.",
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _recorded(tx: Connection, version: DatasetVersion) -> DatasetVersion:
    inserts.wait_for_turn(tx, inserts.NUMBERING_VERSIONS)
    table = tables.dataset_versions
    there = tx.execute(select(table).where(table.c.digest == version.digest)).one_or_none()
    if there is not None:
        return _version(there)
    count = int(tx.execute(select(func.count()).select_from(table)).scalar_one())
    version = replace(version, id=f"v{count + 1}", created_at=clock.now(tx))
    tx.execute(table.insert().values(**vars(version)))
    return version


def _version(row: Any) -> DatasetVersion:
    return DatasetVersion(**row._mapping)
