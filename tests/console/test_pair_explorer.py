"""The Pairs page as an explorer: what one can search by, and all that is known of one pair."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from labeling import explorer
from labeling.explorer import Search
from storage import (
    adjudications,
    annotators,
    assignments,
    batches,
    clock,
    dataset_versions,
    pairs,
    reports,
    responses,
    scores,
    votes,
)
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.pair_filters import PairFilter
from storage.rows import Batch, DatasetRow, Source, Verdict
from storage.scores import Measured
from storage.workspace import Workspace

Page = Callable[..., AppTest]


@dataclass(frozen=True)
class Judged:
    """`ids` are the pairs of batch `first` by position."""

    workspace: Workspace
    batch: Batch
    ids: list[str]

    def found(self, search: Search) -> set[int]:
        """The places of the pairs that match."""
        found = explorer.find(self.workspace, search)
        return {self.ids.index(pair_id) for pair_id in found.ids(0, 100)}

    def by(self, **facts: str) -> set[int]:
        return self.found(Search(PairFilter(**facts)))


def assign(tx: Connection, batch: Batch, who: str, pair_id: str) -> str:
    """The assignment of this pair, offered as the bench offers pairs."""
    annotator = annotators.get_or_create(tx, who)
    now = clock.now(tx)
    while True:
        offered = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=annotator.id,
            new_id=uuid.uuid4().hex,
            left="a",
            now=now,
            leased_until=now,
        )
        assert offered is not None
        if offered.pair_id == pair_id:
            return offered.id


def say(tx: Connection, assignment: str, verdict: str | None, **more: Any) -> None:
    times = {"shown_at": 0, "decided_at": 1, "active_ms": 1}
    votes.append(
        tx,
        event_id=uuid.uuid4().hex,
        assignment_id=assignment,
        kind="vote" if verdict else "undo",
        verdict=Verdict(verdict) if verdict else None,
        **times,
        **more,
    )


@pytest.fixture
def judged(workspace: Workspace, make_batch: Any, label: Any) -> Judged:
    """Seven pairs: 0 two for A, 1 disputed, 2 a tie, 3 one vote for B with a kind of failure,
    4 reported, 5 decided by a lead, 6 without votes and with an answer of a checkpoint."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, "first", pair_count=7, overlap=2)
        views = pairs.page(tx, PairFilter(batch="first"), 10)
        ids = [view.pair.id for view in views]
        label(tx, batch, "ana", {ids[0]: "a", ids[1]: "a", ids[2]: "tie", ids[5]: "b"})
        label(tx, batch, "ben", {ids[0]: "a", ids[1]: "b", ids[2]: "tie"})
        say(tx, assign(tx, batch, "cleo", ids[3]), "b", failures=["counting"], confidence=3)
        assignment = assign(tx, batch, "dora", ids[4])
        reports.append(tx, event_id="r", assignment_id=assignment, kind="nonsense", note="why")
        adjudications.decide(
            tx, batch_id=batch.id, pair_id=ids[5], lead="lea", outcome=Verdict.A, reason="clear"
        )
        last = views[6]
        answer = responses.build(last.pair.prompt_id, last.text_a)
        responses.add(tx, answer, Source("checkpoint", "steady"))
    return Judged(workspace, batch, ids)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (Search(consensus="settled"), {0, 3, 5}),
        (Search(consensus="decided by a lead"), {5}),
        (Search(consensus="tie"), {2}),
        (Search(consensus="disputed"), {1}),
        (Search(consensus="no votes"), {4, 6}),
        (Search(confidence_from=0.8), {0, 5}),
        (Search(confidence_from=0.75, confidence_to=0.75), {3}),
        (Search(consensus="no votes", confidence_from=0.0), set()),
        (Search(PairFilter(batch="first", annotator="ana"), confidence_to=0.95), {0}),
    ],
)
def test_pairs_are_found_by_what_their_votes_settle(
    search: Search, expected: set[int], judged: Judged
) -> None:
    assert judged.found(search) == expected


def test_what_two_batches_say_of_a_pair_is_settled_together(
    judged: Judged, make_batch: Any, label: Any
) -> None:
    with judged.workspace.ledger.write() as tx:
        second = make_batch(tx, "second", pair_count=0)
        batches.add_pair(tx, second.id, judged.ids[3])
        label(tx, second, "cleo", {judged.ids[3]: "a"})
    # cleo has one voice, and it is the later one
    assert judged.found(Search(PairFilter(batch="second"), confidence_to=0.75)) == {3}
    test_line = explorer.find(judged.workspace, Search(consensus="disputed"))
    assert judged.ids[3] not in test_line.ids(0, 10)


def test_pairs_are_found_by_source_report_and_failure(judged: Judged) -> None:
    assert judged.by(source="steady") == {6}
    assert judged.by(source="test.jsonl") == set(range(7))
    assert judged.by(source="nobody") == set()
    assert judged.by(report="open") == judged.by(report="any") == {4}
    assert judged.by(failure="counting") == {3}
    assert judged.by(failure="count") == judged.by(failure="counting", annotator="ana") == set()
    with judged.workspace.ledger.write() as tx:
        adjudications.dismiss_reports(
            tx, batch_id=judged.batch.id, pair_id=judged.ids[4], lead="lea", event_id="d"
        )
    assert (judged.by(report="open"), judged.by(report="any")) == (set(), {4})


