"""The whole loop without people: sample, vote over HTTP, consensus, train, measure, again.

Everything goes through the parts that people use: the queue, the worker, the labeling server, the
dataset versions. All numbers come from the run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console import following
from console.demo import experts, world
from console.demo.experts import Ballot
from console.demo.world import Asked, Share
from console.output import Output
from console.processes import Child
from console.progress import metering, step
from rounds import audit, dataset, opening
from rounds.dataset import BuildSettings
from storage import audit_set, batches, checkpoints, models, swift_import
from storage import workspace as workspaces
from storage.rows import DatasetVersion, Job
from storage.workspace import Workspace
from training.jobs import submission
from training.settings import spec as specs

AUDIT = "audit"
ORACLE = "oracle"
ACTOR = "demo"
METRICS = ("preference_accuracy", "reward_accuracy", "reward_gap", "kl_per_token")
BASELINES = ("reference_preference_accuracy", "longer_wins_accuracy")
# found by trying on the tiny model: small weights take a large rate, and soon over-optimise
TRAINING: Mapping[str, Any] = {
    "beta": 0.1,
    "learning_rate": 1e-3,
    "epochs": 2,
    "batch_size": 16,
    "reference_model": "round_start",
}


@dataclass(frozen=True)
class Sizes:
    """How many prompts: asked twice per round, for the audit set, and for exact answers."""

    prompts: int = 1500
    audit: int = 800
    exact: int = 450


@dataclass(frozen=True)
class RoundResult:
    """What one round did and measured, all of it from the run."""

    round: int
    start: str
    pairs: int
    ballots: list[Ballot]
    version: DatasetVersion
    checkpoint: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    exact_before: Mapping[str, Share]
    exact_after: Mapping[str, Share]
    seconds: Mapping[str, float]

    @property
    def votes(self) -> int:
        return sum(ballot.votes for ballot in self.ballots)

    def as_json(self) -> dict[str, Any]:
        return {
            "round": self.round,
            "start": self.start,
            "pairs": self.pairs,
            "votes": self.votes,
            "experts": [
                {**vars(ballot.expert), "votes": ballot.choices} for ballot in self.ballots
            ],
            "dataset": self.version.id,
            "rows": self.version.rows,
            "excluded": dict(self.version.excluded),
            "checkpoint": self.checkpoint,
            "before": _wanted(self.before),
            "after": _wanted(self.after),
            "exact": {
                name: {"before": share.value, "after": self.exact_after[name].value, "n": share.n}
                for name, share in self.exact_before.items()
            },
            "seconds": dict(self.seconds),
        }


@dataclass
class Clock:
    """Seconds of the wall by phase."""

    phases: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @contextmanager
    def phase(self, name: str, output: Output, text: str) -> Iterator[None]:
        began = time.monotonic()
        with step(output, text):
            yield
        spent = time.monotonic() - began
        self.phases[name] = round(self.phases.get(name, 0.0) + spent, 1)

    def seconds(self) -> dict[str, float]:
        return {**self.phases, "total": round(time.monotonic() - self.began, 1)}


def run(home: Path, rounds: int, sizes: Sizes, output: Output) -> list[RoundResult]:
    """Do the rounds in a workspace, which is made when there is none."""
    clock = Clock()
    with ExitStack() as stack:
        with clock.phase("setup", output, "Workspace, worker and labeling server"):
            workspace = workspaces.create(home)
            stack.callback(workspace.close)
            with workspace.ledger.write() as tx:
                models.add(tx, world.MODEL_NAME, str(world.model_folder()))
            worker = stack.enter_context(following.a_worker(workspace, output))
            public_url = stack.enter_context(experts.labeling_server(workspace.home))
        done, start = _where_it_stands(workspace)
        loop = _Loop(workspace, worker, public_url, sizes, output, done, start)
        results: list[RoundResult] = []
        for _ in range(rounds):
            results.append(loop.round(clock))
            clock = Clock()
    return results


@dataclass
class _Loop:
    """What stays from round to round."""

    workspace: Workspace
    worker: Child | None
    public_url: str
    sizes: Sizes
    output: Output
    done: int
    start: str
    audit: DatasetVersion | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    exact_before: Mapping[str, Share] = field(default_factory=dict)
    _number: int = 0

    def round(self, clock: Clock) -> RoundResult:
        """One turn of the loop; the next starts from the checkpoint that it makes."""
        self.done += 1
        name = f"round-{self.done}"
        with clock.phase("sampling", self.output, f"Answers of {self.start} into batch {name}"):
            asked = self._ask(name, self.sizes.prompts, self.done, "train")
            self._open(name)
            answered = self._sample(asked, name, temperature=1.0)
            # behind it in the queue: they are drawn while the experts vote
            first_look = self._queue_first_look()
            self._finish(answered)
        with clock.phase("labeling", self.output, "Simulated experts vote over HTTP"):
            ballots = self._vote(name, asked)
        with clock.phase("dataset", self.output, "Votes into a dataset version"):
            settings = BuildSettings(round=self._number, seed=self.done)
            version = dataset.build(self.workspace, settings)
        with clock.phase("before", self.output, "Figures before"):
            self._take_first_look(first_look)
        with clock.phase("training", self.output, f"DPO on {version.train} pairs"):
            checkpoint = self._train(version, name)
        with clock.phase("after", self.output, "Figures after"):
            after, exact_after = self._measure(checkpoint)
            opening.close(self.workspace, ACTOR)
        result = RoundResult(
            round=self.done,
            start=self.start,
            pairs=self._pairs_in(name),
            ballots=ballots,
            version=version,
            checkpoint=checkpoint,
            before=self.before,
            after=after,
            exact_before=self.exact_before,
            exact_after=exact_after,
            seconds=clock.seconds(),
        )
        self.start, self.before, self.exact_before = checkpoint, after, exact_after
        return result

    def _queue_first_look(self) -> Mapping[str, tuple[Asked, Job]]:
        """What shows the model before the first round: its audit pairs and its exact answers."""
        if self.before:
            return {}
        audit = self._ask(AUDIT, self.sizes.audit, 0, "audit")
        exact = self._ask("exact", self.sizes.exact, 0, "exact")
        return {
            # always the same pairs, also when a later run goes on in this workspace
            AUDIT: (audit, self._sample(audit, AUDIT, world.MODEL_NAME, temperature=1.0, seed=0)),
            "exact": (exact, self._sample_greedily(exact)),
        }

    def _take_first_look(self, jobs: Mapping[str, tuple[Asked, Job]]) -> None:
        if not jobs:
            return
        asked, job = jobs[AUDIT]
        self._finish(job)
        labeled = asked.folder / "labeled.jsonl"
        world.write_labeled(asked, self._samples_of(job), labeled)
        swift_import.import_file(self.workspace, labeled, batch=AUDIT, labeled_by=ORACLE)
        with self.workspace.ledger.read() as db:
            kept = audit_set.members(db)
        if not kept:
            audit.draw(self.workspace, size=self._pairs_in(AUDIT), batch=AUDIT, actor=ACTOR)
        settings = BuildSettings(batch=AUDIT, labels="imported", audit=True)
        self.audit = dataset.build(self.workspace, settings)
        measured = self._evaluate(self.start)
        asked, job = jobs["exact"]
        self._finish(job)
        self.exact_before = world.exact_by_category(asked, self._samples_of(job))
        self.before = self._metrics_of(measured)

    def _vote(self, batch: str, asked: Asked) -> list[Ballot]:
        with metering(self.output) as meter:
            return experts.vote(
                self.workspace, batch, asked.world, self.public_url, self.done, meter
            )

    def _train(self, version: DatasetVersion, name: str) -> str:
        spec = specs.parse_spec({**TRAINING, "model_name": name, "seed": self.done})
        job = self._finish(
            submission.submit_training(
                self.workspace, dataset=version.id, start_from=self.start, spec=spec
            )
        )
        return str(dict(job.result or {})["checkpoint"])

    def _measure(self, checkpoint: str) -> tuple[Mapping[str, Any], Mapping[str, Share]]:
        measured = self._evaluate(checkpoint)
        exact = self._ask("exact", self.sizes.exact, 0, "exact")
        answered = self._finish(self._sample_greedily(exact, checkpoint))
        return (
            self._metrics_of(measured),
            world.exact_by_category(exact, self._samples_of(answered)),
        )

    def _ask(self, name: str, count: int, seed: int, split: str) -> Asked:
        return world.ask(self.workspace.home / "demo" / name, count, seed, split)

    def _sample(self, asked: Asked, batch: str, start: str = "", **settings: float) -> Job:
        return submission.submit_sampling(
            self.workspace,
            start_from=start or self.start,
            prompts=asked.prompts,
            batch=batch,
            settings={**world.SAMPLING, "seed": self.done, **settings},
        )

    def _sample_greedily(self, asked: Asked, start: str = "") -> Job:
        return self._sample(asked, "exact", start, temperature=0.0, answers=1)

    def _evaluate(self, start: str) -> Job:
        assert self.audit is not None
        return submission.submit_evaluation(
            self.workspace, checkpoint=start, dataset=self.audit.id, split="all"
        )

    def _metrics_of(self, evaluation: Job) -> Mapping[str, Any]:
        return dict(dict(self._finish(evaluation).result or {})["metrics"])

    def _finish(self, job: Job) -> Job:
        with metering(self.output) as meter:
            ended = following.wait_for(self.workspace, job.id, self.worker, meter)
        return following.require_success(ended)

    def _samples_of(self, job: Job) -> Path:
        return self.workspace.jobs_folder / job.id / "samples.jsonl"

    def _open(self, name: str) -> None:
        """A round and its batch."""
        with self.workspace.ledger.write() as tx:
            # two answers that the oracle calls equal are so to everybody: reviews would add nothing
            batches.create(tx, name, review_limit=1)
        # about a third of the prompts end as pairs with a winner
        planned = max(1, self.sizes.prompts // 3)
        opened = opening.open_next(
            self.workspace, start=self.start, target_pairs=planned, actor=ACTOR
        )
        self._number = opening.give_batch(self.workspace, name, ACTOR)
        assert self._number == opened.number

    def _pairs_in(self, batch: str) -> int:
        with self.workspace.ledger.read() as db:
            return batches.pair_count(db, batches.get(db, batch).id)


def _where_it_stands(workspace: Workspace) -> tuple[int, str]:
    """Rounds that earlier runs began in this workspace, and what the next one starts from."""
    with workspace.ledger.read() as db:
        numbers = [_round_of(batch.name) for batch in batches.listed(db)]
        trained = {row.name for row in checkpoints.listed(db)}
    done = max(numbers, default=0)
    ends = (f"round-{number}" for number in range(done, 0, -1))
    return done, next((name for name in ends if name in trained), world.MODEL_NAME)


def _round_of(batch: str) -> int:
    """The round that a batch belongs to, 0 for none."""
    number = batch.removeprefix("round-")
    return int(number) if batch.startswith("round-") and number.isdigit() else 0


def _wanted(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in (*METRICS, *BASELINES) if name in metrics}
