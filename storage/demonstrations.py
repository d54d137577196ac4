"""Answers to learn from before any preference: a dataset version of `swift` rows without rivals.

Such a version trains the stage `sft` and nothing else: its rows have no rejected answer, an empty
text stands there, and its policy says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storage import dataset_versions, identity, json_lines, media, prompts, swift_records
from storage.errors import WrongInputError
from storage.media_files import MediaFolder
from storage.rows import DatasetRow, DatasetVersion, Media, Rejected
from storage.swift_import import check_arguments
from storage.workspace import Workspace

KEY = "demonstrations"
_UNUSABLE = "records that cannot be used"
_REPEATED = "the same answer to the same prompt as an earlier record"


@dataclass(frozen=True)
class Imported:
    """The version, the records read, those that repeat an earlier one, and those refused."""

    version: DatasetVersion
    records: int
    repeated: int
    rejected: tuple[Rejected, ...]


@dataclass
class _Taken:
    """What was read so far; rows and media by id."""

    records: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    rows: dict[str, DatasetRow] = field(default_factory=dict)
    shown: dict[str, Media] = field(default_factory=dict)


def import_file(
    workspace: Workspace,
    path: Path,
    *,
    media_root: Path | None = None,
    labeled_by: str = "imported",
    holdout: float = 0.1,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Make a dataset version of the answers of a file, one `swift` record a line.

    A `rejected_response` is not looked at. The same file with the same split is the same version.

    Args:
        labeled_by: who says that these answers are good; named in every figure.
        holdout: share of rows kept from training, drawn with `seed` by media and prompts.

    Raises:
        WrongInputError: no record can be used, or an argument cannot. What is wrong with single
            lines is reported, not raised.
    """
    check_arguments(path, media_root, KEY, None, labeled_by)
    files = MediaFolder(path.parent if media_root is None else media_root, workspace.media)
    taken = _take(path, files, labeled_by, progress)
    _check_some(path, taken)
    with workspace.ledger.write() as tx:
        for one in taken.shown.values():
            media.add(tx, one)
    repeated = taken.records - len(taken.rejected) - len(taken.rows)
    reasons = {_REPEATED: repeated, _UNUSABLE: len(taken.rejected)}
    version = dataset_versions.write(
        workspace,
        list(taken.rows.values()),
        labels=labeled_by,
        policy={KEY: path.name, "labels": labeled_by},
        excluded={reason: count for reason, count in reasons.items() if count},
        holdout=holdout,
        seed=seed,
    )
    return Imported(version, taken.records, repeated, tuple(taken.rejected))


def refuse(version: DatasetVersion, wanted: str) -> None:
    """Raise WrongInputError for a version without rejected answers; `wanted` says what needs them.

    Raises:
        WrongInputError: naming the version.
    """
    if version.policy.get(KEY):
        raise WrongInputError(
            f"The dataset version {version.id} has no rejected answers, which {wanted} needs.",
            "Train on it with `pairwright train --stage sft`, or build one from decided pairs: "
            "pairwright dataset build.",
        )


def _take(
    path: Path, files: MediaFolder, labeled_by: str, progress: Callable[[int, int], None]
) -> _Taken:
    taken, size = _Taken(), path.stat().st_size
    for line in _lines(path):
        taken.records += 1
        try:
            row, seen = _row(line, files, labeled_by)
        except WrongInputError as problem:
            taken.rejected.append(Rejected(line.number, str(problem)))
        else:
            taken.rows.setdefault(row.pair_id, row)
            taken.shown |= {one.id: one for one in seen}
        progress(line.end, size)
    return taken


def _lines(path: Path) -> Iterator[json_lines.Line]:
    return (line for line in json_lines.read(path) if line.text or line.problem)


def _row(
    line: json_lines.Line, files: MediaFolder, labeled_by: str
) -> tuple[DatasetRow, tuple[Media, ...]]:
    record = swift_records.parse(json_lines.parse_object(line), demonstration=True)
    images = [files.normalized(name, "picture") for name in record.images]
    videos = [files.normalized(name, "video") for name in record.videos]
    turns = swift_records.turns(
        record.messages, [one.id for one in images], [one.id for one in videos]
    )
    prompt = prompts.build(turns, record.category)
    row = DatasetRow(
        # the answer with no other beside it
        pair_id=identity.digest({KEY: identity.response_id(prompt.id, record.chosen)}),
        prompt=prompt,
        chosen=record.chosen,
        rejected="",
        labels=labeled_by,
        votes=0,
        confidence=1.0,
        record_id=record.record_id,
    )
    return row, (*images, *videos)


def _check_some(path: Path, taken: _Taken) -> None:
    if taken.rows:
        return
    first = next(iter(taken.rejected), None)
    why = f" Line {first.line}: {first.reason}" if first else ""
    raise WrongInputError(
        f"{path} holds no answer to learn from.{why}",
        "Give JSON lines with 'messages' whose last one is the assistant's answer.",
    )
