"""What decides the pairs of a dataset version: the experts, a file, or a model that judged them."""

from __future__ import annotations

from collections.abc import Mapping

import polars

from labeling import consensus, outcomes
from labeling.consensus import ConsensusPolicy
from rounds.evidence import Evidence
from storage import audit_set, judgements
from storage.judgements import Judgement
from storage.rows import Verdict

NO_LABEL = "no imported label"
CONFLICTING = "conflicting imported labels"
JUDGE_TIE = "tie of the judge"
EXCLUDED = "excluded by a lead"
# nobody said anything about such a pair, so that a judge may
UNDECIDED = (consensus.NO_VOTES, NO_LABEL)

_REASON = polars.col("reason")
_JUDGED = {
    "pair_id": polars.String,
    "judged": polars.String,
    "judged_reason": polars.String,
    "judged_confidence": polars.Float64,
}


def decide(
    evidence: Evidence,
    policy: ConsensusPolicy,
    wanted: str,
    judged: Mapping[str, Judgement],
    *,
    audit: bool,
) -> polars.DataFrame:
    """The winner of every pair, or the reason why there is none.

    Args:
        wanted: whose decisions, `votes`, `imported` or `both`.
        judged: what a model says of pairs; it stands where nobody else says anything.
        audit: take the pairs of the audit set alone, and not all others.

    Returns:
        `pair`, `pair_id`, `category`, `winner`, `labels`, `votes`, `confidence`, `reason`,
        `record_id`, in the order of `evidence.pairs`. With a reason the rest says nothing.
    """
    settled = outcomes.of_votes(evidence.cast, policy)
    found = evidence.pairs.join(settled, on="pair", how="left", maintain_order="left")
    known = found.join(evidence.labels, on="pair_id", how="left", maintain_order="left")
    decided = known.select(
        *("pair", "pair_id", "category"),
        polars.col("record_id").fill_null(""),
        **_chosen(wanted, evidence.vote_labels),
    )
    if judged:
        decided = _with_judge(decided, judged, policy)
    return _without_barred(decided, evidence, audit=audit)


def _chosen(wanted: str, vote_labels: str) -> Mapping[str, polars.Expr]:
    """By votes or by labels. A pair on which experts could not agree stays out: its imported label
    does not overrule them."""
    by_votes = {
        "winner": polars.col("outcome"),
        "labels": polars.lit(vote_labels),
        "votes": polars.col("votes"),
        "confidence": polars.col("confidence"),
        "reason": _REASON.fill_null(consensus.NO_VOTES),
    }
    winners, is_one = polars.col("winners"), polars.col("sources") == 1
    reason = polars.when(winners.is_null()).then(polars.lit(NO_LABEL))
    by_labels = {
        "winner": polars.col("winner"),
        "labels": polars.when(is_one).then("labeled_by").otherwise(polars.lit("mixed")),
        "votes": polars.lit(0),
        # an imported label says nothing about how sure its author was: it is taken as given
        "confidence": polars.lit(1.0),
        "reason": reason.when(winners > 1).then(polars.lit(CONFLICTING)).otherwise(polars.lit("")),
    }
    has_votes = {
        "votes": polars.lit(True),
        "imported": polars.lit(False),
        "both": _REASON.is_not_null(),
    }[wanted]
    return {
        name: polars.when(has_votes).then(by_votes[name]).otherwise(by_labels[name])
        for name in by_votes
    }


def _with_judge(
    decided: polars.DataFrame, judged: Mapping[str, Judgement], policy: ConsensusPolicy
) -> polars.DataFrame:
    """What a model said where nobody else did; as sure as it said, else as one annotator is."""
    rows = [
        (
            one.pair_id,
            str(one.verdict),
            JUDGE_TIE if one.verdict is Verdict.TIE else "",
            policy.accuracy
            if one.share_of_a is None
            else max(one.share_of_a, 1.0 - one.share_of_a),
        )
        for one in judged.values()
    ]
    said = polars.DataFrame(rows, schema=_JUDGED, orient="row")
    found = decided.join(said, on="pair_id", how="left", maintain_order="left")
    speaks = _REASON.is_in(UNDECIDED) & polars.col("judged").is_not_null()
    in_its_place = {
        "winner": polars.col("judged"),
        "labels": polars.lit(judgements.SOURCE),
        "votes": polars.lit(0),
        "confidence": polars.col("judged_confidence"),
        "reason": polars.col("judged_reason"),
    }
    return found.select(
        *("pair", "pair_id", "category", "record_id"),
        **{
            name: polars.when(speaks).then(value).otherwise(polars.col(name))
            for name, value in in_its_place.items()
        },
    )


def _without_barred(
    decided: polars.DataFrame, evidence: Evidence, *, audit: bool
) -> polars.DataFrame:
    """What may be no row, whoever decided it."""
    pair_id = polars.col("pair_id")
    in_set = pair_id.is_in(list(evidence.audit.pairs))
    if audit:
        barred = {audit_set.NOT_IN_THE_SET: ~in_set}
    else:
        shares = pair_id.is_in(list(evidence.sharing))
        barred = {audit_set.SHARES_WITH_THE_SET: shares, audit_set.IN_THE_SET: in_set}
    barred[EXCLUDED] = pair_id.is_in(list(evidence.excluded_pairs))
    reason = _REASON
    # the last one is the one that is told
    for name, applies in barred.items():
        reason = polars.when(applies).then(polars.lit(name)).otherwise(reason)
    return decided.with_columns(reason=reason)
