"""Who voted, how far to rely on it, and what pulls the votes besides the answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.views import exclusions, length_bias, wording
from console.views.exclusions import EventLine
from console.views.length_bias import RatioLine, RatioRow
from labeling.agreement.figure import Figure
from labeling.annotator_models.accuracy import Accuracy
from labeling.quality import report
from labeling.quality.biases import Biases
from labeling.quality.leaning import SIGNIFICANT, Leaning
from labeling.quality.people import Finding, Person
from labeling.quality.report import QualityReport
from storage import batches
from storage.exclusions import Exclusion, Exclusions
from storage.workspace import Workspace

EVERY_CATEGORY = "all"


@dataclass(frozen=True)
class PersonLine:
    """One annotator in the table."""

    id: str
    annotator: str
    judged: int
    skips: str
    ties: str
    pace: str
    left: str
    gold: str
    again: str
    accuracy: str
    findings: int
    state: str


@dataclass(frozen=True)
class FigureLine:
    """A figure of one annotator with what it rests on."""

    figure: str
    value: str
    interval: str
    n: str
    meaning: str


@dataclass(frozen=True)
class BiasLine:
    """The leanings of the votes in one category of prompts, or of all."""

    category: str
    votes: int
    left: str
    longer: str
    laid_out: str


@dataclass(frozen=True)
class AnnotatorsPage:
    """The page for a batch, or all batches. `as_of` is when it was estimated."""

    as_of: str
    people: Sequence[PersonLine]
    report: QualityReport
    biases: Sequence[BiasLine]
    ratios: Sequence[RatioLine]
    ratios_by_category: Sequence[RatioRow]
    notes: Sequence[str]
    batch: str
    exclusions: Exclusions
    events: Sequence[Exclusion]


@dataclass(frozen=True)
class Detail:
    """One annotator's figures, and what stands out.

    Attributes:
        standing: how the votes stand, in words.
        can_exclude, can_readmit: what can be done here, in the batch of the page or everywhere.
        events: exclusions and their ends, the newest first.
    """

    name: str
    figures: Sequence[FigureLine]
    findings: Sequence[Finding]
    standing: str
    can_exclude: bool
    can_readmit: bool
    events: Sequence[EventLine]


def choices(workspace: Workspace) -> list[str]:
    with workspace.ledger.read() as db:
        return [batch.name for batch in batches.listed(db)]


def prepare(workspace: Workspace, batch: str) -> AnnotatorsPage:
    """Everybody who voted in a batch, or in all (empty name).

    Raises:
        NotFoundError: no such batch.
    """
    found = report.of_batch(workspace, batch or None)
    standing, events = exclusions.read(workspace)
    with workspace.ledger.read() as db:
        batch_id = batches.get(db, batch).id if batch else None
    return AnnotatorsPage(
        as_of=wording.stamp(time.time_ns() // 1000),
        people=[
            _line(person, exclusions.state(standing.of(person.annotator, batch_id)))
            for person in found.people
        ],
        batch=batch,
        exclusions=standing,
        events=events,
        report=found,
        biases=[
            _bias(EVERY_CATEGORY, found.biases),
            *(_bias(name or "none", one) for name, one in found.by_category.items()),
        ],
        ratios=length_bias.lines(found.biases),
        ratios_by_category=length_bias.by_category(found.by_category),
        notes=[
            *([exclusions.sentence(found.excluded)] if found.excluded else []),
            *_notes(found.biases),
        ],
    )


def detail(page: AnnotatorsPage, name: str) -> Detail | None:
    """One annotator of the page; None for a name that has not voted."""
    found = next((one for one in page.report.people if one.annotator == name), None)
    if found is None:
        return None
    places = {one.batch for one in page.exclusions.of(name)}
    is_out_here = page.batch in places
    return Detail(
        name,
        _figures(found),
        found.findings,
        standing=_standing(found, page),
        can_exclude=not is_out_here and "" not in places,
        can_readmit=is_out_here,
        events=exclusions.lines([event for event in page.events if event.annotator == name]),
    )


def _standing(person: Person, page: AnnotatorsPage) -> str:
    """How the votes of somebody stand on this page, and where it can be changed."""
    places = [one.batch for one in page.exclusions.of(person.annotator)]
    here = f"batch {page.batch}" if page.batch else "every batch"
    left_out = wording.count(person.excluded, "vote")
    if "" in places and page.batch:
        return f"Excluded everywhere, {left_out} here. Choose all batches above to take it back."
    if page.batch in places:
        return f"Excluded from {here}: {left_out} so far."
    if places and not page.batch:
        return f"Excluded from {', '.join(places)}: choose that batch above to take it back."
    return f"The votes count in {here}."


def command(home: Path, batch: str) -> str:
    words = ["--batch", batch] if batch else []
    return wording.command(home, "annotator", "list", *words)


def _line(person: Person, state: str) -> PersonLine:
    return PersonLine(
        id=person.annotator,
        annotator=person.annotator,
        judged=person.judged,
        skips=_part(person.skips, person.judged),
        ties=_part(person.ties, person.judged),
        pace=wording.NOT_AVAILABLE
        if person.pairs_per_hour is None
        else f"{person.pairs_per_hour:,.0f}",
        left=_share(person.left),
        gold=_valued(person.gold),
        again=_valued(person.consistency),
        accuracy=wording.share(None if person.accuracy is None else person.accuracy.value),
        findings=len(person.findings),
        state=state or "yes",
    )


def _figures(person: Person) -> list[FigureLine]:
    pace = wording.NOT_AVAILABLE
    if person.pairs_per_hour is not None:
        pace = f"{person.pairs_per_hour:,.0f} pairs an hour"
    median = wording.NOT_AVAILABLE
    if person.median_seconds is not None:
        median = f"{person.median_seconds:,.0f} s in the middle"
    left_p = f"p {person.left_p:.2g}, corrected for all annotators"
    return [
        FigureLine(
            "Active time",
            f"{person.hours:,.1f} h",
            "",
            f"{person.judged:,}",
            f"{person.votes:,} votes ({person.ties:,} ties), {person.skips:,} skips",
        ),
        FigureLine("Pace", pace, median, f"{person.judged:,}", "in active time, page in sight"),
        FigureLine(
            "Faster than reading",
            wording.share(person.fast),
            "",
            f"{person.judged:,}",
            "under 3 s, or under 200 words a minute of prompt and answers",
        ),
        FigureLine(
            "Left side",
            _share(person.left),
            _ends(person.left.ci95),
            f"{person.left.n:,}",
            f"half is even; {left_p}",
        ),
        _checked("Gold pairs right", person.gold, "pairs whose answer is known"),
        _checked("Same again", person.consistency, "repeats shown with sides swapped"),
        _estimated(person.accuracy),
        FigureLine(
            "Looks before answering",
            wording.share(person.competence),
            "",
            f"{person.votes - person.excluded:,}",
            "MACE: probability that an answer does not come by habit",
        ),
        FigureLine(
            "Reliability",
            wording.share(person.reliability),
            "",
            f"{person.votes - person.excluded:,}",
            "Dawid and Skene: right, though A may be taken for B more often than B for A",
        ),
    ]


def _checked(name: str, figure: Figure | None, meaning: str) -> FigureLine:
    if figure is None:
        return FigureLine(name, wording.NOT_AVAILABLE, "", "0", f"{meaning}; no vote on one counts")
    return FigureLine(name, _valued(figure), _ends(figure.ci95), f"{figure.n:,}", meaning)


def _estimated(accuracy: Accuracy | None) -> FigureLine:
    meaning = "estimated from everybody's votes, gold pairs and leads' decisions"
    if accuracy is None:
        return FigureLine("Accuracy", wording.NOT_AVAILABLE, "", "0", meaning)
    value = wording.share(accuracy.value)
    return FigureLine("Accuracy", value, _ends(accuracy.ci95), f"{accuracy.votes:,}", meaning)


def _bias(category: str, found: Biases) -> BiasLine:
    shares = (found.position, found.length, found.layout)
    left, longer, laid_out = (_with_interval(one) for one in shares)
    return BiasLine(category, found.position.n, left, longer, laid_out)


def _notes(found: Biases) -> list[str]:
    notes = []
    if found.position.share is not None and found.position.p < SIGNIFICANT:
        side = "left" if found.position.share > 0.5 else "right"
        notes.append(
            f"Votes lean to the {side} side (p {found.position.p:.2g}). Sides are drawn anew for "
            "every offer, so this is no property of the answers: see who leans above."
        )
    if found.length.share is not None and found.length.p < SIGNIFICANT:
        way = "longer" if found.length.share > 0.5 else "shorter"
        notes.append(
            f"The {way} answer wins more often than by chance (p {found.length.p:.2g}). Longer "
            "answers may be better, but a model trained on these votes will learn the length, too."
        )
    return notes


def _share(found: Leaning) -> str:
    return wording.share(found.share)


def _with_interval(found: Leaning) -> str:
    return _share(found) if found.ci95 is None else f"{_share(found)} ({_ends(found.ci95)})"


def _valued(figure: Figure | None) -> str:
    return wording.share(None if figure is None else figure.value)


def _ends(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}%"


def _part(count: int, whole: int) -> str:
    return wording.share(count / whole if whole else None)
