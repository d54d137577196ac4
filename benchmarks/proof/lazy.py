"""Fourth proof: three lazy experts of eight, and what consensus by estimated accuracy is worth."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.demo.world import Asked
from labeling.consensus import MAJORITY, WEIGHTED
from proof.answers import compare_accuracy
from proof.mined import POOL
from proof.sizes import THREE_LAZY
from proof.stage import BASE, Stage, checkpoint_of, metrics_of, settings
from rounds import dataset
from rounds.dataset import BuildSettings
from storage import batches, dataset_versions
from storage.rows import DatasetVersion, Job
from training.measuring.paired import Paired

LAZY = "lazy"


@dataclass(frozen=True)
class Labels:
    """What a policy makes of the votes.

    Attributes:
        rows: pairs with a winner.
        decidable: those of them for which the oracle knows a better answer.
        right: those of these whose winner it is.
    """

    policy: str
    rows: int
    decidable: int
    right: int

    @property
    def accuracy(self) -> float:
        return self.right / self.decidable if self.decidable else 0.0


@dataclass(frozen=True)
class Lazy:
    """Both policies on the same votes, and the models that learned from them.

    Attributes:
        accuracies: policy -> preference accuracy against the oracle, seed by seed.
        differences: weighted minus majority on the same audit pairs, seed by seed.
    """

    pairs: int
    votes: int
    labels: Sequence[Labels]
    accuracies: Mapping[str, Sequence[float]]
    differences: Sequence[Paired]

    @property
    def mean_difference(self) -> float:
        return statistics.fmean(one.difference or 0.0 for one in self.differences)


def run(stage: Stage, asked: Asked, oracle: DatasetVersion) -> Lazy:
    """Let a panel with three lazy experts label the pool anew, and train on what they decided."""
    with stage.phase("A panel with three lazy experts labels the pool"):
        pairs = _copy_pool(stage)
        ballots = stage.vote(LAZY, asked, seed=4, panel=THREE_LAZY)
        versions = {policy: _build(stage, policy) for policy in (MAJORITY, WEIGHTED)}
        truth = _truth(stage)
    with stage.phase("Training on majority and on weighted consensus"):
        measured = {name: _train(stage, name, own, oracle) for name, own in versions.items()}
    differences = [
        compare_accuracy(stage.workspace, majority, weighted)
        for majority, weighted in zip(measured[MAJORITY], measured[WEIGHTED], strict=True)
    ]
    return Lazy(
        pairs=pairs,
        votes=sum(ballot.votes for ballot in ballots),
        labels=[_judge(stage, name, own, truth) for name, own in versions.items()],
        accuracies={
            name: [float(metrics_of(job)["preference_accuracy"]["value"]) for job in jobs]
            for name, jobs in measured.items()
        },
        differences=differences,
    )


def _copy_pool(stage: Stage) -> int:
    """The pool's pairs in a batch of their own: votes belong to a batch."""
    made = stage.open_batch(LAZY)
    with stage.workspace.ledger.write() as tx:
        ids = batches.pairs_in(tx, batches.get(tx, POOL).id)
        for pair_id in ids:
            batches.add_pair(tx, made.id, pair_id)
    return len(ids)


def _build(stage: Stage, policy: str) -> DatasetVersion:
    built = BuildSettings(batch=LAZY, policy=policy, holdout=0.0)
    return dataset.build(stage.workspace, built)


def _truth(stage: Stage) -> Mapping[str, str]:
    """Pair -> the answer that the oracle calls the better one."""
    by_oracle = BuildSettings(batch=POOL, labels="imported", holdout=0.0)
    rows = dataset.preview(stage.workspace, by_oracle).rows
    return {row.pair_id: row.chosen for row in rows}


def _judge(stage: Stage, policy: str, version: DatasetVersion, truth: Mapping[str, str]) -> Labels:
    rows = dataset_versions.read_rows(stage.workspace, version)
    known = [row for row in rows if row.pair_id in truth]
    right = sum(row.chosen == truth[row.pair_id] for row in known)
    return Labels(policy, len(rows), len(known), right)


def _train(stage: Stage, policy: str, version: DatasetVersion, oracle: DatasetVersion) -> list[Job]:
    """The evaluations of one training for every seed."""
    trainings = [
        stage.train(
            version,
            BASE,
            settings(model_name=f"{policy}-{seed}", seed=seed, early_stop=False),
        )
        for seed in stage.sizes.lazy_seeds
    ]
    made = [checkpoint_of(stage.finish(one)) for one in trainings]
    measuring = [stage.evaluate(checkpoint, oracle) for checkpoint in made]
    return [stage.finish(one) for one in measuring]
