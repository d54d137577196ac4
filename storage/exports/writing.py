"""Writing an export: rows chosen and counted, files written, the folder moved into its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage import dataset_rows, demonstrations
from storage.dataset_split import HOLDOUT, TRAIN
from storage.errors import WrongInputError
from storage.exports import folder, manifest
from storage.exports.formats import FORMATS, Format
from storage.exports.manifest import Manifest
from storage.rows import DatasetRow
from storage.workspace import Workspace

README = "README.md"
# formats in which a row may have one answer
_ALONE = ("swift", "parquet")


@dataclass(frozen=True)
class About:
    """Where rows come from.

    Attributes:
        version: the dataset version.
        filter: the settings that it was built with.
        licence: as the user says.
        note: that somebody wrote on the version.
    """

    version: str = ""
    filter: Mapping[str, Any] = field(default_factory=dict)
    licence: str = manifest.UNSTATED
    note: str = ""


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        format: name of the format.
        folder: where it is.
        files: its data files, absolute; the first is the one to import or to start with.
        rows: rows written, by split.
        excluded: reason -> rows left out.
    """

    format: str
    folder: Path
    files: tuple[Path, ...]
    rows: Mapping[str, int]
    excluded: Mapping[str, int]


def export_rows(
    workspace: Workspace,
    rows: Sequence[DatasetRow],
    name: str,
    out: Path,
    title: str = "Preference pairs",
    about: About | None = None,
) -> Export:
    """Write rows in the format `name` into a folder that is new or empty, train and holdout apart.

    Args:
        title: heading of the README that stands beside the files.
        about: what the manifest says of the rows' origin.

    Raises:
        WrongInputError: the format is unknown, it can hold none of the rows, or the folder cannot
            be used.
        NotFoundError: the bytes of a picture or video are missing.
    """
    form = find(name)
    _check_rivals(form, about)
    kept = [row for row in rows if form.refusal(row) is None]
    excluded = Counter(reason for row in rows if (reason := form.refusal(row)) is not None)
    _check_some(form, rows, kept, excluded)
    sides = {side: [row for row in kept if row.split == side] for side in (TRAIN, HOLDOUT)}
    splits = {side: some for side, some in sides.items() if some}
    counts = {side: len(some) for side, some in splits.items()}
    with folder.whole(out) as making:
        files = form.write(workspace, splits, making)
        manifest.write(making / manifest.NAME, _manifest(form, kept, counts, excluded, about))
        (making / README).write_text(_readme(form, title, counts, excluded), encoding="utf-8")
    out = out.absolute()
    return Export(name, out, tuple(out / file for file in files), counts, dict(excluded))


def _manifest(
    form: Format,
    rows: Sequence[DatasetRow],
    counts: Mapping[str, int],
    excluded: Mapping[str, int],
    about: About | None,
) -> Manifest:
    about = about or About()
    return Manifest(
        format=form.name,
        version=about.version,
        digest=dataset_rows.digest(rows),
        filter=about.filter,
        counts={"rows": len(rows), **counts, "left_out": dict(excluded)},
        licence=about.licence,
        note=about.note,
    )


def _check_rivals(form: Format, about: About | None) -> None:
    if about is not None and about.filter.get(demonstrations.KEY) and form.name not in _ALONE:
        raise WrongInputError(
            f"{about.version or 'It'} has no rejected answers, which {form.name} needs.",
            f"Use {' or '.join(_ALONE)}.",
        )


def find(name: str) -> Format:
    """The format with this name. Raises WrongInputError naming those there are."""
    if name not in FORMATS:
        raise WrongInputError(
            f"There is no format {name[:40]!r}.", f"Formats: {', '.join(FORMATS)}."
        )
    return FORMATS[name]


def _check_some(
    form: Format, rows: Sequence[DatasetRow], kept: Sequence[DatasetRow], excluded: Counter[str]
) -> None:
    if not rows:
        raise WrongInputError("There are no rows to export.", "Choose another dataset version.")
    if not kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in excluded.items())
        raise WrongInputError(
            f"The format {form.name} can hold none of the {len(rows)} rows: {reasons}.",
            "Use --format swift or --format parquet, which hold everything.",
        )


def _readme(
    form: Format, title: str, counts: Mapping[str, int], excluded: Mapping[str, int]
) -> str:
    """What lies here and how to load it; `load_dataset` reads the head of it too."""
    files = [f"  - split: {split}\n    path: {split}.{form.ending}" for split in counts]
    left_out = [f"- left out: {count} rows, each {reason}" for reason, count in excluded.items()]
    return "\n".join(
        [
            *("---", "configs:", "- config_name: default", "  data_files:", *files, "---"),
            f"# {title}\n",
            f"Format {form.name}: {form.meaning}.\n",
            *(f"- {split}: {count} rows" for split, count in counts.items()),
            *left_out,
            "\n```python\nfrom datasets import load_dataset\n",
            'rows = load_dataset("FOLDER")  # this folder\n```\n',
        ]
    )
