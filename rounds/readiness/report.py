"""Every check of a dataset version in one report."""

from __future__ import annotations

from dataclasses import dataclass

from rounds.readiness import balance, pictures, texts
from rounds.readiness.finding import BLOCKING, Finding
from rounds.readiness.pictures import Progress
from storage import dataset_versions
from storage.rows import DatasetVersion
from storage.workspace import Workspace


@dataclass(frozen=True)
class Readiness:
    """What was found, the blocking first.

    Attributes:
        rows: rows read; the version's digest matched them.
    """

    version: DatasetVersion
    rows: int
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing blocks training."""
        return not any(finding.level == BLOCKING for finding in self.findings)


def of_version(
    workspace: Workspace, version: DatasetVersion, progress: Progress = lambda done, total: None
) -> Readiness:
    """Check a version. `progress` gets pictures done and in all.

    Raises:
        DamagedError: its file is missing, or does not have the version's digest.
    """
    rows = dataset_versions.read_rows(workspace, version)
    found = [
        *texts.check(rows),
        *pictures.check(rows, workspace.media, progress),
        *balance.check(rows),
    ]
    found.sort(key=lambda finding: finding.level != BLOCKING)
    return Readiness(version, len(rows), tuple(found))
