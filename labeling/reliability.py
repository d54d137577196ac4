"""How far each annotator can be relied on: gold pairs judged right, repeats judged the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.agreement.figure import Figure
from labeling.agreement.intervals import wilson_interval
from storage import gold, votes
from storage.ledger import Connection
from storage.rows import AssignmentKind, EffectiveVote, Verdict

NO_GOLD = "no gold pair was judged"
NO_REPEATS = "no pair was judged twice"


@dataclass(frozen=True)
class Reliability:
    """One annotator in one batch.

    Attributes:
        gold_accuracy: share (0 to 1) of gold pairs on which the right answer was chosen. A tie or
            both bad is not right, a skip does not count.
        self_consistency: share (0 to 1) of repeats, shown with sides swapped, with the verdict of
            the first time; both bad counts as a tie, and skips do not count.
    """

    annotator: str
    gold_accuracy: Figure
    self_consistency: Figure


def of_batch(db: Connection, batch_id: str) -> list[Reliability]:
    """The annotators of a batch who judged a gold pair or a repeat, by name. The intervals are
    Wilson's, 95%."""
    return of_batches(db, [batch_id])


def of_batches(db: Connection, batch_ids: Sequence[str]) -> list[Reliability]:
    """The same over several batches together."""
    on_gold: dict[str, list[bool]] = {}
    repeated: dict[str, list[bool]] = {}
    for batch_id in batch_ids:
        _add_gold(db, batch_id, on_gold)
        _add_repeats(db, batch_id, repeated)
    return [
        Reliability(
            annotator=name,
            gold_accuracy=_share(on_gold.get(name, []), NO_GOLD),
            self_consistency=_share(repeated.get(name, []), NO_REPEATS),
        )
        for name in sorted(on_gold.keys() | repeated.keys())
    ]


def _add_gold(db: Connection, batch_id: str, found: dict[str, list[bool]]) -> None:
    right = gold.winners(db, batch_id)
    for vote in _judged(db, batch_id, AssignmentKind.GOLD):
        # a pair that is no longer gold says nothing
        if vote.pair_id in right:
            found.setdefault(vote.annotator, []).append(vote.verdict == right[vote.pair_id])


def _add_repeats(db: Connection, batch_id: str, found: dict[str, list[bool]]) -> None:
    repeats = _judged(db, batch_id, AssignmentKind.REPEAT)
    if not repeats:
        return
    normal = _judged(db, batch_id, AssignmentKind.NORMAL)
    first = {(vote.annotator, vote.pair_id): _outcome(vote) for vote in normal}
    for vote in repeats:
        before = first.get((vote.annotator, vote.pair_id))
        if before is not None:
            found.setdefault(vote.annotator, []).append(_outcome(vote) is before)


def _judged(db: Connection, batch_id: str, kind: AssignmentKind) -> list[EffectiveVote]:
    cast = votes.effective(db, batch_id, kinds=[kind])
    return [vote for vote in cast if vote.verdict is not Verdict.SKIP]


def _outcome(vote: EffectiveVote) -> Verdict:
    return Verdict.TIE if vote.verdict is Verdict.BOTH_BAD else vote.verdict


def _share(outcomes: list[bool], reason: str) -> Figure:
    n = len(outcomes)
    if not n:
        return Figure(None, None, 0, reason)
    share = sum(outcomes) / n
    return Figure(share, wilson_interval(share, n), n)
