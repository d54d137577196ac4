"""What the Agreement page shows: every coefficient with its interval, per batch and overall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.views import exclusions, wording
from labeling.agreement import report
from labeling.agreement.figure import Figure, PairOfRaters
from labeling.agreement.report import FEW, AgreementReport, Coefficients
from storage import batches, clock, links
from storage.rows import Batch
from storage.workspace import Workspace

COUNTED = "count as a verdict"
LEFT_OUT = "are left out"
TIES = (COUNTED, LEFT_OUT)
# a matrix of more annotators than this is too small to read
MOST_IN_MATRIX = 20

_VERDICT_NAMES = {"a": "A is better", "b": "B is better", "tie": "too close to call"}
_MEANINGS = {
    "Percent agreement": "How often two annotators give the same verdict. Chance is in it.",
    "Krippendorff's alpha": "Agreement beyond chance for any number of annotators, votes missing "
    "or not.",
    "Krippendorff's alpha, ordinal": "The same with a tie between A and B: A against a "
    "tie weighs less than A against B.",
    "Gwet's AC1": "Agreement beyond chance that stays put when one verdict is very common.",
    "Fleiss' kappa": "Agreement beyond chance, Gwet's form for unequal numbers of annotators.",
}
# the fields of Coefficients that `_MEANINGS` explains, in the same order
_FIELDS = (
    *("percent_agreement", "krippendorff_alpha", "krippendorff_alpha_ordinal"),
    *("gwet_ac1", "fleiss_kappa"),
)


@dataclass(frozen=True)
class FigureLine:
    """One coefficient, with ties as a verdict and with ties left out."""

    figure: str
    value: str
    interval: str
    n: int
    without: str
    without_interval: str
    without_n: str
    meaning: str


@dataclass(frozen=True)
class PairLine:
    """Two annotators. `note` says when n is too small, or why there is no number."""

    one: str
    other: str
    kappa: str
    interval: str
    n: int
    percent: str
    note: str


@dataclass(frozen=True)
class BatchLine:
    """One batch in the table of all batches, or one category of prompts."""

    batch: str
    shared: str
    percent: str
    alpha: str
    ac1: str
    note: str


@dataclass(frozen=True)
class Matrix:
    """Cohen's kappa between annotators: `values[row][column]`, None where there is none."""

    names: Sequence[str]
    values: Sequence[Sequence[float | None]]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Missing:
    """What is missing, the one next step, its command and its page; none where there is only
    waiting."""

    title: str
    text: str
    command: str = ""
    page: str = ""


@dataclass(frozen=True)
class AgreementPage:
    """The page of one choice. With `missing` there are neither figures nor pairs.

    `batches` holds every batch, ties counted as a verdict, when none was chosen.
    """

    facts: str
    missing: Missing | None = None
    figures: Sequence[FigureLine] = ()
    notes: Sequence[str] = ()
    pairs: Sequence[PairLine] = ()
    matrix: Matrix | None = None
    unpaired: str = ""
    batches: Sequence[BatchLine] = ()


def choices(workspace: Workspace) -> list[str]:
    """The names of the batches, oldest first."""
    with workspace.ledger.read() as db:
        return [batch.name for batch in batches.listed(db)]


def no_batches(home: Path) -> Missing:
    """A workspace that has nothing to agree on."""
    return Missing(
        "There is nothing to agree on yet",
        "Agreement compares the votes of several people on the same pairs. Import pairs, with two "
        "or more votes wanted for each.",
        wording.command(home, "import", "FILE", "--batch", "NAME", "--overlap", "2"),
        page="imports",
    )


def prepare(workspace: Workspace, batch: str, ties: str) -> AgreementPage:
    """Measure the votes of a batch, of all when `batch` is empty.

    Args:
        ties: one of `TIES`, for the annotators two by two.

    Raises:
        NotFoundError: there is no such batch.
    """
    names = [] if batch else choices(workspace)
    found, *each = report.of_batches(workspace, [batch or None, *names])
    facts = f"{_facts(found.with_ties)} {exclusions.sentence(found.excluded)}".rstrip()
    by_batch = [_batch(name, one.with_ties) for name, one in zip(names, each, strict=True)]
    if not found.with_ties.shared:
        return AgreementPage(facts, _missing(workspace, batch, found.with_ties), batches=by_batch)
    shown = found.without_ties if ties == LEFT_OUT and found.without_ties else found.with_ties
    by_size = sorted(shown.cohen_kappa, key=lambda pair: (-pair.n, pair.raters))
    return AgreementPage(
        facts=facts,
        figures=_figures(found),
        notes=[*_notes(found), *_beyond(workspace, batch, found.with_ties)],
        pairs=[_pair(pair) for pair in by_size],
        matrix=_matrix(shown.cohen_kappa),
        unpaired=_unpaired(shown),
        batches=by_batch,
    )


