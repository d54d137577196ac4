"""Fixed, broken or neither: by what is right, else by blind votes, else by a judge, named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rounds.changes import collecting, outcomes
from rounds.changes import references as reading
from rounds.changes.outcomes import Answers, DecidedBy, Outcome
from storage import batches, pairs, prompts, references
from storage.errors import WrongInputError
from storage.judgements import Judgement
from storage.rows import Batch, Pair, Part, Turn, Verdict
from storage.workspace import Workspace

Ask = Callable[..., Answers]


@pytest.fixture
def ask(workspace: Workspace) -> Ask:
    """`ask("How many?", "two", "three")`: a prompt with the earlier and the later answer."""

    def make(question: str, before: str, after: str, category: str = "counting") -> Answers:
        prompt = prompts.build([Turn("user", (Part("text", question),))], category)
        with workspace.ledger.write() as tx:
            prompts.add(tx, prompt)
        return Answers(prompt.id, category, before, after)

    return make


def know(workspace: Workspace, asked: Answers, *right: str) -> None:
    with workspace.ledger.write() as tx:
        for text in right:
            references.add(tx, asked.prompt_id, text, "truth.jsonl")


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("three", "two", Outcome.FIXED),
        ("two", "three", Outcome.BROKEN),
        ("two", "2", Outcome.UNCHANGED),
        ("three", "four", Outcome.UNCHANGED),
        ("two ", "two", Outcome.UNCHANGED),
    ],
)
def test_a_reference_decides_where_there_is_one(
    workspace: Workspace, ask: Ask, before: str, after: str, outcome: Outcome
) -> None:
    asked = ask("How many?", before, after)
    know(workspace, asked, "two", "2")
    (change,) = outcomes.decide(workspace, [asked])
    assert (change.outcome, change.decided_by) == (outcome, DecidedBy.REFERENCE)
    assert change.right is not None


def test_blind_votes_decide_where_nothing_is_known_and_a_judge_only_without_votes(
    workspace: Workspace, ask: Ask, label: Callable[..., None]
) -> None:
    voted, told, nobody = (ask(f"{sign * 9}?", "old answer", "new answer") for sign in "abc")
    (first, second, third) = outcomes.decide(workspace, [voted, told, nobody])
    assert {one.outcome for one in (first, second, third)} == {Outcome.UNDECIDED}
    by_prompt = {one.answers.prompt_id: one.pair_id for one in (first, second, third)}
    batch = collecting.collect(
        workspace, [first, second, third], "tiny", "round-1", "changes", overlap=1
    )
    with workspace.ledger.write() as tx:
        view = pairs.view(tx, by_prompt[voted.prompt_id])
        newer = "a" if view.text_a == "new answer" else "b"
        label(tx, batch, "ana", {view.pair.id: newer})
        other = pairs.view(tx, by_prompt[told.prompt_id])
    older = Verdict.A if other.text_a == "old answer" else Verdict.B
    judged = {
        other.pair.id: Judgement(other.pair.id, older, True, None),
        view.pair.id: Judgement(view.pair.id, Verdict.TIE, True, None),
    }
    found = outcomes.decide(workspace, [nobody, voted, told], judged)
    assert [(one.answers.prompt_id, one.outcome, one.decided_by) for one in found] == [
        (told.prompt_id, Outcome.BROKEN, DecidedBy.JUDGE),
        (voted.prompt_id, Outcome.FIXED, DecidedBy.VOTES),
        (nobody.prompt_id, Outcome.UNDECIDED, DecidedBy.NOBODY),
    ]


def test_the_same_answer_is_unchanged_and_every_prompt_is_counted(
    workspace: Workspace, ask: Ask
) -> None:
    asked = [ask("One?", "a", "a"), ask("Two?", "a", "b"), ask("Three?", "x", "y", "format")]
    know(workspace, asked[2], "y")
    lines = outcomes.tallies(outcomes.decide(workspace, asked))
    assert [vars(line) for line in lines] == [
        {
            "category": name,
            "prompts": count,
            "broken": 0,
            "fixed": fixed,
            "undecided": undecided,
            "unchanged": unchanged,
        }
        for name, count, fixed, undecided, unchanged in (
            ("all", 3, 1, 1, 1),
            ("counting", 2, 0, 1, 1),
            ("format", 1, 1, 0, 0),
        )
    ]


def test_the_batch_of_what_is_undecided_says_nothing_of_who_answered(
    workspace: Workspace, ask: Ask
) -> None:
    changes = outcomes.decide(workspace, [ask("One?", "a", "b")])
    collecting.collect(workspace, changes, "tiny", "round-1", "changes")
    with workspace.ledger.read() as db:
        view = pairs.view(db, changes[0].pair_id)
        assert batches.names_with(db, view.pair.id) == ["changes"]
    assert {view.text_a, view.text_b} == {"a", "b"}
    same = outcomes.decide(workspace, [ask("Two?", "a", "a")])
    with pytest.raises(WrongInputError, match="No change is undecided"):
        collecting.collect(workspace, same, "tiny", "round-1", "more")


def test_references_come_from_a_file_of_prompts_and_every_line_is_counted(
    workspace: Workspace, tmp_path: Path, ask: Ask
) -> None:
    lines = [
        {"messages": [{"role": "user", "content": "How many?"}], "reference": ["two", "2"]},
        {"messages": [{"role": "user", "content": "Which colour?"}]},
        {"messages": [{"role": "user", "content": "Where?"}], "reference": 3},
    ]
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = reading.import_file(workspace, path)
    assert (found.lines, found.added, found.present, found.without) == (3, 1, 0, 1)
    assert [one.line for one in found.rejected] == [3]
    again = reading.import_file(workspace, path)
    assert (again.added, again.present) == (0, 1)
    asked = ask("How many?", "two", "three")
    with workspace.ledger.read() as db:
        known = references.of_prompts(db, [asked.prompt_id])
    assert sorted(known[asked.prompt_id]) == ["2", "two"]


def test_a_reference_is_no_answer_that_somebody_compares(
    workspace: Workspace, make_batch: Callable[..., Batch], make_pair: Callable[..., Pair]
) -> None:
    with workspace.ledger.write() as tx:
        pair = make_pair(tx, "How many?", "two", "three")
        references.add(tx, pair.prompt_id, "five", "truth.jsonl")
        assert pairs.ids_of_prompt(tx, pair.prompt_id) == [pair.id]
        with pytest.raises(WrongInputError, match="cannot be kept"):
            references.add(tx, pair.prompt_id, " ", "truth.jsonl")
