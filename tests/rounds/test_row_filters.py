"""Dataset versions of some pairs: filters by the words of the pair explorer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rounds import dataset
from rounds.dataset import BuildSettings
from rounds.row_filters import RowFilter
from storage import (
    batches,
    dataset_rows,
    dataset_versions,
    pair_actions,
    pairs,
    prompts,
    responses,
    votes,
)
from storage.errors import WrongInputError
from storage.pair_actions import ActionKind
from storage.rows import Part, Source, Turn
from storage.workspace import Workspace

Label = Callable[..., None]

_ANY = BuildSettings(holdout=0.0)


def _filtered(**asked: Any) -> BuildSettings:
    return replace(_ANY, filters=RowFilter(**asked))


@pytest.fixture
def six(workspace: Workspace, label: Label) -> list[str]:
    """Pairs 0 to 2 count and are from `one.jsonl`, 3 to 5 reason and are from `two.jsonl`. Ana
    votes on 0 to 3, ben on 0 and 1 as she does, and nobody on 4 and 5."""
    ids = []
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "first", overlap=2)
        for number in range(6):
            category, source = ("counting", "one") if number < 3 else ("reasoning", "two")
            turn = Turn("user", (Part("text", text=f"Question {number}?"),))
            prompt = prompts.build([turn], category)
            prompts.add(tx, prompt)
            both = [responses.build(prompt.id, f"Answer {one} of {number}.") for one in "xy"]
            for answer in both:
                responses.add(tx, answer, Source("file", f"{source}.jsonl"))
            pair = pairs.build(*both)
            pairs.add(tx, pair)
            batches.add_pair(tx, batch.id, pair.id)
            ids.append(pair.id)
        label(tx, batch, "ana", dict.fromkeys(ids[:4], "a"))
        label(tx, batch, "ben", dict.fromkeys(ids[:2], "a"))
    return ids


def _rows(workspace: Workspace, six: list[str], **asked: Any) -> list[int]:
    found = dataset.preview(workspace, _filtered(**asked)).rows.pair_ids
    return sorted(six.index(one) for one in found)


def test_each_filter_keeps_the_pairs_that_the_explorer_finds_by_it(
    workspace: Workspace, six: list[str]
) -> None:
    with workspace.ledger.write() as tx:
        pair_actions.apply(tx, ActionKind.TAG, six[1:3], value="hard", actor="lead", reason="")
    today = datetime.now(UTC).date()
    earlier = (today - timedelta(days=3)).isoformat()
    for asked, kept in (
        ({"category": "reasoning"}, [3]),
        ({"source": "one.jsonl"}, [0, 1, 2]),
        ({"annotator": "ben"}, [0, 1]),
        ({"tag": "hard"}, [1, 2]),
        ({"text": "ANSWER X OF 2"}, [2]),
        ({"confidence_from": 0.8}, [0, 1]),
        ({"confidence_to": 0.8}, [2, 3]),
        ({"voted_to": earlier}, []),
        ({"voted_from": earlier, "added_from": earlier}, [0, 1, 2, 3]),
        ({"added_to": earlier}, []),
        ({"category": "counting", "annotator": "ben", "tag": "hard"}, [1]),
    ):
        assert _rows(workspace, six, **asked) == kept, asked


def test_what_a_filter_takes_away_is_counted_under_its_name_before_any_other_reason(
    workspace: Workspace, six: list[str]
) -> None:
    found = dataset.preview(workspace, _filtered(category="counting", confidence_from=0.8))
    assert found.excluded == {
        "outside the filter category": 3,
        "outside the filter confidence from": 1,
    }
    assert found.pairs == len(found.rows) + sum(found.excluded.values())
    assert [(one.asked, one.pairs, one.rows) for one in found.taken] == [
        ({"category": "counting"}, 3, 1),
        ({"confidence_from": 0.8}, 2, 2),
    ]
    assert found.excluded_by_category["reasoning"] == {"outside the filter category": 3}
    whole = dataset.preview(workspace, _ANY)
    assert (whole.excluded, list(whole.taken)) == ({"no votes": 2}, [])


def test_a_vote_in_another_batch_does_not_answer_a_filter_of_votes(
    workspace: Workspace, six: list[str], label: Label
) -> None:
    with workspace.ledger.write() as tx:
        other = batches.create(tx, "other", overlap=1)
        batches.add_pair(tx, other.id, six[3])
        label(tx, other, "cleo", {six[3]: "a"})
    by_cleo = _filtered(annotator="cleo")
    assert len(dataset.preview(workspace, by_cleo).rows) == 1
    assert not len(dataset.preview(workspace, replace(by_cleo, batch="first")).rows)


def test_a_version_keeps_its_filters_and_its_digest_is_of_the_rows_alone(
    workspace: Workspace, six: list[str]
) -> None:
    whole = dataset.build(workspace, _ANY)
    some = dataset.build(workspace, _filtered(category="counting"))
    assert "filters" not in whole.policy
    assert some.policy["filters"] == {"category": "counting"}
    assert some.excluded == {"outside the filter category": 3}
    rows = [
        row
        for row in dataset_versions.read_rows(workspace, whole)
        if row.prompt.category == "counting"
    ]
    assert some.digest == dataset_rows.digest(rows) != whole.digest


def test_a_filter_that_cannot_be_used_or_leaves_nothing_says_so(
    workspace: Workspace, six: list[str]
) -> None:
    for asked, words in (
        ({"voted_from": "yesterday"}, "'yesterday' is no day"),
        ({"confidence_from": 0.9, "confidence_to": 0.1}, "cannot be"),
        ({"category": "colour"}, "6 with outside the filter category"),
    ):
        with pytest.raises(WrongInputError, match=words):
            dataset.build(workspace, _filtered(**asked))


def test_a_failure_kind_is_asked_of_the_vote_that_names_it(
    workspace: Workspace, six: list[str]
) -> None:
    with workspace.ledger.write() as tx:
        (cast,) = votes.effective(tx, pair_ids=[six[2]])
        again: dict[str, Any] = {"shown_at": 1, "decided_at": 2, "active_ms": 1}
        place = {"assignment_id": cast.assignment_id}
        votes.append(tx, event_id="u", **place, kind="undo", verdict=None, **again)
        named = {"verdict": cast.verdict, "failures": ["format"]}
        votes.append(tx, event_id="v", **place, kind="vote", **named, **again)
    assert _rows(workspace, six, failure="format") == [2]
    assert _rows(workspace, six, failure="format", annotator="ben") == []
