"""What a batch asks of its annotators, set on the command line and shown again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labeling import rubrics
from storage import annotators, assignments, batches, gold, votes, workspace
from storage.rows import Assignment, AssignmentKind, Verdict


def kept(tmp_path: Path, name: str) -> Any:
    """The batch as the bench will find it."""
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.read() as db:
        batch = batches.get(db, name)
    opened.close()
    return batch


def test_a_batch_keeps_what_it_asks_of_annotators(pairwright: Any, tmp_path: Path) -> None:
    pairwright("init")
    flags = ("--both-bad", "--confidence", "--rubric", "grounding", "--review-limit", "7")
    rates = ("--gold-rate", "0.05", "--repeat-rate", "0.1")
    assert pairwright("batch", "create", "hard", *flags, *rates).code == 0
    shown = pairwright("batch", "show", "hard", "--json").result
    wanted = {
        "rubric": "grounding",
        "both_bad": True,
        "confidence": True,
        "review_limit": 7,
        "gold_rate": 0.05,
        "repeat_rate": 0.1,
    }
    assert {name: shown[name] for name in wanted} == wanted


def test_a_rubric_of_ones_own_comes_from_a_file(pairwright: Any, tmp_path: Path) -> None:
    pairwright("init")
    path = tmp_path / "rubric.json"
    path.write_text('{"criteria": [{"key": "tone"}], "failure_kinds": ["format"]}')
    assert pairwright("batch", "create", "own", "--rubric", path).code == 0
    rubric = rubrics.of(kept(tmp_path, "own").rubric)
    assert rubric is not None
    assert [each.key for each in rubric.criteria] == ["tone"]
    shown = pairwright("batch", "show", "own", "--json").result["rubric"]
    assert shown["failure_kinds"] == [{"key": "format", "label": "Format"}]


def test_an_import_sets_the_rubric_of_its_batch(
    pairwright: Any, records: Path, tmp_path: Path
) -> None:
    pairwright("init")
    words = ("import", records, "--batch", "first", "--rubric", "safety")
    assert pairwright(*words, "--dry-run").code == 0
    assert pairwright(*words).code == 0
    assert kept(tmp_path, "first").rubric == "safety"


def test_an_import_sets_what_annotators_are_told_and_says_what_changes(
    pairwright: Any, records: Path, tmp_path: Path
) -> None:
    pairwright("init")
    told = tmp_path / "guidelines.md"
    told.write_text("Prefer what the picture shows.", encoding="utf-8")
    words = ("import", records, "--batch", "first")
    assert pairwright(*words).code == 0
    asked = ("--guidelines", told, "--both-bad", "--confidence", "--json")
    tried = pairwright(*words, *asked, "--dry-run").result
    assert "The batch gets guidelines." in tried["notes"]
    assert kept(tmp_path, "first").guidelines == ""
    assert pairwright(*words, *asked).result["notes"] == tried["notes"]
    batch = kept(tmp_path, "first")
    assert (batch.guidelines, batch.both_bad, batch.confidence) == (told.read_text(), True, True)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--rubric", "groundnig"), "groundnig"),
        (("--gold-rate", "0.6"), "0.6"),
        (("--repeat-rate", "-1"), "-1"),
        (("--review-limit", "500"), "500"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_batch_is_made(
    pairwright: Any, flags: tuple[str, ...], named: str
) -> None:
    pairwright("init")
    ended = pairwright("batch", "create", "hard", *flags)
    assert ended.code == 1
    assert named in ended.err
    assert json.loads(pairwright("batch", "list", "--json").out) == {"batches": []}


def test_gold_pairs_are_marked_by_labeler_and_category(pairwright: Any, records: Path) -> None:
    pairwright("init")
    pairwright("import", records, "--batch", "first", "--labeled-by", "facts")
    marked = pairwright("batch", "gold", "first", "--labeled-by", "facts", "--json").result
    assert marked == {"batch": "first", "gold": 6, "conflicting": 0, "other_category": 0}
    words = ("batch", "gold", "first", "--labeled-by", "facts", "--category", "style")
    said = pairwright(*words)
    assert "has 0 gold pairs" in said.out
    assert "6 of other categories" in said.out
    assert "gold rate is 0" in said.out
    shown = pairwright("batch", "show", "first", "--json").result
    assert (shown["gold_pairs"], shown["checks"]) == (0, {})


def test_results_of_checks_are_shown_by_annotator(
    pairwright: Any, records: Path, tmp_path: Path
) -> None:
    pairwright("init")
    pairwright("batch", "create", "first", "--gold-rate", 0.5)
    pairwright("import", records, "--batch", "first", "--labeled-by", "facts")
    pairwright("batch", "gold", "first", "--labeled-by", "facts")
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        batch = batches.get(tx, "first")
        right = gold.winners(tx, batch.id)
        ada = annotators.get_or_create(tx, "Ada")
        for number, (pair_id, winner) in enumerate(right.items()):
            blank = Assignment(
                f"as{number}", batch.id, pair_id, ada.id, AssignmentKind.GOLD, "a", 0, 0, 0
            )
            assignment = assignments.assign(tx, blank)
            votes.append(
                tx,
                event_id=assignment.id,
                assignment_id=assignment.id,
                kind="vote",
                verdict=Verdict(winner) if number < 3 else Verdict.TIE,
                shown_at=1,
                decided_at=2,
                active_ms=1,
            )
    opened.close()
    figure = pairwright("batch", "show", "first", "--json").result["checks"]["Ada"]
    assert (figure["gold_accuracy"]["value"], figure["gold_accuracy"]["n"]) == (0.5, 6)
    assert figure["self_consistency"]["value"] is None
    assert "Ada: 50% of 6 gold pairs judged right" in pairwright("batch", "show", "first").out
