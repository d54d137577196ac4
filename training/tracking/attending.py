"""The worker's thread for trackers: sees to it that each gets every run, and the checkpoint in use.

It looks at the ledger again and again instead of being called, so nothing is lost when a worker, a
tracker or its server dies: whoever looks next goes on. Nothing waits for it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from storage import activations, jobs
from storage.errors import PairwrightError
from storage.ledger import Connection
from storage.rows import Job
from storage.workspace import Workspace
from training.jobs.folder import JobFolder
from training.tracking import aliases, facts, standing, subject
from training.tracking.children import Errand

PAUSE_SECONDS = 2.0
# for what is still to be sent when the worker ends
LAST_SECONDS = 20.0
# older runs have long been sent, or never will be
_NEWEST = 50


def keep(workspace: Workspace, stop: threading.Event) -> None:
    """Attend until `stop`. Trouble is printed and tried again."""
    attendant = Attendant(workspace)
    while not stop.wait(PAUSE_SECONDS):
        attendant.look()
    attendant.end()


class Attendant:
    """Starts a process for each tracker of each run, and remembers which are over."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._errands: dict[tuple[str, str], Errand] = {}
        self._moves: dict[str, Errand] = {}

    def look(self) -> None:
        """See what there is to do, and do it."""
        try:
            with self._workspace.ledger.read() as db:
                for job in jobs.listed(db, "train", _NEWEST):
                    self._attend(db, job)
                self._follow_use(db)
        except (PairwrightError, OSError) as error:
            print(f"trackers wait: {error}", flush=True)
        for errand in self._all():
            errand.look()

    def end(self) -> None:
        """Give what is under way a little time, then end it."""
        self.look()
        deadline = time.monotonic() + LAST_SECONDS
        while time.monotonic() < deadline and any(self._is_ending(one) for one in self._errands):
            time.sleep(0.1)
            for errand in self._all():
                errand.look()
        for errand in self._all():
            errand.end()

    def _all(self) -> list[Errand]:
        return [*self._errands.values(), *self._moves.values()]

    def _is_ending(self, key: tuple[str, str]) -> bool:
        """Whether a process runs that will end by itself."""
        folder = self._workspace.jobs_folder / key[0]
        return self._errands[key].process is not None and subject.read_ending(folder) is not None

    def _attend(self, db: Connection, job: Job) -> None:
        folder = JobFolder(self._workspace.jobs_folder / job.id)
        wanted = facts.trackers_of(job)
        if not wanted or not folder.events_file.exists():
            return
        for name in wanted:
            if (job.id, name) not in self._errands:
                errand = _sending(folder, name)
                errand.done = standing.read(folder.path, name).done
                self._errands[job.id, name] = errand
        if all(self._errands[job.id, name].done for name in wanted):
            return
        subject.write_subject(folder.path, facts.subject_of(db, self._workspace, job))
        if job.state.is_final:
            subject.write_ending(folder.path, facts.ending_of(db, self._workspace, job))

    def _follow_use(self, db: Connection) -> None:
        """Have MLflow's alias moved where another checkpoint is in use than it names."""
        home = self._workspace.home
        wanted = aliases.wanted(activations.active(db), self._workspace.jobs_folder)
        if wanted == aliases.moved_to(home):
            return
        if wanted.folder and not standing.read(Path(wanted.folder), aliases.TRACKER).done:
            # its version is not registered yet
            return
        if wanted.checkpoint not in self._moves:
            # of another checkpoint that was in use in between
            for errand in self._moves.values():
                errand.end()
            words = (str(home.resolve()), wanted.project, wanted.checkpoint, wanted.folder)
            lock = home / facts.LOCAL / "alias.lock"
            self._moves = {wanted.checkpoint: Errand("training.tracking.aliases", words, lock)}


def _sending(folder: JobFolder, name: str) -> Errand:
    path = folder.path.resolve()
    lock = path / subject.FOLDER / f"{name}.lock"
    return Errand("training.tracking.sending", (str(path), name), lock)
