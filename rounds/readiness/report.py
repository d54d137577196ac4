"""Every check of a dataset version in one report."""

from __future__ import annotations

from dataclasses import dataclass

from rounds.readiness import balance, lengths, pictures, texts
from rounds.readiness.finding import BLOCKING, Finding
from rounds.readiness.pictures import Progress
from storage import dataset_versions
from storage.rows import DatasetVersion
from storage.workspace import Workspace
from training.modeling import token_lengths


@dataclass(frozen=True)
class Readiness:
    """What was found, the blocking first.

    Attributes:
        rows: rows read; the version's digest matched them.
        model: whose token lengths were counted, empty when none was named.
        longest: tokens of the longest row for it; 0 without a model.
    """

    version: DatasetVersion
    rows: int
    findings: tuple[Finding, ...]
    model: str = ""
    longest: int = 0

    @property
    def ready(self) -> bool:
        """Whether nothing blocks training."""
        return not any(finding.level == BLOCKING for finding in self.findings)


def of_version(
    workspace: Workspace,
    version: DatasetVersion,
    progress: Progress = lambda done, total: None,
    model: str = "",
) -> Readiness:
    """Check a version. `progress` gets what is done and in all: pictures, and then rows.

    Args:
        model: a model or checkpoint to train, whose processor counts the tokens; none when empty.

    Raises:
        NotFoundError, WrongInputError: the model is unknown, or cannot be read.
        DamagedError: the version's file is missing, or does not have its digest.
    """
    rows = dataset_versions.read_rows(workspace, version)
    measured = token_lengths.measure(workspace, version, model, progress) if model else None
    found = [
        *texts.check(rows),
        *pictures.check(rows, workspace.media, progress),
        *balance.check(rows),
        *(lengths.check(measured) if measured else ()),
    ]
    found.sort(key=lambda finding: finding.level != BLOCKING)
    longest = max(measured.tokens.values(), default=0) if measured else 0
    return Readiness(version, len(rows), tuple(found), model, longest)
