"""Which pairs a dataset version may be made of: the filters of the pair explorer, by its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars

from labeling import explorer
from labeling.explorer import Search
from rounds.evidence import batches_within
from storage.pair_filters import PairFilter
from storage.workspace import Workspace

# before the words of a reason in `excluded`
OUTSIDE = "outside the filter"
_VOTES = ("annotator", "failure", "voted_from", "voted_to")
_CONFIDENCES = ("confidence_from", "confidence_to")
# filters that are one question, each with the others of its line
_QUESTIONS = (
    ("category",),
    ("source",),
    _VOTES,
    ("tag",),
    ("added_from", "added_to"),
    ("text",),
)


@dataclass(frozen=True)
class RowFilter:
    """What a pair has to be for a version; an empty field does not filter.

    What is asked of votes is asked of one effective vote in the batches that the version is built
    from; once such a vote is there, all votes on the pair decide it.

    Attributes:
        category, source, tag, text, annotator, failure: as in `storage.pair_filters.PairFilter`.
        voted_from, voted_to, added_from, added_to: days, as there.
        confidence_from, confidence_to: 0 to 1, both included: of the row as the version holds it,
            compared as it is shown, to two decimals.
    """

    category: str = ""
    source: str = ""
    annotator: str = ""
    failure: str = ""
    tag: str = ""
    text: str = ""
    voted_from: str = ""
    voted_to: str = ""
    added_from: str = ""
    added_to: str = ""
    confidence_from: float | None = None
    confidence_to: float | None = None

    def said(self) -> dict[str, str | float]:
        """Name of a filter -> its value, those that are set."""
        return {name: one for name, one in asdict(self).items() if one not in ("", None)}

    def check(self) -> None:
        """Refuse what cannot be searched for.

        Raises:
            WrongInputError: a field cannot be used; the message names its value.
        """
        facts, ends = self._fields(sum(_QUESTIONS, ())), self._fields(_CONFIDENCES)
        Search(PairFilter(**facts), "", **ends).check()

    def questions(self) -> list[dict[str, Any]]:
        """What is asked of pairs, one question after the other: names of filters -> values."""
        every = ({name: one for name, one in self._fields(q).items() if one} for q in _QUESTIONS)
        return [asked for asked in every if asked]

    def _fields(self, names: Sequence[str]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Taken:
    """What one filter does by itself.

    Attributes:
        asked: names of the filters that are one question -> values.
        pairs: pairs that do not match it.
        rows: those of them that would go in without any filter.
    """

    asked: Mapping[str, str | float]
    pairs: int
    rows: int

    @property
    def reason(self) -> str:
        """As it stands in `excluded`. Without the values: a version may be published, and one of
        them may name a person."""
        return f"{OUTSIDE} {' and '.join(self.asked)}".replace("_", " ")


def apply(
    workspace: Workspace,
    decided: polars.DataFrame,
    wanted: RowFilter,
    batch: str | None,
    round_number: int | None,
) -> tuple[polars.DataFrame, list[Taken]]:
    """Give what is outside a filter that reason, the first one where it is outside of several.

    It comes before every other reason, so that those tell of pairs inside the filters alone; only
    the confidence is asked of what else would be a row.

    Args:
        decided: columns `pair_id`, `confidence` and `reason` among others, see `rounds.decisions`.

    Raises:
        DamagedError: sealed votes or pairs cannot be read.
    """
    places = _places(workspace, batch, round_number)
    would_go_in = (decided["reason"] == "").to_numpy()
    masks = [
        (asked, ~_matching(workspace, decided["pair_id"], PairFilter(**asked), places))
        for asked in wanted.questions()
    ]
    if asked := {name: one for name, one in wanted.said().items() if name in _CONFIDENCES}:
        masks.append((asked, would_go_in & ~_within(decided["confidence"], wanted)))
    taken = [
        Taken(asked, int(is_out.sum()), int((is_out & would_go_in).sum()))
        for asked, is_out in masks
    ]
    reason = polars.col("reason")
    # the first one is the one that is told
    for one, (_, is_out) in zip(reversed(taken), reversed(masks), strict=True):
        reason = polars.when(polars.Series(is_out)).then(polars.lit(one.reason)).otherwise(reason)
    return decided.with_columns(reason.alias("reason")), taken


def _places(workspace: Workspace, batch: str | None, round_number: int | None) -> list[str]:
    """The batches whose votes are asked; an empty name stands for all."""
    with workspace.ledger.read() as db:
        within = batches_within(db, batch, round_number)
    return [""] if within is None else [one.name for one in within]


def _matching(
    workspace: Workspace, pair_ids: polars.Series, asked: PairFilter, places: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    found = np.zeros(len(pair_ids), np.bool_)
    for place in places if asked.asks_for_votes else [""]:
        whole = PairFilter(**{**vars(asked), "batch": place})
        there = explorer.find(workspace, Search(whole)).pair_ids()
        found |= pair_ids.is_in(there.implode()).to_numpy()
    return found


def _within(confidence: polars.Series, wanted: RowFilter) -> np.ndarray[Any, np.dtype[np.bool_]]:
    low, high = wanted.confidence_from, wanted.confidence_to
    shown = confidence.round(2)
    inside = shown.is_between(0.0 if low is None else low, 1.0 if high is None else high)
    return inside.fill_null(False).to_numpy()
