"""Qualification rounds, guidelines and links on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import annotators, assignments, batches, qualifications, votes, workspace
from storage import gold as gold_pairs
from storage.rows import Assignment, AssignmentKind, Verdict


@pytest.fixture
def gold(pairwright: Any, records: Path) -> Any:
    """The command line, on a workspace with six pairs in batch `first`, all of them gold."""
    pairwright("init")
    pairwright("import", records, "--batch", "first", "--labeled-by", "facts")
    pairwright("batch", "gold", "first", "--labeled-by", "facts")
    return pairwright


def judge(tmp_path: Path, who: str, *rights: bool) -> None:
    """Go through a round of batch `first`, right or wrong."""
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        batch = batches.get(tx, "first")
        ada = annotators.get_or_create(tx, who)
        for number, right in enumerate(rights):
            name = f"{who} {number}"
            blank = Assignment(name, batch.id, "", ada.id, AssignmentKind.NORMAL, "a", 0, 0, 0)
            offered = qualifications.offer(tx, batch, blank)
            assert offered is not None
            winner = gold_pairs.winners(tx, batch.id)[offered.pair_id]
            votes.append(
                tx,
                event_id=name,
                assignment_id=offered.id,
                kind="vote",
                verdict=Verdict(winner) if right else Verdict.TIE,
                shown_at=1,
                decided_at=2,
                active_ms=1,
            )
    opened.close()


def test_a_round_is_asked_for_explained_and_shown_with_who_passed(
    gold: Any, tmp_path: Path
) -> None:
    words = ("batch", "qualification", "first")
    assert "no qualification round" in gold(*words).out
    asked = gold(*words, "--pairs", 2, "--json").result
    assert (asked["pairs"], asked["pass"], len(asked["gold"])) == (2, 0.8, 6)
    pair = asked["gold"][0]["pair"]
    assert gold("batch", "explain", "first", pair[:12], "Count again.").code == 0
    judge(tmp_path, "Ada", True, True)
    judge(tmp_path, "Ben", True, False)
    shown = gold(*words, "--json").result
    assert shown["gold"][0]["explanation"] == "Count again."
    assert shown["people"] == [
        {
            **{"annotator": "Ada", "outcome": "passed", "right": 2, "n": 2, "value": 1.0},
            **{"pairs": 2, "needed": 2},
        },
        {
            **{"annotator": "Ben", "outcome": "not_passed", "right": 1, "n": 2, "value": 0.5},
            **{"pairs": 2, "needed": 2},
        },
    ]
    assert "Ben: not passed, 1 of 2 right (50%)" in gold(*words).out


def test_a_lead_lets_try_again_and_lets_in(gold: Any, tmp_path: Path) -> None:
    words = ("batch", "qualification", "first")
    gold(*words, "--pairs", 1, "--pass", 1)
    judge(tmp_path, "Ben", False)
    assert gold(*words, "--retry", "Ben", "--json").result["people"][0]["outcome"] == "under_way"
    assert gold(*words, "--admit", "Ben", "--json").result["people"][0]["outcome"] == "admitted"
    again = gold(*words, "--admit", "Ben")
    assert again.code == 1
    assert "may label batch first already" in again.err
    assert gold(*words, "--admit", "Bne").code == 1


@pytest.mark.parametrize("flags", [("--pairs", "7"), ("--pairs", "2", "--pass", "1.5")])
def test_a_round_that_cannot_be_is_refused(gold: Any, flags: tuple[str, ...]) -> None:
    assert gold("batch", "qualification", "first", *flags).code == 1
    assert gold("batch", "qualification", "first", "--json").result["pairs"] == 0


def test_guidelines_are_kept_in_every_version(pairwright: Any, tmp_path: Path) -> None:
    pairwright("init")
    pairwright("batch", "create", "first")
    assert "no guidelines" in pairwright("batch", "guidelines", "first").out
    path = tmp_path / "guidelines.txt"
    for text in ("Be fair.", "Be fair.", "Be fair and quick."):
        path.write_text(text)
        found = pairwright("batch", "guidelines", "first", path, "--json").result
    assert found["version"] == 2
    assert [(each["version"], each["votes"], each["text"]) for each in found["versions"]] == [
        (1, 0, "Be fair."),
        (2, 0, "Be fair and quick."),
    ]
    assert "Be fair and quick." in pairwright("batch", "guidelines", "first").out


def test_a_link_is_made_with_terms_shown_with_its_work_and_extended(
    imported: Any, tmp_path: Path
) -> None:
    words = ("link", "create", "--batch", "first", "--annotator", "Ada", "--json")
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    terms = ("--from", start.isoformat(), "--quota", 4, "--expires", "1d")
    made = imported(*words, *terms).result
    assert datetime.fromisoformat(made["starts_at"]) == start
    assert datetime.fromisoformat(made["expires_at"]) == start + timedelta(days=1)
    assert (made["quota"], made["pace"]) == (4, 1200)
    _label(tmp_path, "Ada", verdicts=("a", "skip"), active_ms=90_000)
    (shown,) = imported("link", "list", "--json").result["links"]
    assert (shown["state"], shown["devices"], shown["votes"], shown["of"]) == ("not yet", 0, 1, 4)
    # two pairs in three minutes
    assert shown["pairs_per_hour"] == pytest.approx(40)
    assert shown["last_vote_at"] is not None
    extended = imported("link", "extend", made["link"], "--by", "12h", "--json").result
    assert datetime.fromisoformat(extended["expires_at"]) == start + timedelta(days=1.5)
    assert imported("link", "extend", made["link"], "--by", "soon").code == 1
    imported("link", "revoke", made["link"])
    refused = imported("link", "extend", made["link"])
    assert refused.code == 1
    assert "was revoked" in refused.err


def _label(tmp_path: Path, who: str, verdicts: tuple[str, ...], active_ms: int) -> None:
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        batch = batches.get(tx, "first")
        annotator = annotators.get_or_create(tx, who)
        for number, verdict in enumerate(verdicts):
            offered = assignments.offer_next(
                tx,
                batch_id=batch.id,
                annotator_id=annotator.id,
                new_id=f"normal {number}",
                left="a",
                now=0,
                leased_until=1,
            )
            assert offered is not None
            votes.append(
                tx,
                event_id=offered.id,
                assignment_id=offered.id,
                kind="vote",
                verdict=Verdict(verdict),
                shown_at=1,
                decided_at=2,
                active_ms=active_ms,
            )
    opened.close()
