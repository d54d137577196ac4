"""From decisions to a dataset version: which pairs go in, which stay out and why.

Every pair of the batch is either a row or counted under exactly one reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import polars

from labeling import consensus
from labeling.annotator_models import accuracy
from labeling.consensus import ConsensusPolicy
from rounds import decisions, evidence, row_filters
from rounds.evidence import Evidence
from rounds.row_filters import RowFilter, Taken
from storage import contents, dataset_split, dataset_table, dataset_versions, judgements
from storage.dataset_split import Split
from storage.dataset_table import DatasetTable
from storage.errors import WrongInputError
from storage.exclusions import Exclusion
from storage.judgements import KnownJudge
from storage.rows import DatasetVersion, Json, Verdict
from storage.workspace import Workspace

LABEL_CHOICES = ("votes", "imported", "both")


@dataclass(frozen=True)
class BuildSettings:
    """What decides which pairs become rows.

    Attributes:
        batch: name of one batch, or None for every batch.
        round: number of one round, to take all its batches, or None.
        labels: `votes` (consensus of the experts), `imported` (labels that came with a file), or
            `both`: votes where a pair has any, else its imported label. A pair on which the
            experts could not agree stays out; its imported label does not overrule them.
        policy, min_votes, min_agreement, min_confidence: how votes settle a pair, see
            `labeling.consensus`; agreement and confidence are 0 to 1.
        holdout: share of the rows kept from training, 0 to below 1.
        holdout_by: `media`, drawn by prompt group, or `annotator`: what some of them judged.
        seed: of the split.
        with_judge: name of a model whose labels stand where nothing else decides a pair, as in
            `storage.judgements`; empty for none.
        audit: build from the audit set alone, a version that only measures, not from all else.
        filters: what else a pair has to be, by the words of the pair explorer.
    """

    batch: str | None = None
    labels: str = "votes"
    policy: str = "majority"
    min_votes: int = 1
    min_agreement: float = 0.67
    min_confidence: float = 0.0
    holdout: float = 0.1
    holdout_by: str = dataset_split.BY_MEDIA
    seed: int = 0
    audit: bool = False
    with_judge: str = ""
    round: int | None = None
    filters: RowFilter = field(default_factory=RowFilter)


@dataclass(frozen=True)
class DatasetPreview:
    """What `build` would write. `pairs` = rows + the sum of `excluded`.

    `excluded_by_category` counts the same pairs by category, then by reason.

    Attributes:
        exclusions: what keeps votes out that could have counted, see `storage.exclusions`, and how
            many votes of whom.
        judge: the model whose labels stand where nothing else decides, None for none.
        judges: pair id -> who judged it, where the holdout is drawn by annotator, else None.
        taken: what each filter takes away by itself.
    """

    pairs: int
    rows: DatasetTable
    labels: str
    excluded: Mapping[str, int]
    excluded_by_category: Mapping[str, Mapping[str, int]]
    exclusions: Sequence[Exclusion] = ()
    excluded_votes: Mapping[str, int] = field(default_factory=dict)
    judges: Mapping[str, Sequence[str]] | None = None
    judge: KnownJudge | None = None
    taken: Sequence[Taken] = ()

    def split(self, holdout: float, seed: int) -> Split:
        """The split that a build will draw, over the rows by pair id."""
        return dataset_split.drawn(self.rows.by_pair(), holdout, seed, self.judges)


def build(workspace: Workspace, settings: BuildSettings) -> DatasetVersion:
    """Write the dataset version; the same decisions and settings give the same version again.

    Raises:
        NotFoundError: no such batch.
        WrongInputError: a setting out of range, or not a single pair is decided.
    """
    if settings.audit:
        settings = replace(settings, holdout=0.0)
    found = preview(workspace, settings)
    if not found.rows:
        raise _nothing_decided(settings, found)
    return dataset_versions.write(
        workspace,
        found.rows,
        labels=found.labels,
        policy={**_said(settings), **_recorded(found)},
        excluded=found.excluded,
        holdout=settings.holdout,
        seed=settings.seed,
        judges=found.judges,
    )


def preview(workspace: Workspace, settings: BuildSettings) -> DatasetPreview:
    """The rows and the excluded pairs that `build` would write, without writing anything."""
    _check(settings)
    judge = judgements.find(workspace, settings.with_judge) if settings.with_judge else None
    judged = judgements.by_pair(workspace, judge.judge, judge.version) if judge else {}
    found = evidence.gather(workspace, settings.batch, settings.round, settings.labels)
    policy = _policy(settings, found)
    every = decisions.decide(found, policy, settings.labels, judged, audit=settings.audit)
    decided, taken = row_filters.apply(
        workspace, every, settings.filters, settings.batch, settings.round
    )
    rows = _rows(workspace, decided.filter(polars.col("reason") == ""))
    excluded = _counted(decided.filter(polars.col("reason") != ""))
    by_annotator = settings.holdout_by == dataset_split.BY_ANNOTATOR
    names = rows.frame["labels"].unique().to_list()
    return DatasetPreview(
        pairs=decided.height,
        rows=rows,
        labels="mixed" if len(names) > 1 else "".join(names),
        excluded=_total(excluded),
        excluded_by_category=excluded,
        exclusions=found.exclusions,
        excluded_votes=found.excluded_votes,
        judges=found.judges(rows.pair_ids) if by_annotator else None,
        judge=judge,
        taken=taken,
    )


def _said(settings: BuildSettings) -> Json:
    """The settings as they are kept with the version; of the filters those that are set."""
    said = asdict(settings)
    filters = settings.filters.said()
    return {**said, "filters": filters} if filters else _without(said, "filters")


def _without(said: Json, name: str) -> Json:
    return {key: value for key, value in said.items() if key != name}


def _rows(workspace: Workspace, decided: polars.DataFrame) -> DatasetTable:
    """The rows of decided pairs, by pair id."""
    with workspace.ledger.read() as db:
        found = contents.of_pairs(db, decided["pair_id"]).drop("category")
    is_b = polars.col("winner") == Verdict.B.value
    table = dataset_table.of_columns(
        found.join(decided, on="pair_id").with_columns(
            chosen=polars.when(is_b).then("text_b").otherwise("text_a"),
            rejected=polars.when(is_b).then("text_a").otherwise("text_b"),
        )
    )
    return table.by_pair()


def _counted(out: polars.DataFrame) -> dict[str, dict[str, int]]:
    """Category -> reason -> pairs."""
    found: dict[str, dict[str, int]] = {}
    for category, reason, count in out.group_by("category", "reason").len().iter_rows():
        found.setdefault(category, {})[reason] = count
    return found


def _total(counted: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Reason -> pairs, over all categories."""
    total: dict[str, int] = {}
    for counts in counted.values():
        for reason, count in counts.items():
            total[reason] = total.get(reason, 0) + count
    return dict(sorted(total.items()))