def test_a_source_that_comes_later_is_found(judged: Judged) -> None:
    assert judged.by(source="late") == set()
    with judged.workspace.ledger.write() as tx:
        view = pairs.view(tx, judged.ids[2])
        answer = responses.build(view.pair.prompt_id, view.text_b)
        responses.add(tx, answer, Source("file", "late"))
    assert judged.by(source="late") == {2}
    assert explorer.sources(judged.workspace) == ["late", "steady", "test.jsonl"]


def test_an_undone_vote_is_found_no_more(judged: Judged) -> None:
    with judged.workspace.ledger.write() as tx:
        (vote,) = votes.effective(tx, pair_ids=[judged.ids[3]])
        say(tx, vote.assignment_id, None)
    assert judged.by(failure="counting") == set()
    assert judged.found(Search(consensus="no votes")) == {3, 4, 6}


@pytest.mark.parametrize(
    "search",
    [
        Search(PairFilter(report="new")),
        Search(PairFilter(voted_from="yesterday")),
        Search(PairFilter(voted_from="2026-11-02", voted_to="2026-11-01")),
        Search(consensus="fine"),
        Search(confidence_from=0.9, confidence_to=0.8),
        Search(confidence_to=1.5),
    ],
)
def test_what_cannot_be_searched_for_is_refused(search: Search, workspace: Workspace) -> None:
    with pytest.raises(WrongInputError):
        explorer.find(workspace, search)


def test_the_page_takes_every_filter_from_the_address(judged: Judged, page: Page) -> None:
    with judged.workspace.ledger.read() as db:
        today = datetime.fromtimestamp(clock.now(db) / clock.SECOND, UTC).date().isoformat()
    query = {"consensus": "settled", "low": "0.8", "from": today, "to": today}
    test = page("pairs", **query, source="test.jsonl", annotator="ben")
    assert not test.exception
    assert "Pairs 1 to 1 of 1" in [text.value for text in test.text]
    test = page("pairs", **{"from": "2001-01-01", "to": "2001-01-02"})
    assert "No pair matches these filters." in [text.value for text in test.text]
    test = page("pairs", low="0.9", high="0.8")
    assert "A confidence from 0.9 to 0.8 cannot be." in [text.value for text in test.text]


def test_a_pair_tells_its_whole_history(judged: Judged, page: Page) -> None:
    with judged.workspace.ledger.write() as tx:
        (vote,) = votes.effective(tx, pair_ids=[judged.ids[3]])
        say(tx, vote.assignment_id, None)
        say(tx, vote.assignment_id, "a", note="on second thought")
    test = page("pairs", pair=judged.ids[3])
    words = [text.value for text in test.text]
    assert {"There are [-three-]{+two+}.", "There are [-two-]{+three+}."} & set(words)
    assert "No checkpoint was measured on this pair." in words
    assert "Dataset versions with it: none." in words
    history = next(frame.value for frame in test.dataframe if "what" in frame.value)
    assert list(zip(history["what"], history["said"], strict=True)) == [
        ("B is better, taken back later", "sure; counting"),
        ("took it back", ""),
        ("A is better", "on second thought"),
    ]
    test = page("pairs", pair=judged.ids[4])
    history = next(frame.value for frame in test.dataframe if "what" in frame.value)
    assert list(history["said"]) == ["report: nonsense; why"]


def test_a_pair_tells_its_scores_and_the_datasets_that_have_it(
    judged: Judged, page: Page, maker: Any
) -> None:
    home, pair_id = judged.workspace, judged.ids[0]
    with home.ledger.read() as db:
        view = pairs.view(db, pair_id)
    row = DatasetRow(pair_id, view.prompt, view.text_a, view.text_b, "votes", 2, 0.9, "")
    told = {"labels": "votes", "policy": {}, "excluded": {}, "holdout": 0.0, "seed": 0}
    version = dataset_versions.write(home, [row], **told)
    made = maker.checkpoint("steady")
    logps = {"chosen_logp": 9.0, "rejected_logp": -3.0}
    score = {"pair_id": pair_id, "split": "train", "category": "counting", "margin": 1.0, **logps}
    score |= {"reference_chosen_logp": -1.0, "reference_rejected_logp": -3.0}
    file = home.home / "scores.jsonl"
    file.write_text(json.dumps(score | {"chosen_tokens": 4, "rejected_tokens": 5}) + "\n")
    scores.seal(home, file, Measured("j", made.id, version.id, "all", "base", "votes", 0.1))
    test = page("pairs", pair=pair_id)
    assert "Dataset versions with it: v1 (train)." in [text.value for text in test.text]
    rated = next(frame.value for frame in test.dataframe if "margin" in frame.value)
    assert rated[["source", "margin", "measured_on"]].values.tolist() == [
        ["steady", "1.00", "v1 train"]
    ]
    test = page("pairs", pair=judged.ids[1])
    assert "Dataset versions with it: none." in [text.value for text in test.text]
