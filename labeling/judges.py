"""How far a model as judge agrees with the experts: beside their agreement, never part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from labeling import consensus
from labeling.agreement import cohen
from labeling.agreement.figure import PairOfRaters
from labeling.agreement.intervals import wilson_interval
from storage import batches, exclusions, judgements, votes
from storage.judgements import Judgement
from storage.rows import EffectiveVote, Verdict
from storage.workspace import Workspace

EXPERTS = "experts"
_LABELS = (Verdict.A, Verdict.TIE, Verdict.B)
_WITHOUT_TIES = (Verdict.A, Verdict.B)


@dataclass(frozen=True)
class JudgeAgreement:
    """One judge against the experts' consensus.

    Attributes:
        judge, version: who, and what it was told.
        judged: pairs that it labeled, of those asked about here.
        consistency: share of them on which both orders gave the same verdict, with its 95% Wilson
            interval.
        with_ties: Cohen's kappa on the pairs that the experts settled too, as a winner or a tie.
        without_ties: the same on the pairs where neither says tie.
    """

    judge: str
    version: str
    judged: int
    consistency: float
    consistency_ci95: tuple[float, float]
    with_ties: PairOfRaters | None
    without_ties: PairOfRaters | None


def against_experts(workspace: Workspace, batch: str | None = None) -> list[JudgeAgreement]:
    """Every judge that labeled a pair of the batch, or any pair; who judged last comes first.

    The experts' word is the outcome by majority of the votes that count, and a lead's decision
    where there is one. Pairs that are still open or disputed are left out.

    Raises:
        NotFoundError: there is no such batch.
        DamagedError: sealed judgements cannot be read.
    """
    everybody = judgements.known(workspace)
    if not everybody:
        return []
    with workspace.ledger.read() as db:
        found = None if batch is None else batches.get(db, batch)
        within = None if found is None else frozenset(batches.pairs_in(db, found.id))
        left_out = exclusions.in_force(db)
        cast = votes.cast(db, None if found is None else found.id)
    by_pair: dict[str, list[EffectiveVote]] = {}
    for vote in cast:
        if not left_out.covers(vote):
            by_pair.setdefault(vote.pair_id, []).append(vote)
    settled = {pair: consensus.settle(heard).outcome for pair, heard in by_pair.items()}
    outcomes = {pair: outcome for pair, outcome in settled.items() if outcome is not None}
    measured = []
    for one in everybody:
        said = judgements.by_pair(workspace, one.judge, one.version)
        if within is not None:
            said = {pair: each for pair, each in said.items() if pair in within}
        if said:
            measured.append(_measured(one.judge, one.version, said, outcomes))
    return measured


def _measured(
    judge: str, version: str, said: Mapping[str, Judgement], outcomes: Mapping[str, Verdict]
) -> JudgeAgreement:
    consistent = sum(one.is_consistent for one in said.values())
    return JudgeAgreement(
        judge=judge,
        version=version,
        judged=len(said),
        consistency=consistent / len(said),
        consistency_ci95=wilson_interval(consistent / len(said), len(said)),
        with_ties=_kappa(judge, said, outcomes, _LABELS),
        without_ties=_kappa(judge, said, outcomes, _WITHOUT_TIES),
    )


def _kappa(
    judge: str,
    said: Mapping[str, Judgement],
    outcomes: Mapping[str, Verdict],
    labels: tuple[Verdict, ...],
) -> PairOfRaters | None:
    """Kappa over the pairs that both gave one of these labels; None when there are none."""
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for pair, one in said.items():
        outcome = outcomes.get(pair)
        if outcome in labels and one.verdict in labels:
            counts[labels.index(outcome), labels.index(one.verdict)] += 1
    return cohen.of_joint_counts((EXPERTS, judge), counts) if counts.any() else None
