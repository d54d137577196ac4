"""Everything that decides the pairs of a dataset version: votes, labels, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars

from labeling import outcomes
from storage import analytics, audit_set, batches, contents, dataset_split, gold, labels, round_log
from storage.analytics.view import View
from storage.audit_set import AuditSet
from storage.exclusions import Exclusion
from storage.ledger import Connection
from storage.rows import AssignmentKind, Batch, Verdict
from storage.workspace import Workspace


@dataclass(frozen=True)
class Evidence:
    """What is known about the pairs in question.

    Attributes:
        pairs: columns `pair` (its number), `pair_id` and `category`.
        cast: votes and decisions that count, in the order in which they came: `pair`, `annotator`,
            `verdict`, `kind`, `received_at`. Who skipped said nothing.
        labels: imported labels, one row a pair: `pair_id`, `winner`, `winners` (how many different
            ones), `labeled_by`, `sources` (how many different ones) and `record_id`.
        exclusions: what keeps votes out that could have counted.
        excluded_votes: annotator -> how many.
        excluded_pairs: pairs that a lead left out.
        audit: what is kept from training.
        sharing: pairs that share something with the audit set.
        truth: gold pair -> its answer.
    """

    pairs: polars.DataFrame
    cast: polars.DataFrame
    labels: polars.DataFrame
    exclusions: Sequence[Exclusion]
    excluded_votes: Mapping[str, int]
    excluded_pairs: Sequence[str]
    audit: AuditSet
    sharing: Sequence[str]
    truth: Mapping[str, str]

    @property
    def vote_labels(self) -> str:
        """Who decided by votes: the only annotator, or all together."""
        voters = self.cast["annotator"].unique()
        return str(voters[0]) if len(voters) == 1 else "consensus"

    def judges(self, pair_ids: polars.Series) -> dict[str, tuple[str, ...]]:
        """Who judged each of these. A lead decides with the votes of others in sight: that is no
        judging."""
        judged = self.cast.filter(polars.col("kind") != AssignmentKind.ADJUDICATION.value)
        who = polars.col("annotator").cast(polars.String).unique().sort()
        by_pair = judged.group_by("pair").agg(who).join(self.pairs, on="pair")
        wanted = polars.DataFrame({"pair_id": pair_ids})
        found = wanted.join(by_pair.select("pair_id", "annotator"), on="pair_id", how="left")
        return {pair_id: tuple(names or ()) for pair_id, names in found.iter_rows()}

    def decisive(self) -> polars.DataFrame:
        """Voices for one of two answers: columns `pair_id`, `annotator` and `outcome`."""
        said = outcomes.voices(self.cast).filter(polars.col("outcome") != Verdict.TIE.value)
        return said.join(self.pairs.select("pair", "pair_id"), on="pair").drop("pair")

    def known_truth(self) -> dict[str, str]:
        """Pair -> the answer that is right: gold, or decided by a lead."""
        decided = outcomes.decisions(self.cast).join(self.pairs, on="pair")
        return dict(decided.select("pair_id", "lead").iter_rows()) | dict(self.truth)


def gather(
    workspace: Workspace, batch: str | None, round_number: int | None, wanted: str
) -> Evidence:
    """What is known now about the pairs of a batch, of the batches of a round, or about all.

    Args:
        wanted: `votes`, `imported` or `both`; votes are left out where they are not wanted.

    Raises:
        NotFoundError: there is no such batch or round.
        DamagedError: sealed votes cannot be read.
    """
    with workspace.ledger.read() as db:
        within = batches_within(db, batch, round_number)
    places = None if within is None else [one.id for one in within]
    with analytics.open(workspace).reading() as view:
        pairs = _pairs(view, places)
        counted = _cast(view, places if wanted != "imported" else [])
        excluded = _left_out(view, places if wanted != "imported" else [])
        left_out = view.coded.exclusions
    with workspace.ledger.read() as db:
        kept = audit_set.kept(db)
        known = batches.listed(db) if within is None else within
        return Evidence(
            pairs=pairs,
            cast=counted,
            labels=_labels(db, places),
            exclusions=[
                one
                for one in left_out.standing
                if one.annotator in excluded and (places is None or one.batch_id in (None, *places))
            ],
            excluded_votes=excluded,
            excluded_pairs=list(left_out.pairs),
            audit=kept,
            sharing=_sharing(db, kept, pairs["pair_id"]),
            truth={pair: won for one in known for pair, won in gold.winners(db, one.id).items()},
        )


def batches_within(
    db: Connection, batch: str | None, round_number: int | None
) -> Sequence[Batch] | None:
    """The batches to take pairs and votes from, or None for everything.

    Raises NotFoundError when there is no such batch or round.
    """
    if batch is not None:
        return [batches.get(db, batch)]
    if round_number is None:
        return None
    round_log.get(db, round_number)
    return round_log.batches_of(db, round_number)


def _pairs(view: View, places: Sequence[str] | None) -> polars.DataFrame:
    """Each pair once: two batches of a round may share one."""
    known = view.coded.pairs.select("pair_id", "category").with_row_index("pair")
    if places is None:
        return known
    none = polars.Series("pair", [], polars.UInt32)
    members = [polars.Series("pair", view.coded.members.get(place, [])) for place in places]
    numbers = polars.concat([none, *(one.cast(polars.UInt32) for one in members)])
    return known[numbers.unique(maintain_order=True)]


def _cast(view: View, places: Sequence[str] | None) -> polars.DataFrame:
    found = [view.effective(place) for place in (places if places is not None else [""])]
    cast = polars.concat([view.effective().clear(), *found])
    said = cast.filter(polars.col("verdict") != Verdict.SKIP.value)
    return said.sort("received_at", maintain_order=True)


def _left_out(view: View, places: Sequence[str] | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for place in places if places is not None else [""]:
        for name, count in view.left_out(place).items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def _labels(db: Connection, places: Sequence[str] | None) -> polars.DataFrame:
    winner, source = polars.col("winner"), polars.col("labeled_by")
    return (
        labels.columns(db, places)
        .group_by("pair_id")
        .agg(
            winner=winner.first(),
            winners=winner.n_unique(),
            labeled_by=source.first(),
            sources=source.n_unique(),
            record_id=polars.col("record_id").min(),
        )
    )


def _sharing(db: Connection, kept: AuditSet, pair_ids: polars.Series) -> list[str]:
    """The pairs that show a picture of the audit set, or ask one of its questions."""
    if not kept.keys:
        return []
    found = contents.of_pairs(db, pair_ids)
    keys = dataset_split.sharing_keys_of(found["prompt"])
    shared = [not kept.keys.isdisjoint(one) for one in keys]
    return found["pair_id"].filter(polars.Series(shared, dtype=polars.Boolean)).to_list()
