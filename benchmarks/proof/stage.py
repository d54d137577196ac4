"""A workspace with its worker and its labeling server, and what all four proofs do in it.

Everything goes through the parts that people use: the queue and the worker, links and votes over
HTTP, dataset versions, the audit set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from console import following, processes
from console.demo import experts, world
from console.demo.experts import Ballot, Expert
from console.demo.world import Asked
from console.output import Output
from console.processes import Child
from console.progress import metering
from proof.sizes import OVERLAP, PANEL, Sizes
from rounds import audit, dataset, standing, steps
from rounds.dataset import BuildSettings
from storage import batches, models, swift_import
from storage import workspace as workspaces
from storage.errors import PairwrightError
from storage.rows import Batch, DatasetVersion, Job
from storage.workspace import Workspace
from training.jobs import submission
from training.settings import spec as specs
from training.settings.spec import DPOSpec

BASE = world.MODEL_NAME
AUDIT, EXACT, ORACLE = "audit", "exact", "oracle"
ACTOR = "proof"
# what the worker does between two jobs takes seconds
_MOST_SECONDS, _LOOK_EVERY = 120.0, 0.5


@dataclass
class Stage:
    """What the proofs work in. `seconds`: of the wall, by what was done."""

    workspace: Workspace
    worker: Child
    public_url: str
    sizes: Sizes
    output: Output
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.output.say(f"{name} ...")
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 1)

    def ask(self, name: str, count: int, seed: int, split: str = "train") -> Asked:
        return world.ask(self.workspace.home / "prompts" / name, count, seed, split)

    def submit_sampling(self, start: str, asked: Asked, batch: str, **settings: float) -> Job:
        return submission.submit_sampling(
            self.workspace,
            start_from=start,
            prompts=asked.prompts,
            batch=batch,
            settings={**world.SAMPLING, **settings},
        )

    def sample(self, start: str, asked: Asked, batch: str, seed: int) -> Job:
        """Two answers to every prompt, as the pairs of a batch for three votes each."""
        self.open_batch(batch)
        return self.finish(self.submit_sampling(start, asked, batch, temperature=1.0, seed=seed))

    def open_batch(self, name: str) -> Batch:
        with self.workspace.ledger.write() as tx:
            # two answers that the oracle calls equal are so to everybody: reviews would add nothing
            return batches.create(tx, name, overlap=OVERLAP, review_limit=1)

    def vote(
        self, batch: str, asked: Asked, seed: int, panel: Sequence[Expert] = PANEL
    ) -> list[Ballot]:
        """Let a panel label a batch over HTTP."""
        with metering(self.output) as meter:
            return experts.vote(
                *(self.workspace, batch, asked.world, self.public_url, seed, meter), panel=panel
            )

    def finish(self, job: Job) -> Job:
        with metering(self.output) as meter:
            ended = following.wait_for(self.workspace, job.id, self.worker, meter)
        return following.require_success(ended)

    def wait_for_batch(self, name: str) -> Batch:
        """The batch that the worker makes by itself once its pairs are scored."""
        found: list[Batch] = []

        def is_there() -> bool:
            with self.workspace.ledger.read() as db:
                batch = batches.find(db, name)
            found.extend([batch] if batch else [])
            return bool(found)

        if not self.comes_true(is_there):
            where = "Its log is logs/worker.log in the workspace."
            raise PairwrightError(f"The worker made no batch {name}.", where)
        return found[0]

    def comes_true(self, is_so: Callable[[], bool]) -> bool:
        """Wait for what the worker does between two jobs; False when it never does."""
        last = time.monotonic() + _MOST_SECONDS
        while not is_so():
            if time.monotonic() > last:
                return False
            time.sleep(_LOOK_EVERY)
        return True

    def take(self, spec: DPOSpec) -> Job:
        """The next step of the open round, as `round next --early` takes it."""
        found = standing.current(self.workspace)
        assert found is not None, "a round is open"
        taken = steps.take(self.workspace, found, spec, ACTOR, early=True)
        assert taken.job is not None, "training and measuring are jobs"
        return self.finish(taken.job)

    def train(self, version: DatasetVersion, start: str, spec: DPOSpec) -> Job:
        """Queue a training."""
        return submission.submit_training(
            self.workspace, dataset=version.id, start_from=start, spec=spec
        )

    def evaluate(self, model: str, version: DatasetVersion) -> Job:
        """Queue a measurement on all of a version."""
        return submission.submit_evaluation(
            self.workspace, checkpoint=model, dataset=version.id, split="all"
        )

    def pairs_in(self, batch: str) -> int:
        with self.workspace.ledger.read() as db:
            return batches.pair_count(db, batches.get(db, batch).id)

    def samples_of(self, job: Job) -> Path:
        return self.workspace.jobs_folder / job.id / "samples.jsonl"

    def import_oracle(self, asked: Asked, samples: Path, batch: str) -> None:
        """What the oracle says of the pairs of a batch, as imported labels."""
        labeled = asked.folder / "labeled.jsonl"
        world.write_labeled(asked, samples, labeled)
        swift_import.import_file(self.workspace, labeled, batch=batch, labeled_by=ORACLE)

    def draw_audit(self) -> tuple[Asked, Job]:
        """The audit set: all pairs of two answers of the base to prompts of the audit split."""
        asked = self.ask(AUDIT, self.sizes.audit, 0, "audit")
        sampled = self.sample(BASE, asked, AUDIT, seed=0)
        audit.draw(self.workspace, size=self.pairs_in(AUDIT), batch=AUDIT)
        self.import_oracle(asked, self.samples_of(sampled), AUDIT)
        return asked, sampled

    def build_audit(self, labels: str) -> DatasetVersion:
        """A version of the audit set as the oracle (`imported`) or the experts (`votes`) see it."""
        settings = BuildSettings(batch=AUDIT, labels=labels, audit=True)
        return dataset.build(self.workspace, settings)


@contextmanager
def opened(home: Path, sizes: Sizes, output: Output, workers: int = 1) -> Iterator[Stage]:
    """A new workspace with the tiny model, workers and a labeling server while the block runs."""
    workspace = workspaces.create(home)
    with ExitStack() as stack:
        stack.callback(workspace.close)
        with workspace.ledger.write() as tx:
            models.add(tx, BASE, str(world.model_folder()))
        children = [Child(following.worker_service(workspace)) for _ in range(workers)]
        for child in children:
            stack.callback(child.stop)
        processes.start_all(children, lambda _: None, Event())
        public_url = stack.enter_context(experts.labeling_server(workspace.home))
        yield Stage(workspace, children[0], public_url, sizes, output)


def checkpoint_of(trained: Job) -> str:
    """Id of the checkpoint that a training made."""
    return str(dict(trained.result or {})["checkpoint"])


def metrics_of(measured: Job) -> Mapping[str, Any]:
    """Name -> {value, ci95, n, labels} of an evaluation."""
    found: Mapping[str, Any] = dict(measured.result or {})["metrics"]
    return found


def settings(**given: Any) -> DPOSpec:
    """Settings of a training of the tiny model.

    The large rate was found by trying: small weights take it, and soon over-optimise. Mining is
    asked for by the proof itself, from new answers.
    """
    usual = {
        **{"beta": 0.1, "learning_rate": 1e-3, "epochs": 2, "batch_size": 16},
        "reference_model": "round_start",
        "edge_case_mining": {"enabled": False},
    }
    return specs.parse_spec({**usual, **given})
