"""From decisions to a dataset version: which pairs go in, which stay out and why.

Every pair of the batch is either a row or counted under exactly one reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from labeling import consensus
from labeling.annotator_models import accuracy
from labeling.consensus import ConsensusPolicy
from storage import (
    batches,
    dataset_split,
    dataset_versions,
    exclusions,
    gold,
    labels,
    pairs,
    votes,
)
from storage.dataset_split import Split
from storage.errors import WrongInputError
from storage.exclusions import Exclusion
from storage.ledger import Connection
from storage.pairs import PairFilter
from storage.rows import (
    AssignmentKind,
    Batch,
    DatasetRow,
    DatasetVersion,
    EffectiveVote,
    ImportedLabel,
    Json,
    PairView,
    Verdict,
)
from storage.workspace import Workspace

LABEL_CHOICES = ("votes", "imported", "both")

NO_LABEL = "no imported label"
CONFLICTING = "conflicting imported labels"

# Pairs are read in slices, so that a large batch never lies in memory twice.
_SLICE = 500


@dataclass(frozen=True)
class BuildSettings:
    """What decides which pairs become rows.

    Attributes:
        batch: name of one batch, or None for every batch.
        labels: `votes` (consensus of the experts), `imported` (labels that came with a file), or
            `both`: votes where a pair has any, else its imported label. A pair on which the
            experts could not agree stays out; its imported label does not overrule them.
        policy, min_votes, min_agreement, min_confidence: how votes settle a pair, see
            `labeling.consensus`; agreement and confidence are 0 to 1.
        holdout: share of the rows kept from training, 0 to below 1.
        holdout_by: `media`, drawn by prompt group, or `annotator`: what some of them judged.
        seed: of the split.
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


@dataclass(frozen=True)
class DatasetPreview:
    """What `build` would write. `pairs` = rows + the sum of `excluded`.

    `excluded_by_category` counts the same pairs by category, then by reason.

    Attributes:
        exclusions: what keeps votes out that could have counted, see `storage.exclusions`, and how
            many votes of whom.
        judges: pair id -> who judged it, where the holdout is drawn by annotator, else None.
    """

    pairs: int
    rows: Sequence[DatasetRow]
    labels: str
    excluded: Mapping[str, int]
    excluded_by_category: Mapping[str, Mapping[str, int]]
    exclusions: Sequence[Exclusion] = ()
    excluded_votes: Mapping[str, int] = field(default_factory=dict)
    judges: Mapping[str, Sequence[str]] | None = None

    def split(self, holdout: float, seed: int) -> Split:
        """The split that a build will draw, over the rows by pair id."""
        ordered = sorted(self.rows, key=lambda row: row.pair_id)
        return dataset_split.drawn(ordered, holdout, seed, self.judges)


@dataclass(frozen=True)
class _Decision:
    """The winner of a pair, or the reason why there is none."""

    winner: str
    labels: str = ""
    votes: int = 0
    confidence: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class _Evidence:
    """Everything known about the pairs, by pair id."""

    votes: Mapping[str, Sequence[EffectiveVote]]
    imported: Mapping[str, Sequence[ImportedLabel]]
    vote_labels: str
    exclusions: Sequence[Exclusion] = ()
    excluded_votes: Mapping[str, int] = field(default_factory=dict)


def build(workspace: Workspace, settings: BuildSettings) -> DatasetVersion:
    """Write the dataset version; the same decisions and settings give the same version again.

    Raises:
        NotFoundError: no such batch.
        WrongInputError: a setting out of range, or not a single pair is decided.
    """
    found = preview(workspace, settings)
    if not found.rows:
        raise _nothing_decided(settings, found)
    return dataset_versions.write(
        workspace,
        found.rows,
        labels=found.labels,
        policy={**asdict(settings), **_recorded(found)},
        excluded=found.excluded,
        holdout=settings.holdout,
        seed=settings.seed,
        judges=found.judges,
    )


def preview(workspace: Workspace, settings: BuildSettings) -> DatasetPreview:
    """The rows and the excluded pairs that `build` would write, without writing anything."""
    _check(settings)
    rows: list[DatasetRow] = []
    excluded: dict[str, Counter[str]] = {}
    seen = 0
    by_annotator = settings.holdout_by == dataset_split.BY_ANNOTATOR
    with workspace.ledger.read() as db:
        batch = batches.get(db, settings.batch) if settings.batch is not None else None
        evidence = _evidence(db, batch, settings.labels)
        policy = _policy(db, settings, evidence)
        for view in _pairs_of(db, batch):
            seen += 1
            decision = _decide(view.pair.id, evidence, policy, settings.labels)
            if decision.reason:
                excluded.setdefault(view.prompt.category, Counter())[decision.reason] += 1
            else:
                rows.append(_row(view, decision, evidence.imported.get(view.pair.id, ())))
    total = sum(excluded.values(), Counter())
    return DatasetPreview(
        pairs=seen,
        rows=rows,
        labels=_name_of(rows),
        excluded=dict(sorted(total.items())),
        excluded_by_category=excluded,
        exclusions=evidence.exclusions,
        excluded_votes=evidence.excluded_votes,
        judges=_judges(rows, evidence) if by_annotator else None,
    )


def _recorded(found: DatasetPreview) -> Json:
    """The exclusions in force, as a version keeps them; nothing where there are none."""
    if not found.exclusions:
        return {}
    names = ("number", "annotator", "batch", "assignment_id", "actor", "reason", "created_at")
    events = [{name: getattr(one, name) for name in names} for one in found.exclusions]
    return {"exclusions": {"votes": dict(found.excluded_votes), "events": events}}


