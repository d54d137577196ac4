"""What the API says of blind A/B tests, and of models as judges beside the experts."""

from __future__ import annotations

from pydantic import BaseModel

Ends = tuple[float, float]


class WinRateOut(BaseModel):
    """Wins and half the ties as a share of `n` pairs; null without a pair. `ci95` holds however
    often one looks."""

    value: float | None
    ci95: Ends | None
    n: int


class DuelOut(BaseModel):
    """Two checkpoints; `open` pairs wait for votes, `alike` answers were shown to nobody."""

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    open: int
    alike: int
    contradicted: int
    win_rate: WinRateOut


class StrengthOut(BaseModel):
    """Log-odds of one checkpoint against an average opponent; null without an estimate."""

    name: str
    value: float | None
    ci95: Ends | None
    wins: float
    n: float


class RankingOut(BaseModel):
    """The strongest first; `reason` says why there is no estimate."""

    reason: str
    strengths: list[StrengthOut]
    interval: str


class AbTestsOut(BaseModel):
    """Every two checkpoints that met; `ranking` is null for fewer than three."""

    batches: list[str]
    duels: list[DuelOut]
    interval: str
    ranking: RankingOut | None


class KappaOut(BaseModel):
    """Cohen's kappa of the experts' consensus and a judge on `n` pairs."""

    raters: tuple[str, str]
    n: int
    value: float | None
    ci95: Ends | None
    percent_agreement: float
    prevalence: float
    bias: float
    reason: str


class JudgeOut(BaseModel):
    """A model as judge. `consistency` is the share of its pairs, 0 to 1, on which both orders of
    the answers gave the same verdict; kappa is null where the experts settled none of its pairs."""

    judge: str
    version: str
    judged: int
    consistency: float
    consistency_ci95: Ends
    with_ties: KappaOut | None
    without_ties: KappaOut | None


class JudgesOut(BaseModel):
    """Who judged last comes first."""

    judges: list[JudgeOut]