def _recorded(found: DatasetPreview) -> Json:
    """Rows by who decided them where a judge may have, and the exclusions in force, if any."""
    recorded: dict[str, object] = {}
    if found.judge is not None:
        counted = dict(found.rows.frame["labels"].value_counts().iter_rows())
        recorded = {"judge": f"{found.judge.judge}@{found.judge.version}", "rows_by": counted}
    if not found.exclusions:
        return recorded
    names = ("number", "annotator", "batch", "assignment_id", "actor", "reason", "created_at")
    events = [{name: getattr(one, name) for name in names} for one in found.exclusions]
    said = {"votes": dict(found.excluded_votes), "events": events}
    return {**recorded, "exclusions": said}


def _policy(settings: BuildSettings, found: Evidence) -> ConsensusPolicy:
    """The policy of the settings; `weighted` estimates every annotator from the votes at hand."""
    policy = ConsensusPolicy(
        name=settings.policy,
        min_votes=settings.min_votes,
        min_agreement=settings.min_agreement,
        min_confidence=settings.min_confidence,
    )
    if policy.name != consensus.WEIGHTED:
        return policy
    known = accuracy.of_votes(found.decisive(), found.known_truth())
    # sums of millions differ in the last digits from machine to machine, and digests must not
    return replace(policy, accuracies={name: round(one.value, 9) for name, one in known.items()})


def _check(settings: BuildSettings) -> None:
    if settings.labels not in LABEL_CHOICES:
        raise WrongInputError(
            f"labels is {settings.labels!r}.", f"Use one of: {', '.join(LABEL_CHOICES)}."
        )
    if settings.batch is not None and settings.round is not None:
        raise WrongInputError("A batch and a round are both named.", "Name one of them.")
    if settings.holdout_by not in dataset_split.WAYS:
        raise WrongInputError(
            f"holdout_by is {settings.holdout_by!r}.",
            f"Use one of: {', '.join(dataset_split.WAYS)}.",
        )
    if settings.holdout_by == dataset_split.BY_ANNOTATOR and settings.labels == "imported":
        raise WrongInputError(
            "Imported labels cannot be held out by annotator: nobody voted.",
            "Hold out by media, or build from votes.",
        )
    settings.filters.check()
    if not 0 <= settings.holdout < 1:
        raise WrongInputError(
            f"holdout is {settings.holdout}.", "Use a share from 0 to below 1, such as 0.1."
        )


def _nothing_decided(settings: BuildSettings, found: DatasetPreview) -> WrongInputError:
    where = "the workspace" if settings.round is None else f"round {settings.round}"
    where = where if settings.batch is None else f"batch {settings.batch!r}"
    if not found.pairs:
        return WrongInputError(f"There is no pair in {where}.", "Import some: pairwright import.")
    reasons = ", ".join(f"{count} with {reason}" for reason, count in found.excluded.items())
    next_step = (
        "Label first (pairwright link create), or use --labels imported."
        if settings.labels == "votes"
        else "Label first (pairwright link create), or import records with a preference."
    )
    return WrongInputError(
        f"None of the {found.pairs} pairs in {where} is decided: {reasons}.", next_step
    )