def _judges(rows: Sequence[DatasetRow], evidence: _Evidence) -> dict[str, tuple[str, ...]]:
    """Who judged each row. A lead decides with the votes of others in sight: that is no judging."""
    return {
        row.pair_id: tuple(
            sorted(
                {
                    vote.annotator
                    for vote in evidence.votes.get(row.pair_id, ())
                    if vote.kind is not AssignmentKind.ADJUDICATION
                }
            )
        )
        for row in rows
    }


def _policy(db: Connection, settings: BuildSettings, evidence: _Evidence) -> ConsensusPolicy:
    """The policy of the settings; `weighted` estimates every annotator from the votes at hand."""
    policy = ConsensusPolicy(
        name=settings.policy,
        min_votes=settings.min_votes,
        min_agreement=settings.min_agreement,
        min_confidence=settings.min_confidence,
    )
    if policy.name != consensus.WEIGHTED:
        return policy
    known = [batches.get(db, settings.batch)] if settings.batch else batches.listed(db)
    right = {pair: won for one in known for pair, won in gold.winners(db, one.id).items()}
    found = accuracy.of_votes(evidence.votes, right)
    return replace(policy, accuracies={name: one.value for name, one in found.items()})


def _check(settings: BuildSettings) -> None:
    if settings.labels not in LABEL_CHOICES:
        raise WrongInputError(
            f"labels is {settings.labels!r}.", f"Use one of: {', '.join(LABEL_CHOICES)}."
        )
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
    if not 0 <= settings.holdout < 1:
        raise WrongInputError(
            f"holdout is {settings.holdout}.", "Use a share from 0 to below 1, such as 0.1."
        )


def _pairs_of(db: Connection, batch: Batch | None) -> Iterator[PairView]:
    chosen = PairFilter(batch=batch.name if batch else "")
    offset = 0
    while found := pairs.page(db, chosen, limit=_SLICE, offset=offset):
        yield from found
        offset += len(found)


def _evidence(db: Connection, batch: Batch | None, wanted: str) -> _Evidence:
    batch_id = batch.id if batch else None
    cast: dict[str, list[EffectiveVote]] = {}
    everything = votes.cast(db, batch_id) if wanted != "imported" else []
    left_out = exclusions.in_force(db)
    for vote in everything:
        # who skipped said nothing: an imported label may still speak
        if vote.verdict is not Verdict.SKIP and not left_out.covers(vote):
            cast.setdefault(vote.pair_id, []).append(vote)
    excluded = left_out.counted(everything)
    imported: dict[str, list[ImportedLabel]] = {}
    for label in labels.of_pairs(db, batch_id):
        imported.setdefault(label.pair_id, []).append(label)
    voters = {vote.annotator for found in cast.values() for vote in found}
    return _Evidence(
        votes=cast,
        imported=imported,
        vote_labels=voters.pop() if len(voters) == 1 else "consensus",
        exclusions=[
            one
            for one in left_out.standing
            if one.annotator in excluded and one.batch_id in (None, batch_id or one.batch_id)
        ],
        excluded_votes=excluded,
    )


def _decide(pair_id: str, evidence: _Evidence, policy: ConsensusPolicy, wanted: str) -> _Decision:
    cast = evidence.votes.get(pair_id, ())
    if wanted == "votes" or (wanted == "both" and cast):
        return _by_votes(cast, policy, evidence.vote_labels)
    return _by_labels(evidence.imported.get(pair_id, ()))


def _by_votes(cast: Sequence[EffectiveVote], policy: ConsensusPolicy, name: str) -> _Decision:
    settled = consensus.settle(cast, policy)
    if not settled.settled:
        return _Decision(winner="", reason=settled.reason)
    return _Decision(
        winner=str(settled.outcome),
        labels=name,
        votes=settled.votes,
        confidence=settled.confidence,
    )


def _by_labels(imported: Sequence[ImportedLabel]) -> _Decision:
    winners = {label.winner for label in imported}
    if not winners:
        return _Decision(winner="", reason=NO_LABEL)
    if len(winners) > 1:
        return _Decision(winner="", reason=CONFLICTING)
    sources = {label.labeled_by for label in imported}
    # an imported label says nothing about how sure its author was: it is taken as given
    return _Decision(
        winner=winners.pop(),
        labels=sources.pop() if len(sources) == 1 else "mixed",
        confidence=1.0,
    )


def _row(view: PairView, decision: _Decision, imported: Sequence[ImportedLabel]) -> DatasetRow:
    chosen, rejected = view.text_a, view.text_b
    if decision.winner == Verdict.B:
        chosen, rejected = rejected, chosen
    return DatasetRow(
        pair_id=view.pair.id,
        prompt=view.prompt,
        chosen=chosen,
        rejected=rejected,
        labels=decision.labels,
        votes=decision.votes,
        confidence=decision.confidence,
        record_id=min((label.record_id for label in imported), default=""),
    )


def _name_of(rows: Sequence[DatasetRow]) -> str:
    names = {row.labels for row in rows}
    if len(names) > 1:
        return "mixed"
    return names.pop() if names else ""


def _nothing_decided(settings: BuildSettings, found: DatasetPreview) -> WrongInputError:
    where = f"batch {settings.batch!r}" if settings.batch is not None else "the workspace"
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
