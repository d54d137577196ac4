"""The quality of the labels of a batch, or of all batches: people and biases in one reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars

from labeling import reliability
from labeling.agreement.table import RatingTable, from_columns
from labeling.annotator_models import accuracy, dawid_skene, mace
from labeling.quality import biases, people
from labeling.quality.biases import Biases
from labeling.quality.people import Estimates, Person
from storage import analytics, batches, gold
from storage.analytics import conduct
from storage.analytics.view import View
from storage.rows import AssignmentKind
from storage.workspace import Workspace

# MACE starts anew several times; beyond so many votes that takes minutes
MOST_FOR_MACE = 200_000
# in every cell of a confusion matrix, so that nobody with few votes looks perfect
_HALF_A_VOTE = 0.5


@dataclass(frozen=True)
class QualityReport:
    """Everybody who voted, by name, and the leanings of all votes that count, together and by
    category. `excluded`: annotator -> votes that do not count, where there are any."""

    people: tuple[Person, ...]
    biases: Biases
    by_category: Mapping[str, Biases]
    excluded: Mapping[str, int] = field(default_factory=dict)


def of_batch(workspace: Workspace, name: str | None) -> QualityReport:
    """The labels of a batch, or of all batches.

    Raises:
        NotFoundError: no such batch.
    """
    with workspace.ledger.read() as db:
        known = batches.listed(db) if name is None else [batches.get(db, name)]
        ids = [batch.id for batch in known]
        checked = reliability.of_batches(db, ids)
        right = {pair: won for one in ids for pair, won in gold.winners(db, one).items()}
    batch_id = ids[0] if name is not None else ""
    store = analytics.open(workspace)
    with store.reading() as view, workspace.ledger.read() as db:
        choices = conduct.choices(view, batch_id)
        answers = store.kept("answers", view.mark_of_pairs, lambda: conduct.answers(db, view.coded))
        numbers = view.coded.numbers_of(polars.Series(list(right), dtype=polars.String)).tolist()
        truth = dict(zip(numbers, right.values(), strict=True)) | _decided(view, batch_id)
    choices = choices.with_columns(answers["words"].gather(choices["pair"]))
    counted = choices.filter("counted")
    votes = _two_way(counted)
    # made once: at many votes this takes as long as estimating from it
    table = from_columns(votes["pair"], votes["annotator"], votes["verdict"])
    places = accuracy.known_places(table, votes["pair"], truth)
    estimates = Estimates(
        gold={one.annotator: one.gold_accuracy for one in checked if one.gold_accuracy.n},
        consistency={
            one.annotator: one.self_consistency for one in checked if one.self_consistency.n
        },
        accuracy=accuracy.estimate(table, places),
        competence=_competences(table),
        reliability=_reliabilities(table),
    )
    found = tuple(people.measure(choices, estimates))
    return QualityReport(
        people=found,
        biases=biases.measure(counted, answers),
        by_category=biases.by_category(counted, answers),
        excluded={one.annotator: one.excluded for one in found if one.excluded},
    )


def _decided(view: View, batch_id: str) -> dict[int, str]:
    """Number of a pair -> the answer that a lead decided on, the latest decision counting."""
    is_lead = polars.col("kind") == AssignmentKind.ADJUDICATION.value
    found = view.effective(batch_id).filter(is_lead)
    verdicts = found["verdict"].cast(polars.String).to_list()
    said = dict(zip(found["pair"].to_list(), verdicts, strict=True))
    return {pair: verdict for pair, verdict in said.items() if verdict in ("a", "b")}


def _two_way(choices: polars.DataFrame) -> polars.DataFrame:
    """Votes for one of two answers, one of each annotator on a pair: the last."""
    decisive = choices.filter(polars.col("verdict").is_in(["a", "b"]))
    return decisive.unique(["pair", "annotator"], keep="last", maintain_order=True)


def _competences(table: RatingTable) -> dict[str, float]:
    if not 0 < table.votes <= MOST_FOR_MACE:
        return {}
    found = mace.fit(table).competence
    return dict(zip(table.raters, map(float, found), strict=True))


def _reliabilities(table: RatingTable) -> dict[str, float]:
    if not 0 < table.votes <= MOST_FOR_MACE:
        return {}
    found = dawid_skene.fit(table, _HALF_A_VOTE).accuracy
    return dict(zip(table.raters, map(float, found), strict=True))
