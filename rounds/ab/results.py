"""A/B tests as they stand: what annotators, who never learn whose answer is whose, have settled.

Who gave which answer is taken from the sampling that made the pairs, and from the earliest one
where several did; pairs that two samplings contradict each other on are left out and counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from labeling import consensus
from labeling.consensus import ConsensusPolicy
from rounds.ab import bradley_terry, win_rate
from rounds.ab.bradley_terry import Ranking
from rounds.ab.win_rate import WinRate
from storage import (
    analytics,
    batches,
    checkpoints,
    exclusions,
    identity,
    jobs,
    pairing,
    votes,
)
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.rows import Batch, EffectiveVote, Job, JobState, Verdict
from storage.segments import SegmentKind
from storage.workspace import Workspace

_MOST_JOBS = 100_000
WIN, LOSS, TIE, OPEN = "win", "loss", "tie", "open"


@dataclass(frozen=True)
class Duel:
    """Two checkpoints.

    Attributes:
        first, second: their names; the win rate is that of `first`.
        wins, losses, ties: settled pairs. Pairs without a winner count as ties: called too close
            by most, or disputed with every vote in.
        open: pairs that still wait for votes.
        alike: prompts that both answered alike, which nobody was shown.
        contradicted: pairs left out because samplings disagree on whose answer is whose.
        rate: the win rate; it may be looked at after every vote.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    open: int
    alike: int
    contradicted: int
    rate: WinRate


@dataclass(frozen=True)
class Results:
    """Every two checkpoints that met, and how all of them rank where there are more than two."""

    batches: Sequence[str]
    duels: Sequence[Duel]
    ranking: Ranking | None


@dataclass(frozen=True)
class _Meeting:
    """A pair of answers of two checkpoints: who gave the canonical `a`, and who `b`."""

    pair_id: str
    a: str
    b: str


@dataclass
class _Tally:
    """What is known of the checkpoints, by id, in alphabetical order of ids."""

    outcomes: Counter[tuple[str, str, str]]
    alike: Counter[tuple[str, str]]
    contradicted: Counter[tuple[str, str]]


def of_batch(workspace: Workspace, batch: str | None = None) -> Results:
    """The A/B tests of one batch, or all of them together.

    Raises:
        NotFoundError: there is no such batch, or there is no A/B test.
    """
    with workspace.ledger.read() as db:
        within = [batches.get(db, batch)] if batch is not None else batches.listed(db)
        tests = _samplings(db)
        named = {row.id: row.name for row in checkpoints.listed(db)}
    tested = [one for one in within if one.name in tests]
    if not tested:
        where = "the workspace" if batch is None else f"the batch {batch!r}"
        raise NotFoundError(
            f"There is no A/B test in {where}.",
            "Make one: pairwright sample --prompts FILE --from X --from Y --batch NAME",
        )
    tally = _Tally(Counter(), Counter(), Counter())
    for one in tested:
        _count(workspace, one, tests[one.name], tally)
    return _results([one.name for one in tested], tally, named)


def _samplings(db: Connection) -> dict[str, list[Job]]:
    """Name of a batch -> the samplings of several checkpoints that went into it, oldest first."""
    found: dict[str, list[Job]] = {}
    for job in reversed(jobs.listed(db, kind="sample", limit=_MOST_JOBS)):
        # a red team is reviewed answer by answer: rounds/independent
        is_test = job.spec.get("rivals") and "independent" not in (job.spec.get("then") or {})
        if job.state is JobState.SUCCEEDED and is_test:
            found.setdefault(job.spec["batch"], []).append(job)
    return found


