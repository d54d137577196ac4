"""Pairs that wait for a lead, each with the reasons.

A pair is referred when it is still contested after all its reviews, when a lead sent it here, when
somebody reported it and no lead dismissed that, or when an answer names its model. A decision of a
lead settles all four.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from labeling import self_naming
from storage import adjudications, batches, disputes, pairs
from storage.adjudications import Contested
from storage.ledger import Connection
from storage.rows import Batch, Report

CONTESTED = "contested"
SENT = "sent"
REPORTED = "reported"
NAMES_ITS_MODEL = "names_its_model"
_SLICE = 500


@dataclass(frozen=True)
class Reason:
    """Why a pair waits for a lead.

    Attributes:
        kind: `contested`, `sent`, `reported` or `names_its_model`.
        what: in words, without the name of any annotator.
    """

    kind: str
    what: str


@dataclass(frozen=True)
class Referral:
    """A pair of a batch that waits for a lead. `batch` is the batch's name."""

    batch: str
    pair_id: str
    reasons: tuple[Reason, ...]


def waiting(db: Connection, batch: Batch | None = None) -> list[Referral]:
    """What waits for a lead in a batch or in all: contested and reported pairs first."""
    chosen = [batch] if batch else batches.listed(db)
    return [referral for each in chosen for referral in _of_batch(db, each)]


def _of_batch(db: Connection, batch: Batch) -> list[Referral]:
    reasons: dict[str, list[Reason]] = defaultdict(list)
    for contested in adjudications.contested(db, batch.id):
        kind = SENT if contested.referred else CONTESTED
        reasons[contested.pair_id].append(Reason(kind, _votes(contested)))
    for report in disputes.open_reports(db, batch.id):
        reasons[report.pair_id].append(Reason(REPORTED, _report(report)))
    for pair_id, what in _named(db, batch):
        reasons[pair_id].append(Reason(NAMES_ITS_MODEL, what))
    decided = {pair_id for _, pair_id in adjudications.decided_pairs(db, batch.id)}
    return [
        Referral(batch.name, pair_id, tuple(found))
        for pair_id, found in reasons.items()
        if pair_id not in decided
    ]


def _named(db: Connection, batch: Batch) -> Iterator[tuple[str, str]]:
    chosen = pairs.PairFilter(batch=batch.name)
    offset = 0
    while found := pairs.page(db, chosen, limit=_SLICE, offset=offset):
        for view in found:
            for side, text in (("a", view.text_a), ("b", view.text_b)):
                name = self_naming.find(text)
                if name is not None:
                    yield view.pair.id, f"answer {side} says that it is by {name}"
        offset += len(found)


def _votes(contested: Contested) -> str:
    neither = contested.votes - contested.votes_a - contested.votes_b
    return f"votes: {contested.votes_a} for a, {contested.votes_b} for b, {neither} for neither"


def _report(report: Report) -> str:
    kind = report.kind.replace("_", " ")
    return f"{kind}: {report.note}" if report.note else kind
