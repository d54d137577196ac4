"""Dataset versions from votes, from imported labels, and from both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from rounds import dataset
from rounds.dataset import BuildSettings
from storage import batches, dataset_versions, gold, pairs
from storage.errors import NotFoundError, WrongInputError
from storage.rows import Batch
from storage.workspace import Workspace


class Four(Protocol):
    batch: Batch
    ids: Sequence[str]


Vote = Callable[[str, dict[int, str]], None]


def test_the_winner_of_the_votes_becomes_chosen(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "b"})
    found = dataset.preview(workspace, BuildSettings(batch="first"))
    with workspace.ledger.read() as db:
        view = pairs.view(db, four.ids[0])
    (row,) = found.rows
    assert (row.pair_id, row.chosen, row.rejected) == (four.ids[0], view.text_b, view.text_a)
    assert (row.votes, row.confidence) == (1, 0.75)


def test_every_pair_is_a_row_or_is_counted_under_one_reason(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "a", 1: "a", 2: "tie"})
    vote("ben", {0: "a", 1: "b"})
    found = dataset.preview(workspace, BuildSettings(batch="first"))
    assert found.excluded == {"disputed": 1, "no votes": 1, "tie": 1}
    assert found.pairs == len(found.rows) + sum(found.excluded.values()) == 4
    assert found.excluded_by_category == {"counting": found.excluded}


def test_two_against_one_is_low_agreement_when_more_is_asked_for(
    workspace: Workspace, vote: Vote
) -> None:
    for who, verdict in (("ana", "a"), ("ben", "a"), ("cleo", "b")):
        vote(who, {0: verdict})
    assert len(dataset.preview(workspace, BuildSettings(batch="first")).rows) == 1
    strict = dataset.preview(workspace, BuildSettings(batch="first", min_agreement=0.9))
    assert strict.excluded == {"low agreement": 1, "no votes": 3}


def test_too_few_votes_keep_a_pair_out(workspace: Workspace, vote: Vote) -> None:
    vote("ana", {0: "a"})
    found = dataset.preview(workspace, BuildSettings(batch="first", min_votes=2))
    assert found.excluded == {"no votes": 3, "too few votes": 1}


def test_weights_come_from_the_votes_on_pairs_whose_answer_is_known(
    workspace: Workspace, four: Four, vote: Vote, import_label: Callable[..., None]
) -> None:
    for number in (1, 2, 3):
        import_label(number, "a", labeled_by="oracle")
    vote("ana", dict.fromkeys(range(4), "a"))
    vote("ben", dict.fromkeys(range(4), "b"))
    vote("cleo", dict.fromkeys(range(4), "b"))
    by_number = BuildSettings(batch="first")
    assert {row.confidence for row in dataset.preview(workspace, by_number).rows} == {0.75}

    with workspace.ledger.write() as tx:
        gold.mark(tx, four.batch.id, "oracle")
    weighted = BuildSettings(batch="first", policy="weighted")
    found = dataset.preview(workspace, weighted)
    first = next(row for row in found.rows if row.pair_id == four.ids[0])
    with workspace.ledger.read() as db:
        assert first.chosen == pairs.view(db, first.pair_id).text_a
    sure = replace(weighted, min_confidence=0.99)
    assert dataset.preview(workspace, sure).excluded == {"low confidence": 4}


def test_labels_are_named_after_a_single_annotator(workspace: Workspace, vote: Vote) -> None:
    vote("ana", {0: "a", 1: "b"})
    assert dataset.preview(workspace, BuildSettings()).labels == "ana"


def test_labels_of_several_annotators_are_a_consensus(workspace: Workspace, vote: Vote) -> None:
    vote("ana", {0: "a"})
    vote("ben", {1: "b"})
    assert dataset.preview(workspace, BuildSettings()).labels == "consensus"


def test_imported_labels_need_no_votes(
    workspace: Workspace, four: Four, import_label: Callable[..., None]
) -> None:
    import_label(0, "a", labeled_by="oracle")
    import_label(1, "b", labeled_by="oracle")
    found = dataset.preview(workspace, BuildSettings(labels="imported"))
    assert found.labels == "oracle"
    assert found.excluded == {"no imported label": 2}
    assert {row.record_id for row in found.rows} == {"r0", "r1"}
    assert {(row.votes, row.confidence) for row in found.rows} == {(0, 1.0)}


def test_imported_labels_that_contradict_each_other_are_counted(
    workspace: Workspace, import_label: Callable[..., None]
) -> None:
    import_label(0, "a")
    import_label(0, "b")
    found = dataset.preview(workspace, BuildSettings(labels="imported"))
    assert found.excluded == {"conflicting imported labels": 1, "no imported label": 3}


def test_both_takes_votes_first_and_an_imported_label_where_there_are_none(
    workspace: Workspace, four: Four, vote: Vote, import_label: Callable[..., None]
) -> None:
    for number in range(3):
        import_label(number, "a")
    vote("ana", {0: "b", 1: "tie"})
    found = dataset.preview(workspace, BuildSettings(labels="both"))
    assert {row.pair_id: row.labels for row in found.rows} == {
        four.ids[0]: "ana",
        four.ids[2]: "imported",
    }
    assert found.labels == "mixed"
    assert found.excluded == {"no imported label": 1, "tie": 1}


def test_one_person_has_one_voice_in_two_batches(
    workspace: Workspace,
    four: Four,
    vote: Vote,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
) -> None:
    vote("ana", {0: "a"})
    with workspace.ledger.write() as tx:
        again = make_batch(tx, name="again", pair_count=0, overlap=2)
        batches.add_pair(tx, again.id, four.ids[0])
        label(tx, again, "ana", {four.ids[0]: "b"})
    (row,) = dataset.preview(workspace, BuildSettings()).rows
    assert row.votes == 1


def test_the_same_decisions_give_the_same_version(workspace: Workspace, vote: Vote) -> None:
    vote("ana", {0: "a", 1: "b", 2: "a", 3: "b"})
    settings = BuildSettings(batch="first", holdout=0.25)
    first = dataset.build(workspace, settings)
    assert dataset.build(workspace, settings) == first
    assert (first.rows, first.labels, first.excluded) == (4, "ana", {})
    assert first.train + first.holdout == 4
    assert first.policy["min_agreement"] == 0.67
    assert len(dataset_versions.read_rows(workspace, first)) == 4


def test_nothing_decided_says_what_to_do(workspace: Workspace, four: Four) -> None:
    with pytest.raises(WrongInputError) as raised:
        dataset.build(workspace, BuildSettings(batch="first"))
    assert raised.value.what == (
        "None of the 4 pairs in batch 'first' is decided: 4 with no votes."
    )
    assert "--labels imported" in raised.value.next_step


def test_an_empty_workspace_points_to_import(workspace: Workspace) -> None:
    with pytest.raises(WrongInputError, match=r"no pair in the workspace.*pairwright import"):
        dataset.build(workspace, BuildSettings())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (BuildSettings(labels="oracle"), "labels is 'oracle'"),
        (BuildSettings(policy="dictator"), "dictator"),
        (BuildSettings(min_votes=0), "min_votes is 0"),
        (BuildSettings(min_agreement=1.5), r"min_agreement is 1\.5"),
        (BuildSettings(holdout=1.0), r"holdout is 1\.0"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_its_value(
    workspace: Workspace, settings: BuildSettings, words: str
) -> None:
    with pytest.raises(WrongInputError, match=words):
        dataset.preview(workspace, settings)


def test_an_unknown_batch_names_those_that_exist(workspace: Workspace, four: Four) -> None:
    with pytest.raises(NotFoundError, match="first"):
        dataset.preview(workspace, BuildSettings(batch="frist"))


def test_a_holdout_by_annotator_is_what_those_drawn_judged_and_says_who(
    workspace: Workspace, four: Four, vote: Vote
) -> None:
    vote("ana", {0: "a", 1: "b"})
    vote("ben", {2: "a"})
    vote("cleo", {2: "skip", 3: "b"})
    settings = BuildSettings(batch="first", holdout=0.25, holdout_by="annotator")
    version = dataset.build(workspace, settings)
    (drawn,) = version.policy["split"]["annotators"]
    held = {
        row.pair_id
        for row in dataset_versions.read_rows(workspace, version)
        if row.split != "train"
    }
    assert held == {four.ids[{"ben": 2, "cleo": 3}[drawn]]}
    assert dataset.build(workspace, settings) == version
    found = dataset.preview(workspace, settings)
    assert found.split(0.25, settings.seed).annotators == (drawn,)


def test_nobody_can_be_held_out_of_imported_labels(workspace: Workspace, four: Four) -> None:
    for settings, words in (
        (BuildSettings(labels="imported", holdout_by="annotator"), "nobody voted"),
        (BuildSettings(holdout_by="mood"), "holdout_by is 'mood'"),
    ):
        with pytest.raises(WrongInputError, match=words):
            dataset.preview(workspace, settings)
