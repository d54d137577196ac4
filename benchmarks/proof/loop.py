"""First proof: the rounds of seed 000, and what each is worth on the audit set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.demo.world import Asked
from proof.answers import Graded, ask_exactly
from proof.sizes import OVERLAP
from proof.stage import ACTOR, AUDIT, BASE, Stage, checkpoint_of, metrics_of, settings
from rounds import convergence, opening, standing
from rounds.mining import requests
from rounds.mining.requests import MiningRequest
from rounds.mining.strategies import MARGIN
from storage.rows import DatasetVersion, Job

# pairs to choose from, of each that is chosen
_CHOICE = 1.6
# of the pairs that may be decided, so that a lucky batch does not go beyond them; mined pairs are
# decided more often than others, and how much so is not known before the first
_AIM, _FIRST_MINED_AIM = 0.95, 0.85
_MINED = f"{MARGIN}, {MiningRequest.random_share:.0%} by lot"
# a model that learned most of it over-optimises at the rate of the first round
_FIRST_RATE, _LATER_RATE = 1e-3, 5e-4
# with 0.1 the first round left its start by more than 0.5 nats per token on the audit set
_BETA = 0.2


@dataclass(frozen=True)
class Measured:
    """A model by the oracle's labels of the audit set, by the experts', and by exact answers."""

    oracle: Mapping[str, Any]
    consensus: Mapping[str, Any]
    exact: Graded


@dataclass(frozen=True)
class Turn:
    """One round; number 0 is the model before the first.

    Attributes:
        chosen: how its pairs came: `by lot`, or the strategy.
        pairs: pairs that experts voted on; `decided` of them have a winner.
        trained: decided pairs that it learned from.
        unsettled: reason -> pairs that have no winner.
    """

    number: int
    checkpoint: str
    chosen: str
    pairs: int
    votes: int
    decided: int
    trained: int
    unsettled: Mapping[str, int]
    measured: Measured


@dataclass(frozen=True)
class Course:
    """All rounds, and what convergence tracking says at their end."""

    turns: Sequence[Turn]
    verdict: str
    advice: str


def run(stage: Stage) -> Course:
    """Do the rounds one after the other; each starts from the checkpoint of the last."""
    with stage.phase("Audit set, labeled by the experts and by the oracle"):
        asked, _ = stage.draw_audit()
        stage.vote(AUDIT, asked, seed=0)
        consensus = stage.build_audit("votes")
        # built last, so that it is the version by which the rounds are judged
        loop = _Loop(stage, consensus, stage.build_audit("imported"))
    with stage.phase("The model before the first round"):
        measured = loop.measure(BASE, stage.finish(stage.evaluate(BASE, loop.oracle)))
        turns = [Turn(0, BASE, "", 0, 0, 0, 0, {}, measured)]
    for number in range(1, len(stage.sizes.rounds) + 1):
        with stage.phase(f"Round {number}"):
            turns.append(loop.round(number))
    found = convergence.of_workspace(stage.workspace)
    return Course(turns, found.verdict.value, found.advice)


class _Loop:
    """What goes on from round to round.

    `per_prompt` and `per_pair` are the pairs that a prompt gave and the winners that a pair gave,
    as seen last: they say how many the next round needs.
    """

    def __init__(self, stage: Stage, consensus: DatasetVersion, oracle: DatasetVersion) -> None:
        self.oracle = oracle
        self._stage = stage
        self._consensus = consensus
        pairs = stage.pairs_in(AUDIT)
        self._per_prompt = pairs / stage.sizes.audit
        self._per_pair = consensus.rows / pairs
        self._asked: Asked | None = None

    def round(self, number: int) -> Turn:
        stage, name = self._stage, f"round-{number}"
        target = stage.sizes.rounds[number - 1]
        opening.open_next(stage.workspace, target_pairs=target, actor=ACTOR)
        if self._asked is None:
            self._asked = self._draw(name, target)
            opening.give_batch(stage.workspace, name, ACTOR)
        ballots = stage.vote(name, self._asked, seed=number)
        trained, measured = self._train(name, number, target), self._evaluate()
        found = standing.of_round(stage.workspace, number)
        version = found.versions[-1]
        self._per_pair = version.rows / found.pairs
        turn = Turn(
            number=number,
            checkpoint=trained,
            chosen="by lot" if number == 1 else _MINED,
            pairs=found.pairs,
            votes=sum(ballot.votes for ballot in ballots),
            decided=version.rows,
            trained=min(version.train, target),
            unsettled=version.excluded,
            measured=self.measure(trained, measured),
        )
        if number < len(stage.sizes.rounds):
            self._asked = self._mine(number + 1, trained, found.round.start)
        opening.close(stage.workspace, ACTOR)
        return turn

    def measure(self, model: str, by_oracle: Job) -> Measured:
        """All figures of a model; those against the oracle are there already."""
        stage = self._stage
        by_experts = stage.finish(stage.evaluate(model, self._consensus))
        exact = ask_exactly(stage, model)
        return Measured(metrics_of(by_oracle), metrics_of(by_experts), exact)

    def _draw(self, name: str, target: int) -> Asked:
        """The first round's pairs: answers of the base to new prompts."""
        prompts = round(_AIM * target / self._per_pair / self._per_prompt)
        asked = self._stage.ask(name, prompts, seed=1)
        self._stage.sample(BASE, asked, name, seed=1)
        return asked

    def _mine(self, number: int, checkpoint: str, reference: str) -> Asked:
        """The next round's pairs: chosen by the worker from answers of the new checkpoint."""
        stage, pool = self._stage, f"pool-{number}"
        aim = _FIRST_MINED_AIM if number == 2 else _AIM
        size = round(aim * stage.sizes.rounds[number - 1] / self._per_pair)
        prompts = round(_CHOICE * size / self._per_prompt)
        asked = stage.ask(pool, prompts, seed=number)
        stage.sample(checkpoint, asked, pool, seed=number)
        self._per_prompt = stage.pairs_in(pool) / prompts
        request = MiningRequest(
            batch=f"round-{number}",
            checkpoint=checkpoint,
            reference=reference,
            size=size,
            strategy=MARGIN,
            seed=number,
            pool=pool,
            overlap=OVERLAP,
        )
        stage.finish(requests.submit(stage.workspace, request))
        stage.wait_for_batch(request.batch)
        return asked

    def _train(self, name: str, number: int, target: int) -> str:
        """The id of the round's checkpoint. Ties and disputes stay out, as no lead is there."""
        spec = settings(
            model_name=name,
            seed=number,
            beta=_BETA,
            max_pairs=target,
            learning_rate=_FIRST_RATE if number == 1 else _LATER_RATE,
        )
        return checkpoint_of(self._stage.take(spec))

    def _evaluate(self) -> Job:
        return self._stage.take(settings())
