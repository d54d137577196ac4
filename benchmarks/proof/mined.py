"""Second proof: what mining adds to drawing by lot, on one pool with one set of labels."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars
from scipy import stats

from console.demo.world import Asked
from proof.stage import BASE, Stage, checkpoint_of, metrics_of, settings
from rounds import dataset
from rounds.dataset import BuildSettings
from rounds.mining import requests
from rounds.mining.requests import MiningRequest
from rounds.mining.strategies import MARGIN, RANDOM
from storage import dataset_versions
from storage.dataset_table import DatasetTable
from storage.rows import DatasetVersion, Job
from training.pool import submission as pools

POOL, WARM = "pool", "warm"


@dataclass(frozen=True)
class Arm:
    """One choice from the pool, and what it taught.

    Attributes:
        labels: pairs that were chosen, each labeled by three experts.
        decided: those of them with a winner.
        accuracy: preference accuracy against the oracle on the audit set.
    """

    strategy: str
    labels: int
    seed: int
    decided: int
    accuracy: float


@dataclass(frozen=True)
class Difference:
    """Accuracy of a strategy minus that of drawing by lot, paired by seed.

    `ci95` is Student's interval over the seeds; None with fewer than two.
    """

    strategy: str
    labels: int
    accuracy: float
    difference: float
    ci95: tuple[float, float] | None
    seeds: int


@dataclass(frozen=True)
class Mined:
    """The second proof: `other` is the best other strategy by the screening."""

    pool: int
    warm_pairs: int
    warm_accuracy: float
    other: str
    screening: Sequence[Arm]
    arms: Sequence[Arm]
    differences: Sequence[Difference]


@dataclass(frozen=True)
class _Choice:
    """What a strategy chose: pairs by id."""

    strategy: str
    labels: int
    seed: int
    pair_ids: Sequence[str]


def run(stage: Stage, oracle: DatasetVersion) -> tuple[Mined, Asked]:
    """Choose, label the pool, and train on every choice; also the prompts of the pool."""
    with stage.phase("A model that learned from a few pairs, and a pool that it scores"):
        warm, warm_rows = _warm(stage, oracle)
        asked = stage.ask(POOL, stage.sizes.pool_prompts, seed=3)
        sampled = stage.sample(BASE, asked, POOL, seed=3)
        job = stage.finish(
            pools.submit(stage.workspace, checkpoint=warm, reference=BASE, batch=POOL)
        )
        # before anybody labels it: what is labeled is no candidate
        chosen = _choose_all(stage, job, warm)
    with stage.phase("Experts label the whole pool"):
        stage.vote(POOL, asked, seed=3)
        stage.import_oracle(asked, stage.samples_of(sampled), POOL)
    arms = _Arms(stage, warm, oracle)
    with stage.phase("Screening of the other strategies"):
        tried = arms.train([one for one in chosen if one.seed in stage.sizes.screening])
        other = _best(tried, stage.sizes.others)
    wanted = (RANDOM, MARGIN, other)
    with stage.phase(f"{RANDOM}, {MARGIN} and {other}"):
        found = arms.train(
            [one for one in chosen if one.seed in stage.sizes.seeds and one.strategy in wanted]
        )
    accuracy = arms.accuracy(stage.evaluate(warm, oracle))
    return Mined(
        pool=stage.pairs_in(POOL),
        warm_pairs=warm_rows,
        warm_accuracy=accuracy,
        other=other,
        screening=tried,
        arms=found,
        differences=compare(found),
    ), asked


def compare(arms: Sequence[Arm]) -> list[Difference]:
    """Every strategy against drawing by lot, seed by seed."""
    by = {(one.strategy, one.labels, one.seed): one.accuracy for one in arms}
    groups = sorted({(one.labels, one.strategy) for one in arms})
    found = []
    for labels, strategy in groups:
        seeds = sorted(seed for name, size, seed in by if (name, size) == (strategy, labels))
        own = [by[strategy, labels, seed] for seed in seeds]
        gains = [by[strategy, labels, seed] - by[RANDOM, labels, seed] for seed in seeds]
        mean = statistics.fmean(gains)
        found.append(
            Difference(strategy, labels, statistics.fmean(own), mean, _interval(gains), len(seeds))
        )
    return found


class _Arms:
    """Trains on choices and measures what came of them."""

    def __init__(self, stage: Stage, warm: str, oracle: DatasetVersion) -> None:
        self._stage, self._warm, self._oracle = stage, warm, oracle
        settings_of_pool = BuildSettings(batch=POOL, holdout=0.0)
        self._decided = dataset.preview(stage.workspace, settings_of_pool).rows

    def train(self, choices: Sequence[_Choice]) -> list[Arm]:
        """All trainings wait in the queue at once, each measurement as soon as it can."""
        stage = self._stage
        rows = [self._rows(one) for one in choices]
        trainings = [
            self._submit(one, own, number)
            for number, (one, own) in enumerate(zip(choices, rows, strict=True))
        ]
        measured = []
        for training in trainings:
            checkpoint = checkpoint_of(stage.finish(training))
            measured.append(stage.evaluate(checkpoint, self._oracle))
        return [
            Arm(one.strategy, one.labels, one.seed, len(own), self.accuracy(job))
            for one, own, job in zip(choices, rows, measured, strict=True)
        ]

    def accuracy(self, measuring: Job) -> float:
        found = metrics_of(self._stage.finish(measuring))
        return float(found["preference_accuracy"]["value"])

    def _rows(self, choice: _Choice) -> DatasetTable:
        among = polars.col("pair_id").is_in(list(choice.pair_ids))
        return DatasetTable(self._decided.frame.filter(among))

    def _submit(self, choice: _Choice, rows: DatasetTable, number: int) -> Job:
        told = {"strategy": choice.strategy, "labels": choice.labels, "seed": choice.seed}
        version = dataset_versions.write(
            self._stage.workspace,
            rows,
            labels="consensus",
            policy={"pool": POOL, **told},
            excluded={"not decided": choice.labels - len(rows)},
            holdout=0.0,
            seed=choice.seed,
        )
        name = f"{choice.strategy}-{choice.labels}-{choice.seed}"
        # nothing is held out of so few rows, so the last step is what counts
        spec = settings(model_name=name, seed=choice.seed, early_stop=False)
        return self._stage.train(version, self._warm, spec)


def _warm(stage: Stage, oracle: DatasetVersion) -> tuple[str, int]:
    """A checkpoint that learned from a few labeled pairs, and how many had a winner.

    A model cannot be unsure against itself: without it every margin would be 0.
    """
    # about half of all prompts give two different answers
    asked = stage.ask(WARM, 2 * stage.sizes.warm, seed=2)
    stage.sample(BASE, asked, WARM, seed=2)
    stage.vote(WARM, asked, seed=2)
    version = dataset.build(stage.workspace, BuildSettings(batch=WARM, holdout=0.0))
    trained = stage.train(version, BASE, settings(model_name=WARM, early_stop=False))
    return checkpoint_of(stage.finish(trained)), version.rows


def _choose_all(stage: Stage, job: Job, warm: str) -> list[_Choice]:
    """What every strategy chooses from the scored pool; the others only as screening needs it."""
    sizes = stage.sizes
    middle = sizes.labels[len(sizes.labels) // 2]
    strategies = (RANDOM, MARGIN, *sizes.others)
    wanted = [*itertools.product(strategies, sizes.labels, sizes.seeds)]
    if len(sizes.others) > 1:
        wanted += itertools.product(sizes.others, (middle,), sizes.screening)
    return [_choose(stage, job, warm, *one) for one in wanted]


def _choose(stage: Stage, job: Job, warm: str, strategy: str, labels: int, seed: int) -> _Choice:
    request = MiningRequest(
        batch="chosen",
        checkpoint=warm,
        reference=BASE,
        size=labels,
        strategy=strategy,
        seed=seed,
        pool=POOL,
    )
    found = requests.choose(stage.workspace, job, request)
    ids = [one.candidate.pair_id for one in found.choices]
    return _Choice(strategy, labels, seed, ids)


def _best(tried: Sequence[Arm], others: Sequence[str]) -> str:
    """The strategy with the highest mean accuracy; the only one needs no trial."""
    means: Mapping[str, float] = {
        name: statistics.fmean(one.accuracy for one in tried if one.strategy == name)
        for name in sorted({one.strategy for one in tried})
    }
    return max(means, key=lambda name: means[name]) if means else others[0]


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    if len(values) < 2:
        return None
    mean, spread = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * spread
    return mean - reach, mean + reach
