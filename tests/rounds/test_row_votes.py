"""From the rows of a version to the votes that decided them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import pytest

from rounds import dataset, row_votes
from rounds.dataset import BuildSettings
from rounds.row_votes import VotedRow
from storage import adjudications, batches, clock, dataset_versions, exclusions, votes
from storage.rows import Batch, DatasetVersion, Verdict
from storage.workspace import Workspace


class Four(Protocol):
    batch: Batch
    ids: Sequence[str]


Vote = Callable[[str, dict[int, str]], None]


def _of(workspace: Workspace, version: DatasetVersion) -> dict[str, VotedRow]:
    return {one.row.pair_id: one for one in row_votes.of_version(workspace, version)}


def _told(one: VotedRow) -> list[tuple[str, str, str]]:
    return [(each.vote.annotator, each.vote.verdict.value, each.why_not) for each in one.votes]


def test_a_row_names_its_votes_who_cast_them_and_which_of_them_counted(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "b", 1: "a"})
    vote("ben", {0: "b", 1: "skip"})
    vote("cleo", {0: "a", 1: "a"})
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "cleo", actor="lead", reason="haste")
    found = _of(workspace, dataset.build(workspace, BuildSettings(batch="first", holdout=0.0)))
    first, second = found[four.ids[0]], found[four.ids[1]]
    assert _told(first) == [("ana", "b", ""), ("ben", "b", ""), ("cleo", "a", "excluded")]
    assert (first.chosen, first.consensus, first.agrees) == ("b", "2 of 2 votes for B", True)
    assert _told(second) == [("ana", "a", ""), ("ben", "skip", "a skip"), ("cleo", "a", "excluded")]
    told = first.as_json()
    assert (told["policy"], told["labels"], told["confidence"]) == (
        "majority",
        "consensus",
        pytest.approx(0.9),
    )
    assert [each["batch"] for each in told["votes"]] == ["first"] * 3


def test_what_happens_after_the_build_changes_no_vote_behind_it(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "a"})
    version = dataset.build(workspace, BuildSettings(batch="first", holdout=0.0))
    before = _of(workspace, version)
    _wait_for_the_clock(workspace, version.created_at)
    vote("ben", {0: "b"})
    (cast,) = before[four.ids[0]].counted
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "ana", actor="lead", reason="left")
        said: dict[str, Any] = {"verdict": None, "shown_at": 1, "decided_at": 2, "active_ms": 1}
        votes.append(tx, event_id="u", assignment_id=cast.assignment_id, kind="undo", **said)
    assert _of(workspace, version) == before


def test_votes_of_other_batches_and_beside_imported_labels_are_named_as_not_counted(
    workspace: Workspace,
    four: Four,
    vote: Vote,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
    import_label: Callable[..., None],
) -> None:
    vote("ana", {0: "a"})
    import_label(0, "b")
    with workspace.ledger.write() as tx:
        other = make_batch(tx, name="other", pair_count=0)
        batches.add_pair(tx, other.id, four.ids[0])
        label(tx, other, "ben", {four.ids[0]: "b"})
    version = dataset.build(workspace, BuildSettings(batch="first", holdout=0.0))
    assert _told(_of(workspace, version)[four.ids[0]]) == [
        ("ana", "a", ""),
        ("ben", "b", "another batch"),
    ]
    by_file = dataset.build(workspace, BuildSettings(labels="imported", holdout=0.0))
    (row,) = _of(workspace, by_file).values()
    assert {why for _, _, why in _told(row)} == {"labels come from elsewhere"}
    assert (row.chosen, row.consensus) == ("b", "label: imported")


def test_votes_of_this_workspace_are_not_said_to_have_decided_a_pulled_version(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "a"})
    version = dataset.build(workspace, BuildSettings(holdout=0.0))
    pulled = replace(version, policy={**version.policy, "pulled": "lab/photos"})
    rows = dataset_versions.read_rows(workspace, version)
    (row,) = row_votes.of_rows(workspace, pulled, rows)
    assert {why for _, _, why in _told(row)} == {"labels come from elsewhere"}
    assert not row.agrees


def test_a_decision_of_a_lead_is_named_as_what_decided(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "a"})
    vote("ben", {0: "b"})
    with workspace.ledger.write() as tx:
        said: dict[str, Any] = {"lead": "lea", "outcome": Verdict.B, "reason": "B names the dog"}
        adjudications.decide(tx, batch_id=four.batch.id, pair_id=four.ids[0], **said)
    version = dataset.build(workspace, BuildSettings(batch="first", holdout=0.0))
    row = _of(workspace, version)[four.ids[0]]
    assert (row.consensus, row.agrees) == ("decided by lea, a lead", True)


def test_rows_of_pairs_that_are_not_here_have_no_votes(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "a"})
    version = dataset.build(workspace, BuildSettings(holdout=0.0))
    (row,) = dataset_versions.read_rows(workspace, version)
    (found,) = row_votes.of_rows(workspace, version, [replace(row, pair_id="elsewhere")])
    assert (found.votes, found.chosen, found.agrees) == ([], "", False)


def _wait_for_the_clock(workspace: Workspace, moment: int) -> None:
    """The ledger's clock is exact to a millisecond: the next event must not share it."""
    now = moment
    while now <= moment:
        with workspace.ledger.read() as db:
            now = clock.now(db)
