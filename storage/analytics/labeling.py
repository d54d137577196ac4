"""Figures of labeling: which pairs match a filter, and how the votes of a batch stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars

from storage import identity
from storage.analytics.coded import NUMBER, Coded, Mask, Numbers, number_of
from storage.analytics.view import View
from storage.pair_filters import PairFilter
from storage.rows import AssignmentKind, Verdict

_WITH_WORDS = """SELECT numbered.pair FROM {pairs} AS searched
    JOIN numbered ON numbered.pair_id = searched.pair_id WHERE contains(searched.words, $text)"""

_SAME = ["cast", "decided", "a", "b", "tie", "lead"]


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

    cast: int
    decided: int
    a: int
    b: int
    tie: int
    lead: str
    pairs: int


def tallies(view: View, batch_id: str) -> list[Tally]:
    """How often each combination of votes occurs in a batch; pairs without votes are not in."""
    votes = view.coded.votes_of(batch_id)
    # nobody gets a pair twice in a batch, but for checks
    is_special = polars.col("kind") != AssignmentKind.NORMAL.value
    by_pair = _by_pair(votes, votes.filter(is_special)["pair"].unique())
    found = by_pair.group_by(_SAME).len().sort(_SAME)
    return [Tally(*row) for row in found.iter_rows()]


def tallied_pairs(view: View) -> list[tuple[Tally, Numbers]]:
    """The pairs with votes in any batch, by the combination of their votes."""
    coded = view.coded
    votes = coded.counted
    is_special = polars.col("kind") != AssignmentKind.NORMAL.value
    members = [np.zeros(0, np.uint32), *coded.members.values()]
    shared = np.flatnonzero(np.bincount(np.concatenate(members)) > 1).astype(np.uint32)
    # in two batches somebody may have said two things about a pair
    mixed = polars.concat([votes.filter(is_special)["pair"], polars.Series("pair", shared, NUMBER)])
    found = _by_pair(votes, mixed.unique()).group_by(_SAME).agg("pair").sort(_SAME)
    same = found.select(*_SAME, polars.col("pair").list.len().alias("pairs")).iter_rows()
    return [(Tally(*row), pairs.to_numpy()) for row, pairs in zip(same, found["pair"], strict=True)]


def _by_pair(votes: polars.DataFrame, mixed: polars.Series) -> polars.DataFrame:
    """Voices by pair: columns `pair` and `_SAME`.

    Args:
        mixed: pairs on which a person may have said several things, or a lead something. Where all
            votes are of different people, each is a voice and needs no look at who cast it.
    """
    if mixed.is_empty():
        return _plain(votes)
    is_mixed = polars.col("pair").is_in(mixed.implode())
    return polars.concat([_plain(votes.filter(~is_mixed)), _heard(votes.filter(is_mixed))])


def _plain(votes: polars.DataFrame) -> polars.DataFrame:
    """Voices by pair where every vote is one."""
    said = {name: polars.col("verdict") == name for name in ("a", "b", "skip")}
    counts = {name: is_said.sum().cast(polars.Int64) for name, is_said in said.items()}
    by_pair = votes.group_by("pair").agg(polars.len().cast(polars.Int64).alias("cast"), **counts)
    decided = polars.col("cast") - polars.col("skip")
    tie = decided - polars.col("a") - polars.col("b")
    return by_pair.select(
        *("pair", "cast", decided.alias("decided"), "a", "b", tie.alias("tie")),
        polars.lit("").alias("lead"),
    )


def _heard(votes: polars.DataFrame) -> polars.DataFrame:
    """Voices by pair where a person may have said several things, a lead among them."""
    verdict = polars.col("verdict").cast(polars.String)
    outcome = verdict.replace({Verdict.BOTH_BAD.value: Verdict.TIE.value, Verdict.SKIP.value: None})
    is_lead = polars.col("kind") == AssignmentKind.ADJUDICATION.value
    said = votes.with_row_index("moment").with_columns(outcome=outcome, by_lead=is_lead)
    has_said = polars.col("outcome").is_not_null()
    voices = said.group_by("pair", "annotator", "by_lead").agg(
        cast=polars.len(),
        decided=polars.col("outcome").count(),
        voice=polars.col("outcome").sort_by("moment").drop_nulls().last(),
        moment=polars.col("moment").filter(has_said).max(),
    )
    heard = voices.sort("moment", nulls_last=False)
    by_lead, voice = polars.col("by_lead"), polars.col("voice")
    counts = {name: ((voice == name) & ~by_lead).sum() for name in ("a", "b", "tie")}
    whole = {
        "cast": polars.col("cast").sum(),
        "decided": polars.col("decided").filter(~by_lead).sum(),
        **counts,
    }
    by_pair = heard.group_by("pair", maintain_order=True).agg(
        **{name: count.cast(polars.Int64) for name, count in whole.items()},
        lead=voice.filter(by_lead).drop_nulls().last().fill_null(""),
    )
    return by_pair.select("pair", *_SAME)


def sizes(view: View) -> dict[str, int]:
    """Batch -> its number of pairs; a batch without pairs is not in."""
    return {batch: len(members) for batch, members in view.coded.members.items()}


def with_words(view: View, text: str) -> Mask:
    """Which pairs have a text in the prompt or an answer, in letters of either case.

    Depends on the pairs only: see `View.mark_of_pairs`.

    Raises:
        WrongInputError: the text cannot be searched for.
    """
    PairFilter(text=text).check()
    return view.coded.mask(view.query(_WITH_WORDS, {"text": text.lower()})["pair"].to_numpy())


def matching(
    view: View, chosen: PairFilter, words: Mask | None = None, among: Mask | None = None
) -> Numbers:
    """The numbers of the pairs that match: by position in the batch when a batch is given, else
    oldest first. `View.coded.names_of` tells their ids.

    Args:
        words: what `with_words` found for the text of the filter, where that is known.
        among: only these pairs; `noted` finds those for what the ledger alone knows.

    Raises:
        WrongInputError: the filter cannot be used.
    """
    chosen.check()
    coded = view.coded
    keep = np.ones(coded.pairs.height, np.bool_) if among is None else among.copy()
    if chosen.text:
        keep &= with_words(view, chosen.text) if words is None else words
    if chosen.category:
        keep &= (coded.pairs["category"] == chosen.category).to_numpy()
    batch_id = identity.batch_id(chosen.batch) if chosen.batch else ""
    if chosen.asks_for_votes:
        keep &= _voted_on(coded, chosen, batch_id)
    if not batch_id:
        return np.flatnonzero(keep).astype(np.uint32)
    members = coded.members.get(batch_id, np.zeros(0, np.uint32))
    return members[keep[members]]


def _voted_on(coded: Coded, chosen: PairFilter, batch_id: str) -> Mask:
    """Pairs with an effective vote, in the batch if one is given."""
    conditions = [polars.lit(True)]
    if batch_id:
        conditions.append(polars.col("batch") == number_of(batch_id, coded.batches))
    if chosen.annotator:
        conditions.append(polars.col("annotator") == number_of(chosen.annotator, coded.annotators))
    if chosen.verdict:
        conditions.append(polars.col("verdict") == chosen.verdict)
    low, high = chosen.voted_between
    if chosen.voted_from:
        conditions.append(polars.col("received_at") >= low)
    if chosen.voted_to:
        conditions.append(polars.col("received_at") < high)
    found = coded.votes.lazy().filter(polars.all_horizontal(conditions)).select("pair").collect()
    return coded.mask(found["pair"].to_numpy())
