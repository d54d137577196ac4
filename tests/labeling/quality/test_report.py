"""People and biases of a real workspace, from votes whose sides and times the test chooses."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from pathlib import Path

import polars
import pytest

from labeling.annotator_models.accuracy import Accuracy
from labeling.quality import people, report
from labeling.quality.people import Estimates
from labeling.quality.report import QualityReport
from storage import annotators, assignments, batches, clock, votes
from storage import workspace as workspaces
from storage.ledger import Connection
from storage.rows import Batch, Pair, Verdict
from storage.workspace import Workspace

PAIRS = 60


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> QualityReport:
    """Ana and ben find the longer answer better; cleo takes the left one, in no time; dan skips."""
    workspace = workspaces.create(tmp_path_factory.mktemp("quality") / "home")
    try:
        with workspace.ledger.write() as tx:
            batch, longer = _batch(tx)
            draw = random.Random(5)
            for who in ("ana", "ben", "cleo", "dan"):
                _go_through(tx, batch, who, longer, draw)
        return report.of_batch(workspace, "first")
    finally:
        workspace.close()


def _batch(tx: Connection) -> tuple[Batch, dict[str, str]]:
    """A batch, and which answer of each of its pairs is longer."""
    from storage import pairs, prompts, responses
    from storage.rows import Part, Source, Turn

    batch = batches.create(tx, "first", overlap=4)
    longer: dict[str, str] = {}
    for number in range(PAIRS):
        category = ("counting", "spatial")[number % 2]
        prompt = prompts.build([Turn("user", (Part("text", f"Question {number}?"),))], category)
        prompts.add(tx, prompt)
        short = responses.build(prompt.id, f"It is {number}.")
        long = responses.build(prompt.id, f"It is {number}, as one sees.\n- one\n- two\n- three")
        for answer in (short, long):
            responses.add(tx, answer, Source("file", "test.jsonl"))
        pair: Pair = pairs.build(short, long)
        pairs.add(tx, pair)
        longer[pair.id] = "a" if pair.response_a == long.id else "b"
        batches.add_pair(tx, batch.id, pair.id)
    return batch, longer


def _go_through(
    tx: Connection, batch: Batch, who: str, longer: dict[str, str], draw: random.Random
) -> None:
    annotator = annotators.get_or_create(tx, who)
    now = clock.now(tx)
    while offered := assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=annotator.id,
        new_id=uuid.uuid4().hex,
        left=draw.choice("ab"),
        now=now,
        leased_until=now,
    ):
        choice = {"cleo": offered.left, "dan": "skip"}.get(who, longer[offered.pair_id])
        votes.append(
            tx,
            event_id=uuid.uuid4().hex,
            assignment_id=offered.id,
            kind="vote",
            verdict=Verdict(choice),
            shown_at=now,
            decided_at=now,
            active_ms=800 if who == "cleo" else 45_000,
        )


def test_everybody_is_counted_by_what_they_did(judged: QualityReport) -> None:
    ana, _, cleo, dan = judged.people
    assert [one.annotator for one in judged.people] == ["ana", "ben", "cleo", "dan"]
    assert (ana.judged, ana.votes, ana.skips, ana.ties) == (PAIRS, PAIRS, 0, 0)
    assert (dan.votes, dan.skips) == (0, PAIRS)
    assert ana.median_seconds == 45
    assert ana.pairs_per_hour == pytest.approx(80)
    assert (ana.fast, cleo.fast) == (0, 1)
    assert dan.accuracy is None


def test_who_chooses_by_side_and_in_no_time_is_told_with_what_to_do(judged: QualityReport) -> None:
    ana, _, cleo, dan = judged.people
    assert ana.findings == ()
    assert ana.left_p > 0.05
    assert (cleo.left.share, cleo.left.n) == (1.0, PAIRS)
    assert cleo.left_p < 1e-9
    said = [finding.what for finding in cleo.findings]
    assert "chooses the left side in 100% of 60 votes" in said[0]
    assert "faster than they can be read" in said[1]
    assert all(finding.do for finding in cleo.findings)
    assert "skips 100% of 60 pairs" in dan.findings[0].what


def test_who_looks_is_told_from_who_does_not_by_the_votes_alone(judged: QualityReport) -> None:
    ana, ben, cleo, _ = judged.people
    assert ana.accuracy is not None
    assert ben.accuracy is not None
    assert cleo.accuracy is not None
    assert min(ana.accuracy.value, ben.accuracy.value) > 0.9 > cleo.accuracy.value + 0.2
    assert ana.competence is not None
    assert cleo.competence is not None
    assert ana.competence > cleo.competence + 0.3
    assert ana.reliability is not None
    assert cleo.reliability is not None
    assert ana.reliability > cleo.reliability + 0.2


def test_who_is_no_better_than_a_coin_is_told_without_any_known_truth() -> None:
    row = {"verdict": "a", "left": "a", "active_ms": 9000, "words": 5, "counted": True}
    choices = polars.DataFrame([{"annotator": who, **row} for who in ("ana", "ben", "cleo")])
    accuracy = {
        "ana": Accuracy(0.5, (0.42, 0.58), 150),
        "ben": Accuracy(0.55, (0.47, 0.63), 150),
        "cleo": Accuracy(0.4, (0.25, 0.57), 29),
    }
    ana, ben, cleo = people.measure(choices, Estimates(accuracy=accuracy))
    (found,) = ana.findings
    assert "right on 50% of 150 pairs" in found.what
    assert "--policy weighted" in found.do
    assert (ben.findings, cleo.findings) == ((), ())


def test_length_and_layout_pull_the_votes_and_side_does_not_but_for_one(
    judged: QualityReport,
) -> None:
    found = judged.biases
    # 120 votes of ana and ben are for the longer answer, and some of cleo's
    assert found.length.n == found.layout.n == found.position.n == 3 * PAIRS
    assert found.length.share is not None
    assert found.length.share > 0.75
    assert found.layout.share == found.length.share
    assert found.length.p < 1e-6
    assert sum(one.n for one in found.by_ratio.values()) == found.length.n
    assert found.by_ratio[3.0].n == found.length.n
    assert set(judged.by_category) == {"counting", "spatial"}
    assert sum(one.position.n for one in judged.by_category.values()) == found.position.n


def test_without_votes_there_is_nobody_and_nothing(
    workspace: Workspace, make_batch: Callable[..., Batch], tmp_path: Path
) -> None:
    with workspace.ledger.write() as tx:
        make_batch(tx, name="first")
    found = report.of_batch(workspace, "first")
    assert found.people == ()
    assert found.biases.length.share is None
    assert report.of_batch(workspace, None).people == ()
