"""What the votes on many pairs settle, as columns: pairs with the same votes are settled once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars

from labeling import consensus, tallied
from labeling.consensus import Consensus, ConsensusPolicy
from storage.analytics.labeling import Tally
from storage.rows import AssignmentKind, EffectiveVote, Verdict

_SAME = ("a", "b", "tie", "lead")
SETTLED: dict[str, type[polars.DataType]] = {
    "pair": polars.UInt32,
    "outcome": polars.String,
    "confidence": polars.Float64,
    "votes": polars.Int64,
    "reason": polars.String,
}


def of_votes(cast: polars.DataFrame, policy: ConsensusPolicy) -> polars.DataFrame:
    """The consensus of every pair with a vote or a decision, by `labeling.consensus.settle`.

    Args:
        cast: effective votes in the order in which they came: `pair` (its number), `annotator`,
            `verdict` and `kind`.

    Returns:
        Columns `SETTLED`: `outcome` is `a` or `b` where `reason` is empty.
    """
    said = voices(cast)
    leads = decisions(cast)
    if policy.name == consensus.WEIGHTED:
        return _one_by_one(said, leads, policy)
    counts = {name: (polars.col("outcome") == name).sum() for name in _SAME[:3]}
    found = said.group_by("pair").agg(**counts)
    found = found.join(leads, on="pair", how="full", coalesce=True).with_columns(
        polars.col(*_SAME[:3]).fill_null(0), polars.col("lead").fill_null("")
    )
    same = found.select(_SAME).unique()
    tallies = (Tally(0, 0, a, b, tie, lead, 0) for a, b, tie, lead in same.iter_rows())
    outcomes = _columns(range(same.height), [tallied.settle(one, policy) for one in tallies])
    settled = polars.concat([same, outcomes.drop("pair")], how="horizontal")
    return found.join(settled, on=_SAME, how="left").select(list(SETTLED))


def voices(cast: polars.DataFrame) -> polars.DataFrame:
    """What each annotator says of a pair, by the latest vote: columns `pair`, `annotator` and
    `outcome` (`a`, `b` or `tie`). Skips say nothing, and a lead decides knowing the votes."""
    is_voice = polars.col("kind") != AssignmentKind.ADJUDICATION.value
    said = cast.filter(is_voice & _is_said()).select("pair", "annotator", _outcome())
    return said.unique(["pair", "annotator"], keep="last", maintain_order=True)


def decisions(cast: polars.DataFrame) -> polars.DataFrame:
    """The latest decision of a lead on a pair: columns `pair` and `lead`."""
    by_lead = polars.col("kind") == AssignmentKind.ADJUDICATION.value
    said = cast.filter(by_lead & _is_said()).select("pair", _outcome().alias("lead"))
    return said.unique("pair", keep="last", maintain_order=True)


def _is_said() -> polars.Expr:
    return polars.col("verdict") != Verdict.SKIP.value


def _outcome() -> polars.Expr:
    verdict = polars.col("verdict").cast(polars.String)
    return verdict.replace(Verdict.BOTH_BAD.value, Verdict.TIE.value).alias("outcome")


def _one_by_one(
    said: polars.DataFrame, leads: polars.DataFrame, policy: ConsensusPolicy
) -> polars.DataFrame:
    """Where it matters who voted, pairs are the same only when the same people said the same."""
    words = said.group_by("pair", maintain_order=True).agg(
        polars.col("annotator").cast(polars.String), "outcome"
    )
    found = words.join(leads, on="pair", how="full", coalesce=True)
    known: dict[object, Consensus] = {}
    settled = []
    for _, people, outcomes, lead in found.iter_rows():
        key = (tuple(people or ()), tuple(outcomes or ()), lead)
        if key not in known:
            known[key] = consensus.settle(list(_votes(*key)), policy)
        settled.append(known[key])
    return _columns(found["pair"].to_list(), settled)


def _votes(
    people: Sequence[str], outcomes: Sequence[str], lead: str | None
) -> Iterator[EffectiveVote]:
    """Votes that settle as these words do."""
    for at, (who, outcome) in enumerate(zip(people, outcomes, strict=True)):
        kind = AssignmentKind.NORMAL
        yield EffectiveVote(str(at), "", "", who, Verdict(outcome), "a", at, kind)
    if lead:
        decided = AssignmentKind.ADJUDICATION
        yield EffectiveVote("lead", "", "", "", Verdict(lead), "a", len(people), decided)


def _columns(pairs: Sequence[int], settled: Sequence[Consensus]) -> polars.DataFrame:
    values = [
        pairs,
        [str(one.outcome or "") for one in settled],
        [one.confidence for one in settled],
        [one.votes for one in settled],
        [one.reason for one in settled],
    ]
    return polars.DataFrame(
        [
            polars.Series(name, column, kind)
            for (name, kind), column in zip(SETTLED.items(), values, strict=True)
        ]
    )
