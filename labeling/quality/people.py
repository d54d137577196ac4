"""What each annotator did, how far to rely on it, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars

from labeling.agreement.figure import Figure
from labeling.annotator_models.accuracy import Accuracy
from labeling.quality.leaning import SIGNIFICANT, Leaning, corrected, leaning

# a vote in less time than this, or than it takes to read at 200 words a minute, was not read
_LEAST_MS, _MS_PER_WORD = 3000, 300
# shares from which a finding is made, with so many votes at least
_ENOUGH, _MUCH = 30, 0.5
_OFTEN_FAST = 0.1
# the accuracy of a coin, and where self-consistency shows guessing (two of three verdicts)
_COIN = 0.6
_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class Finding:
    """Something about an annotator that a lead should look at, and what to do about it."""

    what: str
    do: str


@dataclass(frozen=True)
class Person:
    """One annotator's work, in one batch or in all.

    What was done is told of everything, excluded or not; what is estimated rests on what counts.

    Attributes:
        judged: pairs with a vote or a skip.
        votes, skips, ties: of these; a vote is no skip, both bad counts as a tie.
        hours: active hours; pairs_per_hour judged in them, None while no time is known.
        median_seconds: active time of a pair in the middle; None while no time is known.
        fast: share of judged pairs with less time than reading takes; None without times.
        left: towards the side on the left; `left_p` is corrected for all annotators.
        gold, consistency: see `labeling.reliability`; None where nothing was measured.
        accuracy: estimated from all votes; None without votes for one of two answers.
        competence: MACE, the probability of answering by looking, 0 to 1.
        reliability: Dawid and Skene's model, the probability of the right answer when each answer
            may be mistaken for the other in a way of its own, 0 to 1.
        excluded: votes of these that do not count.
        findings: what stands out.
    """

    annotator: str
    judged: int
    votes: int
    skips: int
    ties: int
    hours: float
    pairs_per_hour: float | None
    median_seconds: float | None
    fast: float | None
    left: Leaning
    left_p: float
    gold: Figure | None = None
    consistency: Figure | None = None
    accuracy: Accuracy | None = None
    competence: float | None = None
    reliability: float | None = None
    excluded: int = 0
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True)
class Estimates:
    """What other measurements say, by annotator."""

    gold: Mapping[str, Figure] = field(default_factory=dict)
    consistency: Mapping[str, Figure] = field(default_factory=dict)
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)
    competence: Mapping[str, float] = field(default_factory=dict)
    reliability: Mapping[str, float] = field(default_factory=dict)


def measure(choices: polars.DataFrame, estimates: Estimates) -> list[Person]:
    """Everybody with a vote or a skip, by name.

    Args:
        choices: see `storage.analytics.conduct.choices`, with `words`, those of prompt and answers.
    """
    verdict = polars.col("verdict")
    decisive = verdict.is_in(["a", "b"])
    timed = polars.col("active_ms") > 0
    floor = polars.max_horizontal(polars.lit(_LEAST_MS), polars.col("words") * _MS_PER_WORD)
    counted = choices.group_by("annotator").agg(
        judged=polars.len(),
        skips=(verdict == "skip").sum(),
        ties=verdict.is_in(["tie", "both_bad"]).sum(),
        decisive=decisive.sum(),
        left=(decisive & (verdict == polars.col("left"))).sum(),
        active_ms=polars.col("active_ms").sum(),
        timed=timed.sum(),
        median_ms=polars.col("active_ms").filter(timed).median(),
        fast=(timed & (polars.col("active_ms") < floor)).sum(),
        excluded=(~polars.col("counted") & (verdict != "skip")).sum(),
    )
    rows = counted.sort("annotator").to_dicts()
    leanings = [leaning(int(row["left"]), int(row["decisive"])) for row in rows]
    tests = corrected([one.p for one in leanings])
    people = [_person(*each) for each in zip(rows, leanings, tests, strict=True)]
    return [_with(person, estimates) for person in people]


def _person(row: Mapping[str, float], left: Leaning, left_p: float) -> Person:
    judged, timed, active = int(row["judged"]), int(row["timed"]), float(row["active_ms"])
    return Person(
        annotator=str(row["annotator"]),
        judged=judged,
        votes=judged - int(row["skips"]),
        skips=int(row["skips"]),
        ties=int(row["ties"]),
        hours=active / _MS_PER_HOUR,
        pairs_per_hour=judged * _MS_PER_HOUR / active if active else None,
        median_seconds=row["median_ms"] / 1000 if timed else None,
        fast=row["fast"] / timed if timed else None,
        left=left,
        left_p=left_p,
        excluded=int(row["excluded"]),
    )


def _with(person: Person, estimates: Estimates) -> Person:
    name = person.annotator
    full = replace(
        person,
        gold=estimates.gold.get(name),
        consistency=estimates.consistency.get(name),
        accuracy=estimates.accuracy.get(name),
        competence=estimates.competence.get(name),
        reliability=estimates.reliability.get(name),
    )
    return replace(full, findings=tuple(_findings(full)))


def _findings(person: Person) -> Sequence[Finding]:
    found: list[Finding] = []
    left = person.left
    if left.share is not None and person.left_p < SIGNIFICANT:
        side = "left" if left.share > 0.5 else "right"
        found.append(
            Finding(
                f"chooses the {side} side in {max(left.share, 1 - left.share):.0%} of "
                f"{left.n:,} votes (p {person.left_p:.2g} after correction)",
                "Look at some of these pairs together; leave the votes out if sides decided.",
            )
        )
    if person.fast is not None and person.judged >= _ENOUGH and person.fast > _OFTEN_FAST:
        found.append(
            Finding(
                f"judges {person.fast:.0%} of the pairs faster than they can be read",
                "Ask how they work; add gold pairs to the batch to see whether it costs accuracy.",
            )
        )
    found += [*_about_truth(person), *_about_others(person)]
    for name, count in (("skips", person.skips), ("calls too close", person.ties)):
        if person.judged >= _ENOUGH and count / person.judged > _MUCH:
            found.append(
                Finding(
                    f"{name} {count / person.judged:.0%} of {person.judged:,} pairs",
                    "Read their notes and reports: guidelines may be unclear, or the pairs alike.",
                )
            )
    return found


def _about_others(person: Person) -> Sequence[Finding]:
    """Without any known truth: what the votes of everybody together make of these."""
    known = person.accuracy
    if known is None or known.votes < _ENOUGH or known.ci95[1] >= _COIN:
        return []
    return [
        Finding(
            f"is right on {known.value:.0%} of {known.votes:,} pairs as far as everybody's votes "
            "tell",
            "Add gold pairs to be sure; until then weigh votes by accuracy (--policy weighted).",
        )
    ]


def _about_truth(person: Person) -> Sequence[Finding]:
    """Measured on pairs whose truth or first vote is known: only when chance cannot explain it."""
    found = []
    gold, again = person.gold, person.consistency
    if gold is not None and gold.ci95 is not None and gold.ci95[1] < _COIN:
        found.append(
            Finding(
                f"is right on {gold.value:.0%} of {gold.n:,} gold pairs",
                "Go through the guidelines together, and leave the votes out until it is better.",
            )
        )
    if again is not None and again.ci95 is not None and again.ci95[1] < _COIN:
        found.append(
            Finding(
                f"says the same in {again.value:.0%} of {again.n:,} repeats with sides swapped",
                "Ask what decides for them; sides or haste may.",
            )
        )
    return found
