"""`pair bulk`, `pair view` and `votes exclude`: what the page does, for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from storage import batches, pairs, workspace


def test_an_action_names_what_it_changed_and_the_way_back(imported: Any) -> None:
    made = imported("pair", "bulk", "tag", "hard", "--batch", "first", "--json").result
    assert (made["kind"], made["value"], made["pairs"], made["actor"]) == ("tag", "hard", 6, "lead")
    listed = imported("pair", "list", "--tag", "hard", "--json").result
    assert (listed["total"], listed["pairs"][0]["tags"]) == (6, ["hard"])
    one = listed["pairs"][0]["pair_id"]
    out = imported("pair", "bulk", "exclude", "--pair", one, "--reason", "alike")
    assert "Action 2: excluded, 1 of 1 pairs." in out.out
    assert imported("pair", "list", "--excluded", "yes", "--json").result["total"] == 1
    log = imported("pair", "bulk", "log", "--json").result["actions"]
    assert [(each["number"], each["reason"]) for each in log] == [(2, "alike"), (1, "")]
    undone = imported("pair", "bulk", "undo", "--json").result
    assert (undone["undoes"], undone["kind"]) == (2, "exclude")
    assert imported("pair", "list", "--excluded", "yes", "--json").result["total"] == 0
    unknown = imported("pair", "bulk", "tag", "odd", "--pair", "gone")
    assert (unknown.code, "No pair has the id 'gone'." in unknown.err) == (1, True)
    again = imported("pair", "bulk", "undo", 2)
    assert (again.code, "taken back by 3" in again.err) == (1, True)


def test_more_than_a_hundred_pairs_want_a_yes(
    imported: Any, tmp_path: Path, make_batch: Any
) -> None:
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        make_batch(tx, "many", pair_count=101)
    opened.close()
    asked = imported("pair", "bulk", "overlap", 1, "--batch", "many")
    assert asked.code == 1
    assert "This is about 101 pairs." in asked.err
    done = imported("pair", "bulk", "overlap", 1, "--batch", "many", "--yes", "--json").result
    assert done["pairs"] == 101


def test_pairs_sent_to_a_lead_are_in_the_queue(imported: Any) -> None:
    imported("pair", "bulk", "adjudicate", "--text", "What is 3 plus one", "--reason", "odd")
    (row,) = imported("pair", "queue", "--json").result["queue"]
    assert [each["kind"] for each in row["reasons"]] == ["sent"]


def test_a_saved_view_is_a_filter(imported: Any) -> None:
    saved = imported("pair", "view", "save", "three", "--text", "3 plus", "--json").result
    assert saved["search"] == {"text": "3 plus"}
    assert imported("pair", "list", "--view", "three", "--json").result["total"] == 1
    none = imported("pair", "list", "--view", "three", "--category", "spatial", "--json").result
    assert none == {"total": 0, "pairs": [], "after": None}
    assert imported("pair", "view", "save", "three").code == 1
    assert imported("pair", "view", "rename", "three", "few").code == 0
    views = imported("pair", "view", "list", "--json").result["views"]
    assert [each["name"] for each in views] == ["few"]
    assert imported("pair", "view", "delete", "few").code == 0
    assert "No saved view is named 'few'." in imported("pair", "list", "--view", "few").err


def test_a_list_goes_on_behind_a_pair(imported: Any) -> None:
    whole = imported("pair", "list", "--json").result
    first = imported("pair", "list", "--limit", 4, "--json").result
    rest = imported("pair", "list", "--after", first["after"], "--json").result
    assert whole["pairs"] == first["pairs"] + rest["pairs"]
    assert rest["after"] is None


def test_a_single_vote_is_excluded_by_the_id_of_the_export(
    imported: Any, tmp_path: Path, label: Any
) -> None:
    opened = workspace.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        views = pairs.page(tx, pairs.PairFilter(batch="first"), 2)
        label(tx, batches.get(tx, "first"), "Ada", {view.pair.id: "a" for view in views})
    opened.close()

    def exported(name: str, *more: str) -> list[dict[str, Any]]:
        out = tmp_path / name
        assert imported("votes", "export", "--format", "jsonl", "--out", out, *more).code == 0
        return [json.loads(line) for line in out.read_text().splitlines()]

    vote = exported("before")[0]["event_id"]
    told = imported("votes", "exclude", vote, "--reason", "hasty", "--json").result
    assert (told["annotator"], told["reason"]) == ("Ada", "hasty")
    assert sorted(row["excluded"] for row in exported("after")) == ["", "hasty"]
    unnamed = exported("unnamed", "--pseudonyms")
    assert sorted(row["excluded"] for row in unnamed) == ["", "yes"]
    again = imported("votes", "exclude", vote, "--reason", "hasty")
    assert (again.code, "excluded already" in again.err) == (1, True)
    assert imported("votes", "readmit", vote, "--reason", "was fine").code == 0
    assert [row["excluded"] for row in exported("back")] == ["", ""]
    assert (
        "No vote has the id 'nobody'" in imported("votes", "exclude", "nobody", "--reason", "r").err
    )
