"""A/B tests in words and tables: who wins against whom, and how the checkpoints rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.views import wording
from rounds.ab import results
from rounds.ab.bradley_terry import Strength
from rounds.ab.results import Duel, Results
from storage.errors import NotFoundError
from storage.workspace import Workspace

ABOUT = (
    "The win rate is that of the first, a tie counting as half a win: too close to call, or "
    "disputed with every vote in. Prompts that both answered alike were shown to nobody and are "
    "not in it. The interval is a confidence sequence: it holds at 95% however often one looks, so "
    "a test may end as soon as it leaves 50% behind."
)
ABOUT_RANKING = (
    "Bradley-Terry strengths: log-odds against an average opponent, ties as half a win. Their "
    "intervals hold at one look, at an end fixed before."
)


@dataclass(frozen=True)
class DuelLine:
    """Two checkpoints as a row of a table."""

    first: str
    second: str
    rate: str
    interval: str
    n: int
    wins: int
    ties: int
    losses: int
    open: int
    alike: int
    verdict: str


@dataclass(frozen=True)
class StrengthLine:
    """A checkpoint in the ranking."""

    name: str
    strength: str
    interval: str
    wins: str
    n: str


@dataclass(frozen=True)
class AbPage:
    """The tests of one batch, or of all."""

    duels: Sequence[DuelLine]
    ranking: Sequence[StrengthLine]
    notes: Sequence[str]


def prepare(workspace: Workspace, batch: str = "") -> AbPage | None:
    """What there is to show; None where nothing was tested."""
    try:
        found = results.of_batch(workspace, batch or None)
    except NotFoundError:
        return None
    return page(found)


def page(found: Results) -> AbPage:
    """The lines of results."""
    ranking = found.ranking
    notes = [ABOUT]
    left_out = sum(duel.contradicted for duel in found.duels)
    if left_out:
        notes.append(
            f"{wording.count(left_out, 'pair')} left out: samplings contradict each other on whose "
            "answer is whose."
        )
    if ranking is not None:
        notes.append(ABOUT_RANKING)
        if ranking.reason:
            notes.append(f"There are no strengths: {ranking.reason}.")
    return AbPage(
        duels=[_duel(duel) for duel in found.duels],
        ranking=[_strength(one) for one in (ranking.strengths if ranking else ())],
        notes=notes,
    )


def as_json(found: Results) -> dict[str, Any]:
    """What --json prints."""
    duels = [
        {name: value for name, value in vars(duel).items() if name != "rate"}
        | {"win_rate": vars(duel.rate)}
        for duel in found.duels
    ]
    ranking = found.ranking
    return {
        "batches": list(found.batches),
        "duels": duels,
        "interval": "confidence sequence, valid at any time; ties count as half",
        "ranking": None
        if ranking is None
        else {
            "reason": ranking.reason,
            "strengths": [vars(one) for one in ranking.strengths],
            "interval": "Wald's, at one look",
        },
    }


def _duel(duel: Duel) -> DuelLine:
    ends = duel.rate.ci95
    return DuelLine(
        first=duel.first,
        second=duel.second,
        rate=wording.share(duel.rate.value),
        interval=wording.NOT_AVAILABLE
        if ends is None
        else f"{wording.share(ends[0])} to {wording.share(ends[1])}",
        n=duel.rate.n,
        wins=duel.wins,
        ties=duel.ties,
        losses=duel.losses,
        open=duel.open,
        alike=duel.alike,
        verdict=_verdict(duel),
    )


def _verdict(duel: Duel) -> str:
    ends = duel.rate.ci95
    if ends is None:
        return "no pair is settled yet"
    if ends[0] > 0.5:
        return f"{duel.first} wins"
    if ends[1] < 0.5:
        return f"{duel.second} wins"
    return "not decided" if duel.open else "not decided, and every pair is settled"


def _strength(one: Strength) -> StrengthLine:
    ends = one.ci95
    return StrengthLine(
        name=one.name,
        strength=wording.NOT_AVAILABLE if one.value is None else f"{one.value:+.2f}",
        interval=wording.NOT_AVAILABLE if ends is None else f"{ends[0]:+.2f} to {ends[1]:+.2f}",
        wins=f"{one.wins:g}",
        n=f"{one.n:g}",
    )