def by_category(workspace: Workspace, batch: str) -> list[BatchLine]:
    """Every category of prompts, ties counted as a verdict; of all batches when `batch` is empty.

    Raises:
        NotFoundError: there is no such batch.
    """
    found = report.by_category(workspace, batch or None)
    return [_batch(name or "none", one.with_ties) for name, one in found.items()]


def _facts(found: Coefficients) -> str:
    votes = wording.count(found.votes, "vote")
    people = wording.count(found.raters, "annotator")
    pairs = wording.count(found.items, "pair")
    verb = "was" if found.shared == 1 else "were"
    return f"{votes} of {people} on {pairs}; {found.shared:,} {verb} judged by two or more."


def _missing(workspace: Workspace, batch: str, found: Coefficients) -> Missing:
    with workspace.ledger.read() as db:
        looked_at = [batches.get(db, batch)] if batch else batches.listed(db)
        now = clock.now(db)
        given = {each.id: links.listed(db, each.id) for each in looked_at}
    if all(each.overlap < 2 for each in looked_at):
        return _overlap_of_one(workspace.home, looked_at)
    wide = next(each for each in looked_at if each.overlap > 1)
    active = {
        link.annotator_id
        for link in given[wide.id]
        if link.revoked_at is None and link.expires_at > now
    }
    return _second_person(workspace, wide, found, len(active))


def _overlap_of_one(home: Path, looked_at: Sequence[Batch]) -> Missing:
    several = len(looked_at) > 1
    name = "NAME" if several else looked_at[0].name
    what = "Every batch here asks" if several else f"Batch {name} asks"
    return Missing(
        "Nobody shares a pair",
        f"{what} for one vote per pair (overlap 1), so no pair is judged by two people. Import the "
        "same file again with a higher overlap: nothing is imported twice, and the pairs are "
        "offered to a second annotator.",
        wording.command(home, "import", "FILE", "--batch", name, "--overlap", "2"),
        page="imports",
    )


def _second_person(
    workspace: Workspace, batch: Batch, found: Coefficients, labelers: int
) -> Missing:
    title = "Nobody shares a pair yet" if found.votes else "There are no votes yet"
    so_far = f"{found.raters:,} annotators have voted, on different pairs"
    if found.raters < 2:
        so_far = "One annotator has voted" if found.votes else "Nobody has voted"
    asked = f"Batch {batch.name} asks for {batch.overlap} votes per pair"
    if labelers > 1:
        return Missing(
            title,
            f"{so_far}. {asked}, and {labelers} people have an active link: figures stand here as "
            "soon as two of them have judged the same pair.",
        )
    return Missing(
        title,
        f"{so_far}. {asked}: hand out links until two people have one; the second gets the same "
        "pairs as the first.",
        wording.command(
            workspace.home, "link", "create", "--batch", batch.name, "--annotator", "WHO"
        ),
        page="batches",
    )


def _figures(found: AgreementReport) -> list[FigureLine]:
    one, other = found.with_ties, found.without_ties
    lines = []
    for name, title in zip(_FIELDS, _MEANINGS, strict=True):
        figure: Figure | None = getattr(one, name)
        without: Figure | None = getattr(other, name) if other else None
        if figure is not None:
            lines.append(_figure(title, figure, without))
    return lines


def _figure(title: str, figure: Figure, without: Figure | None) -> FigureLine:
    is_share = title == "Percent agreement"
    return FigureLine(
        figure=title,
        value=_value(figure.value, is_share),
        interval=_interval(figure.ci95, is_share),
        n=figure.n,
        without=_value(without.value, is_share) if without else "",
        without_interval=_interval(without.ci95, is_share) if without else "",
        without_n=f"{without.n:,}" if without else "",
        meaning=figure.reason.capitalize() + "." if figure.reason else _MEANINGS[title],
    )


