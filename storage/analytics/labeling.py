"""Figures of labeling: which pairs match a filter, and how the votes of a batch stand."""

from __future__ import annotations

from dataclasses import dataclass

from storage import identity
from storage.analytics.view import View, effective_votes
from storage.errors import WrongInputError
from storage.pairs import LONGEST_SEARCH, PairFilter
from storage.rows import Verdict

# pieces of statements; `{votes}` and `{pairs}` are filled in by the view, values are parameters
_OF_BATCH = "batch_id = $batch"
_OF_CATEGORY = "pair_id IN (SELECT pair_id FROM {pairs} WHERE category = $category)"
_HAS_WORDS = "contains(words, $text)"
_WITH_WORDS = f"pair_id IN (SELECT pair_id FROM {{pairs}} WHERE {_HAS_WORDS})"  # noqa: S608


@dataclass(frozen=True)
class Tally:
    """Pairs of a batch that have the same votes.

    Attributes:
        cast: effective votes on each, skips included.
        decided: those that are no skip and no lead's.
        a, b, tie: voices: the latest decision of each annotator, `both_bad` as a tie.
        lead: the latest decision of a lead, empty without one.
        pairs: how many pairs.
    """

    batch_id: str
    cast: int
    decided: int
    a: int
    b: int
    tie: int
    lead: str
    pairs: int


# Where all votes on a pair are of the normal kind, each is a voice: nobody gets a pair twice. Only
# pairs with votes of other kinds need the latest decision of each annotator.
_MIXED = "SELECT DISTINCT pair_id FROM {votes} WHERE assignment_kind NOT IN ('normal', 'repeat')"
_PLAIN = f"""
    SELECT batch_id, cast_votes, cast_votes - skip, a, b, cast_votes - skip - a - b, '', count(*)
    FROM (
        SELECT batch_id, pair_id, count(*) AS cast_votes,
            count(*) FILTER (verdict = 'skip') AS skip,
            count(*) FILTER (verdict = 'a') AS a,
            count(*) FILTER (verdict = 'b') AS b
        FROM ({effective_votes("pair_id NOT IN (SELECT unnest($mixed))")})
        GROUP BY batch_id, pair_id
    ) GROUP BY ALL ORDER BY ALL
"""  # noqa: S608
_VOICES = f"""
    WITH effective AS (
        SELECT batch_id, pair_id, annotator, assignment_kind = 'adjudication' AS by_lead,
            (received_at, assignment_id) AS moment,
            CASE verdict WHEN 'both_bad' THEN 'tie' WHEN 'skip' THEN NULL ELSE verdict END
                AS outcome
        FROM ({effective_votes("pair_id IN (SELECT unnest($mixed))")})
    ),
    voices AS (
        SELECT batch_id, pair_id, by_lead, count(*) AS cast_votes, count(outcome) AS decided,
            arg_max(outcome, moment) FILTER (outcome IS NOT NULL) AS voice,
            max(moment) FILTER (outcome IS NOT NULL) AS moment
        FROM effective GROUP BY batch_id, pair_id, annotator, by_lead
    ),
    by_pair AS (
        SELECT batch_id, pair_id, sum(cast_votes)::BIGINT AS cast_votes,
            coalesce(sum(decided) FILTER (NOT by_lead), 0)::BIGINT AS decided,
            count(*) FILTER (voice = 'a' AND NOT by_lead) AS a,
            count(*) FILTER (voice = 'b' AND NOT by_lead) AS b,
            count(*) FILTER (voice = 'tie' AND NOT by_lead) AS tie,
            coalesce(arg_max(voice, moment) FILTER (by_lead), '') AS lead
        FROM voices GROUP BY batch_id, pair_id
    )
    SELECT batch_id, cast_votes, decided, a, b, tie, lead, count(*)
    FROM by_pair GROUP BY ALL ORDER BY ALL
"""  # noqa: S608