def _count(workspace: Workspace, batch: Batch, tests: Sequence[Job], tally: _Tally) -> None:
    meetings: dict[str, _Meeting] = {}
    contradicted: dict[str, tuple[str, str]] = {}
    for job in tests:
        for met in _meetings(workspace, job, tally):
            earlier = meetings.setdefault(met.pair_id, met)
            if earlier != met:
                contradicted[met.pair_id] = _key(earlier.a, earlier.b)
    tally.contradicted.update(contradicted.values())
    outcomes = _outcomes(workspace, batch)
    for pair_id, met in meetings.items():
        outcome = outcomes.get(pair_id)
        if outcome is None or pair_id in contradicted:
            continue
        first, second = _key(met.a, met.b)
        if met.a != first:
            outcome = {WIN: LOSS, LOSS: WIN}.get(outcome, outcome)
        tally.outcomes[first, second, outcome] += 1


def _meetings(workspace: Workspace, job: Job, tally: _Tally) -> Iterator[_Meeting]:
    """The pairs that a sampling made, as `storage.samples` makes them."""
    frame = analytics.open(workspace).read(SegmentKind.GENERATIONS, job=job.id)
    if frame.is_empty():
        return
    answers: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for row in frame.iter_rows(named=True):
        answers[row["prompt_id"], row["answer"]][row["checkpoint"]] = row["text"]
    least = float(job.spec["settings"].get("min_difference", 0.0))
    for (prompt_id, _), given in answers.items():
        for one, other in combinations(sorted(given), 2):
            if pairing.is_alike(given[one], given[other], least):
                tally.alike[one, other] += 1
                continue
            ids = {identity.response_id(prompt_id, given[name]): name for name in (one, other)}
            pair = identity.pair_of(prompt_id, *ids)
            yield _Meeting(pair.id, ids[pair.response_a], ids[pair.response_b])


def _outcomes(workspace: Workspace, batch: Batch) -> dict[str, str]:
    """Pair of the batch -> win (of the canonical `a`), loss, tie or open."""
    with workspace.ledger.read() as db:
        there = batches.pairs_in(db, batch.id)
        left_out = exclusions.in_force(db)
        cast = votes.cast(db, batch.id)
    heard: Mapping[str, list[EffectiveVote]] = defaultdict(list)
    for vote in cast:
        if not left_out.covers(vote):
            heard[vote.pair_id].append(vote)
    policy = ConsensusPolicy(min_votes=batch.overlap)
    return {pair: _outcome(heard[pair], policy) for pair in there if pair not in left_out.pairs}


def _outcome(cast: Sequence[EffectiveVote], policy: ConsensusPolicy) -> str:
    settled = consensus.settle(cast, policy)
    if settled.reason in (consensus.NO_VOTES, consensus.TOO_FEW_VOTES):
        return OPEN
    return {Verdict.A: WIN, Verdict.B: LOSS}.get(settled.outcome or Verdict.TIE, TIE)


def _results(names: Sequence[str], tally: _Tally, named: Mapping[str, str]) -> Results:
    met = {(first, second) for first, second, _ in tally.outcomes} | set(tally.alike)
    duels = [_duel(first, second, tally, named) for first, second in sorted(met)]
    everybody = sorted({name for pair in met for name in pair})
    if len(everybody) < 3:
        return Results(names, duels, None)
    wins = np.zeros((len(everybody), len(everybody)))
    for (first, second, outcome), count in tally.outcomes.items():
        one, other = everybody.index(first), everybody.index(second)
        wins[one, other] += count * {WIN: 1.0, TIE: 0.5}.get(outcome, 0.0)
        wins[other, one] += count * {LOSS: 1.0, TIE: 0.5}.get(outcome, 0.0)
    shown = [named.get(one, one) for one in everybody]
    return Results(names, duels, bradley_terry.rank(shown, wins))


def _duel(first: str, second: str, tally: _Tally, named: Mapping[str, str]) -> Duel:
    wins, losses, ties, waiting = (
        tally.outcomes[first, second, outcome] for outcome in (WIN, LOSS, TIE, OPEN)
    )
    return Duel(
        first=named.get(first, first),
        second=named.get(second, second),
        wins=wins,
        losses=losses,
        ties=ties,
        open=waiting,
        alike=tally.alike[first, second],
        contradicted=tally.contradicted[first, second],
        rate=win_rate.measure(wins, losses, ties),
    )


def _key(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
