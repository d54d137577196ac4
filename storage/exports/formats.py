"""The formats: what each is for, which rows it cannot hold, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage import dataset_rows
from storage.exports import argilla, folder, label_studio, messages, swift, trl
from storage.rows import DatasetRow
from storage.workspace import Workspace

# split -> its rows; only splits that have rows
Splits = Mapping[str, Sequence[DatasetRow]]
Write = Callable[[Workspace, Splits, Path], list[str]]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as `--format` takes it.
        meaning: what comes out, in one line.
        refusal: why a row cannot be in it, None when it can.
        write: writes the splits into a folder; returns the names of its data files.
        ending: of the file of each split.
    """

    name: str
    meaning: str
    refusal: Callable[[DatasetRow], str | None]
    write: Write
    ending: str


def _everything(row: DatasetRow) -> str | None:
    return None


def _write_dpo_json(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    files = folder.write_media(workspace, _all(splits), out)
    for split, rows in splits.items():
        records = (
            {**messages.as_messages(row), "images": folder.names_of(row, files, "image")}
            for row in rows
        )
        folder.write_array(out / f"{split}.json", records)
    return [f"{split}.json" for split in splits]


def _write_triples(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    """Exactly three texts, unless a picture is shown: then every record names its pictures."""
    files = folder.write_media(workspace, _all(splits), out)
    for split, rows in splits.items():
        records = (
            {**messages.as_texts(row), "images": folder.names_of(row, files, "image")}
            if files
            else messages.as_texts(row)
            for row in rows
        )
        folder.write_lines(out / f"{split}.jsonl", records)
    return [f"{split}.jsonl" for split in splits]


def _write_trl(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    with_images = any(messages.has_picture(row) for row in _all(splits))
    for split, rows in splits.items():
        path = out / f"{split}.parquet"
        trl.write(rows, workspace.media.read, path, with_images=with_images)
    return [f"{split}.parquet" for split in splits]


def _write_swift(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    rows = sorted(_all(splits), key=lambda row: row.pair_id)
    files = folder.write_media(workspace, rows, out)
    folder.write_lines(out / swift.FILE, (swift.record(row, files) for row in rows))
    for split, some in splits.items():
        folder.write_lines(out / f"{split}.jsonl", (swift.record(row, files) for row in some))
    return [swift.FILE, *(f"{split}.jsonl" for split in splits)]


def _write_label_studio(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    files = folder.write_media(workspace, _all(splits), out)
    for split, rows in splits.items():
        tasks = (label_studio.task(row, files) for row in rows)
        folder.write_array(out / f"{split}.json", tasks)
    (out / label_studio.CONFIG).write_text(label_studio.interface(bool(files)), encoding="utf-8")
    return [*(f"{split}.json" for split in splits), label_studio.CONFIG]


def _write_argilla(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    for split, rows in splits.items():
        records = (argilla.record(row, workspace.media.read) for row in rows)
        folder.write_array(out / f"{split}.json", records)
    return [f"{split}.json" for split in splits]


def _write_parquet(workspace: Workspace, splits: Splits, out: Path) -> list[str]:
    folder.write_media(workspace, _all(splits), out)
    for split, rows in splits.items():
        dataset_rows.write_parquet(rows, out / f"{split}.parquet")
    return [f"{split}.parquet" for split in splits]


def _all(splits: Splits) -> list[DatasetRow]:
    return [row for rows in splits.values() for row in rows]


FORMATS: Mapping[str, Format] = {
    made.name: made
    for made in (
        Format(
            "dpo-json",
            "a JSON array of prompt, chosen, rejected (message lists) and images (file names)",
            messages.has_video,
            _write_dpo_json,
            "json",
        ),
        Format(
            "triples",
            "a line of JSON for each row: prompt, chosen, rejected as plain texts",
            messages.is_not_plain,
            _write_triples,
            "jsonl",
        ),
        Format(
            "trl",
            "Parquet for TRL's DPOTrainer: message lists, pictures within",
            messages.has_video,
            _write_trl,
            "parquet",
        ),
        Format(
            "swift",
            "preferences.jsonl, which pairwright import reads back to the same pairs",
            _everything,
            _write_swift,
            "jsonl",
        ),
        Format(
            "label-studio",
            "tasks with one annotation each, and the labeling interface for them",
            messages.has_more_than_one_picture,
            _write_label_studio,
            "json",
        ),
        Format(
            "argilla",
            "records of Argilla 2.x, the decision as a suggestion, pictures within",
            messages.has_more_than_one_picture,
            _write_argilla,
            "json",
        ),
        Format(
            "parquet",
            "every column of the dataset version, media by their ids",
            _everything,
            _write_parquet,
            "parquet",
        ),
    )
}
