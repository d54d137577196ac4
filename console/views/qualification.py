"""What the Batches page shows of qualification rounds: who passed, with n, and who waits."""

from __future__ import annotations

from dataclasses import dataclass

from console.views import wording
from storage import annotators, batches, qualifications
from storage.qualifications import Decision, Standing
from storage.rows import Annotator, Batch
from storage.workspace import Workspace

_OUTCOMES = {
    "under_way": "under way",
    "passed": "passed",
    "not_passed": "not passed",
    "admitted": "let in by a lead",
}


@dataclass(frozen=True)
class PersonLine:
    """Somebody in the round of a batch. `share` is right of n judged, and both."""

    batch: str
    annotator: str
    outcome: str
    share: str
    needed: str
    waits: bool


def people(workspace: Workspace, batch: str = "") -> list[PersonLine]:
    """Everybody who began a round, of one batch when given; those who wait for a lead first."""
    with workspace.ledger.read() as db:
        asked = [
            each
            for each in batches.listed(db)
            if each.qualification_pairs and batch in ("", each.name)
        ]
        lines = [
            _line(each, who, stands)
            for each in asked
            for who, stands in qualifications.of_batch(db, each)
        ]
    return sorted(lines, key=lambda line: not line.waits)


def decide(workspace: Workspace, batch: str, annotator: str, decision: Decision) -> None:
    """Let somebody who did not pass in, or let them try again.

    Raises:
        PairwrightError: as `storage.qualifications.decide`.
    """
    with workspace.ledger.write() as tx:
        people = {person.name: person.id for person in annotators.listed(tx)}
        qualifications.decide(tx, batches.get(tx, batch), people[annotator], decision)


def _line(batch: Batch, who: Annotator, stands: Standing) -> PersonLine:
    n = len(stands.judged)
    value = wording.share(stands.right / n) if n else wording.NOT_AVAILABLE
    return PersonLine(
        batch=batch.name,
        annotator=who.name,
        outcome=_OUTCOMES[stands.outcome.value],
        share=f"{stands.right} of {n} right, {value}",
        needed=f"{stands.needed} of {max(stands.wanted, n)}",
        waits=stands.keeps_out and stands.outcome.value == "not_passed",
    )