def _notes(found: AgreementReport) -> list[str]:
    how = found.resampling
    notes = [
        found.orientation,
        f"n counts pairs. 95% intervals from {how.resamples:,} resamples of the pairs, always the "
        "same ones; Cohen's kappa from its large-sample standard error; Wilson's where all agree.",
    ]
    prevalent = found.with_ties.prevalent
    if prevalent:
        share = wording.share(found.with_ties.shares[prevalent])
        name = _VERDICT_NAMES.get(prevalent, prevalent)
        notes.append(
            f"{share} of the votes say \N{LEFT DOUBLE QUOTATION MARK}{name}"
            "\N{RIGHT DOUBLE QUOTATION MARK}. When one verdict is so common, agreeing by chance is "
            "likely, and kappa and alpha are low even where people nearly always agree. Read AC1 "
            "and the percentage beside them."
        )
    few = found.with_ties.shared < FEW
    if few:
        notes.append(f"Fewer than {FEW} shared pairs: the intervals are too wide to decide on.")
    return notes


def _beyond(workspace: Workspace, batch: str, found: Coefficients) -> list[str]:
    """A word on reviewers: who sees only hard pairs agrees less, whoever it is."""
    with workspace.ledger.read() as db:
        looked_at = [batches.get(db, batch)] if batch else batches.listed(db)
    overlap = max(each.overlap for each in looked_at)
    if found.most <= overlap:
        return []
    return [
        f"Pairs that were too close or disputed got more votes than the overlap of {overlap}. Who "
        "came in for these shares only hard pairs with others: a lower kappa is no fault of theirs."
    ]


def _pair(pair: PairOfRaters) -> PairLine:
    note = pair.reason.capitalize()
    if not note and pair.n < FEW:
        note = f"few (under {FEW})"
    return PairLine(
        one=pair.raters[0],
        other=pair.raters[1],
        kappa=_value(pair.value),
        interval=_interval(pair.ci95),
        n=pair.n,
        percent=wording.share(pair.percent_agreement),
        note=note,
    )


def _matrix(pairs: Sequence[PairOfRaters]) -> Matrix | None:
    names = sorted({name for pair in pairs for name in pair.raters})
    if not 2 < len(names) <= MOST_IN_MATRIX:
        return None
    place = {name: number for number, name in enumerate(names)}
    values: list[list[float | None]] = [[None] * len(names) for _ in names]
    counts = [[0] * len(names) for _ in names]
    for pair in pairs:
        one, other = (place[name] for name in pair.raters)
        values[one][other] = values[other][one] = pair.value
        counts[one][other] = counts[other][one] = pair.n
    return Matrix(names, values, counts)


def _unpaired(shown: Coefficients) -> str:
    possible = shown.raters * (shown.raters - 1) // 2
    apart = possible - len(shown.cohen_kappa)
    if not apart:
        return ""
    return f"{apart:,} of {possible:,} pairs of annotators share no pair and are not listed."


def _batch(name: str, found: Coefficients) -> BatchLine:
    note = "" if found.shared >= FEW else f"few (under {FEW})"
    return BatchLine(
        batch=name,
        shared=f"{found.shared:,} of {found.items:,}",
        percent=_with_interval(found.percent_agreement, is_share=True),
        alpha=_with_interval(found.krippendorff_alpha),
        ac1=_with_interval(found.gwet_ac1),
        note=note if found.shared else "nobody shares a pair",
    )


def _value(value: float | None, is_share: bool = False) -> str:
    if value is None:
        return wording.NOT_AVAILABLE
    return wording.share(value) if is_share else f"{value:.2f}"


def _interval(ends: tuple[float, float] | None, is_share: bool = False) -> str:
    if ends is None:
        return wording.NOT_AVAILABLE
    return " to ".join(_value(end, is_share) for end in ends)


def _with_interval(figure: Figure, is_share: bool = False) -> str:
    if figure.value is None:
        return wording.NOT_AVAILABLE
    return f"{_value(figure.value, is_share)} ({_interval(figure.ci95, is_share)})"