def tallies(view: View) -> list[Tally]:
    """How often each combination of votes occurs in each batch; pairs without votes are not in."""
    mixed = view.query(_MIXED)["pair_id"].to_list()
    found = list(view.query(_PLAIN, {"mixed": mixed}).iter_rows())
    if mixed:
        found += view.query(_VOICES, {"mixed": mixed}).iter_rows()
    return [Tally(*row) for row in found]


def sizes(view: View) -> dict[str, int]:
    """Batch -> its number of pairs; a batch without pairs is not in."""
    sql = "SELECT batch_id, count(*) FROM members GROUP BY batch_id"
    return dict(view.query(sql).iter_rows())


def labeled(view: View) -> dict[str, int]:
    """Batch -> its number of pairs with an imported label."""
    sql = "SELECT batch_id, count(DISTINCT pair_id) FROM labels GROUP BY batch_id"
    return dict(view.query(sql).iter_rows())


def count(view: View, chosen: PairFilter) -> int:
    """Number of pairs that match.

    Raises:
        WrongInputError: the filter cannot be used.
    """
    source, conditions, values = _matching(chosen)
    sql = f"SELECT count(*) FROM {source} WHERE {conditions}"  # noqa: S608
    return int(view.query(sql, values).item())


def page(view: View, chosen: PairFilter, limit: int, offset: int = 0) -> list[str]:
    """Ids of up to `limit` pairs that match, after skipping `offset`: by position in the batch when
    a batch is given, else oldest first.

    Raises:
        WrongInputError: the filter, limit or offset cannot be used.
    """
    if limit < 0 or offset < 0:
        raise WrongInputError(
            f"A page of {limit} pairs from {offset} on does not exist.", "Use 0 or more for both."
        )
    source, conditions, values = _matching(chosen)
    order = "position" if chosen.batch else "created_at, pair_id"
    sql = f"""SELECT pair_id FROM {source} WHERE {conditions}
        ORDER BY {order} LIMIT $limit OFFSET $offset"""  # noqa: S608
    found = view.query(sql, {**values, "limit": limit, "offset": offset})
    return found["pair_id"].to_list()


def _matching(chosen: PairFilter) -> tuple[str, str, dict[str, str]]:
    """Table, conditions and parameters of a filter."""
    _check(chosen)
    values: dict[str, str] = {}
    source, conditions = "{pairs}", ["true"]
    if chosen.batch:
        source = "members"
        conditions.append(_OF_BATCH)
        values["batch"] = identity.batch_id(chosen.batch)
    if chosen.category:
        conditions.append("category = $category" if source != "members" else _OF_CATEGORY)
        values["category"] = chosen.category
    if chosen.text:
        conditions.append(_HAS_WORDS if source != "members" else _WITH_WORDS)
        values["text"] = chosen.text.lower()
    voted = {"annotator": chosen.annotator, "verdict": chosen.verdict}
    if any(voted.values()):
        conditions.append(_voted_on(voted, bool(chosen.batch)))
        values |= {name: value for name, value in voted.items() if value}
    return source, " AND ".join(conditions), values


def _voted_on(voted: dict[str, str], in_batch: bool) -> str:
    """Pairs with an effective vote, in the batch if one is given."""
    shared = ["annotator = $annotator"] if voted["annotator"] else []
    votes = effective_votes(" AND ".join([*shared, _OF_BATCH] if in_batch else shared) or "true")
    verdict = "verdict = $verdict" if voted["verdict"] else "true"
    return f"pair_id IN (SELECT pair_id FROM ({votes}) WHERE {verdict})"  # noqa: S608


def _check(chosen: PairFilter) -> None:
    if len(chosen.text) > LONGEST_SEARCH or "\0" in chosen.text:
        raise WrongInputError(
            f"A search for {len(chosen.text)} characters cannot be made.",
            f"Search for up to {LONGEST_SEARCH} characters, without NUL.",
        )
    if chosen.verdict and chosen.verdict not in set(Verdict):
        raise WrongInputError(
            f"{chosen.verdict[:40]!r} is no verdict.", f"Verdicts: {', '.join(Verdict)}."
        )
