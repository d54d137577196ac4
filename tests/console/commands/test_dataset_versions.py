"""Commands about dataset versions and models: dataset check, dataset diff, model list."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

Pairwright = Callable[..., Any]


def test_check_reads_a_version_and_compares_its_digest(imported: Pairwright) -> None:
    built = imported("dataset", "build", "--labels", "imported", "--json").result
    checked = imported("dataset", "check", "v1", "--json")
    assert checked.code == 0
    result = checked.result
    findings = result.pop("findings")
    assert result == {
        "version": "v1",
        "rows": 6,
        "digest": built["digest"],
        "matches": True,
        "ready": True,
        "model": None,
        "longest": None,
    }
    assert {finding["level"] for finding in findings} == {"warning"}
    (size,) = [finding for finding in findings if finding["code"] == "size"]
    assert size["what"].startswith("5 rows to train on")
    assert size["do"]


def test_check_ends_with_3_when_something_blocks(imported: Pairwright, tmp_path: Path) -> None:
    record = {
        "messages": [
            {"role": "user", "content": "Which colour?"},
            {"role": "assistant", "content": "It is red."},
        ],
        "rejected_response": "it is  red.",
    }
    (tmp_path / "same.jsonl").write_text(json.dumps(record), encoding="utf-8")
    imported("import", str(tmp_path / "same.jsonl"), "--batch", "same")
    imported("dataset", "build", "--batch", "same", "--labels", "imported")
    ended = imported("dataset", "check", "v1", "--json")
    assert ended.code == 3
    assert not ended.result["ready"]
    assert ended.result["findings"][0]["code"] == "equal"


def test_check_of_a_damaged_file_fails_and_names_it(imported: Pairwright, tmp_path: Path) -> None:
    built = imported("dataset", "build", "--labels", "imported", "--json").result
    (tmp_path / "home" / built["path"]).write_bytes(b"torn")
    ended = imported("dataset", "check", "v1")
    assert ended.code == 1
    assert built["path"] in ended.err


def test_diff_counts_what_moved_by_category(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported", "--holdout", "0")
    imported("dataset", "build", "--labels", "imported", "--holdout", "0.5")
    found = imported("dataset", "diff", "v1", "v2", "--json").result
    counts = {kind: found[kind] for kind in ("added", "removed", "flipped", "moved", "unchanged")}
    assert counts == {"added": 0, "removed": 0, "flipped": 0, "moved": 3, "unchanged": 3}
    assert len(found["pairs"]["moved"]) == 3
    [category] = found["categories"]
    assert (category["category"], category["moved"]) == ("counting", 3)


def test_diff_for_people_is_a_sentence_and_a_table(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported", "--holdout", "0")
    imported("dataset", "build", "--labels", "imported", "--holdout", "0.5")
    ended = imported("dataset", "diff", "v1", "v2")
    assert ended.code == 0
    assert "From v1 to v2: 0 added, 0 removed" in ended.out
    assert "counting" in ended.out
    same = imported("dataset", "diff", "v1", "v1")
    assert "v1 and v1 hold the same 6 rows on the same sides." in same.out


def test_diff_with_an_unknown_version_names_the_nearest(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported")
    ended = imported("dataset", "diff", "v1", "v2")
    assert ended.code == 1
    assert "There is no dataset version 'v2'." in ended.err


def test_models_are_listed_with_their_size_and_whether_they_fit(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llava", "vision_config": {}}))
    save_file({"layers.0.up.weight": np.zeros((10, 20), np.float32)}, folder / "model.safetensors")
    pairwright("init")
    pairwright("model", "add", "tiny", folder)
    pairwright("model", "add", "far", "no-such/model-Thinking")
    far, tiny = pairwright("model", "list", "--json").result["models"]
    assert (tiny["parameters"], tiny["size"], tiny["family"]) == (200, 800, "LLaVA")
    assert tiny["needs"]["lora"]["verdict"] == "fits"
    # 16 bytes for each weight of a rank of 16 between 10 and 20 values
    weights = tiny["needs"]["lora"]["bytes"] - 16 * 16 * (10 + 20)
    assert weights in (200 * 2, 200 * 4)
    assert tiny["needs"]["full"]["bytes"] == 5 * weights
    assert (far["parameters"], far["needs"]["lora"]["verdict"]) == (None, "unknown")
    shown = pairwright("model", "list").out
    assert "LLaVA" in shown
    assert "Thinking: reasons step by step" in shown


def test_build_takes_the_filters_of_the_explorer_and_keeps_them_with_a_note(
    imported: Pairwright, tmp_path: Path
) -> None:
    chosen = ("--labels", "imported", "--holdout", "0")
    asked = ("--text", "is 2", "--confidence-from", "0.5", "--note", "A try.", "--by", "lea")
    whole = imported("dataset", "build", *chosen, "--json").result
    some = imported("dataset", "build", *chosen, *asked, "--json").result
    assert 0 < some["rows"] < whole["rows"] == 6
    assert some["filters"] == {"text": "is 2", "confidence_from": 0.5}
    assert some["excluded"] == {"outside the filter text": 6 - some["rows"]}
    assert (whole["filters"], whole["note"], some["note"]) == ({}, "", "A try.")
    shown = imported("dataset", "show", "v2").out
    assert "Filters: text is 2, confidence from 0.5." in shown
    assert "Note by lea" in shown
    assert "A try." in imported("dataset", "list").out
    found = imported("dataset", "diff", "v1", "v2", "--json").result
    assert found["filters"] == {"v1": {}, "v2": some["filters"]}
    out = tmp_path / "out"
    imported("dataset", "export", "v2", "--format", "parquet", "--out", str(out))
    said = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (said["note"], said["filter"]["filters"]) == ("A try.", some["filters"])


def test_a_note_can_be_changed_later_and_every_one_stays_on_record(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported", "--note", "First.")
    changed = imported("dataset", "note", "v1", "Second.", "--by", "lea", "--json").result
    assert (changed["note"], [one["text"] for one in changed["notes"]]) == (
        "Second.",
        ["Second.", "First."],
    )
    assert [one["actor"] for one in changed["notes"]] == ["lea", "lead"]
    assert imported("dataset", "note", "v1", "", "--json").result["note"] == ""
    assert "First." in imported("dataset", "note", "v1").out
    assert imported("dataset", "note", "v1", "x" * 5000).code == 1


def test_the_votes_behind_a_version_are_listed_and_written_to_a_file(
    imported: Pairwright, tmp_path: Path
) -> None:
    built = imported("dataset", "build", "--labels", "imported", "--json").result
    listed = imported("dataset", "votes", "v1", "--json").result
    assert (listed["total"], listed["page"], len(listed["rows"])) == (built["rows"], 1, 6)
    assert {row["consensus"] for row in listed["rows"]} == {"label: imported"}
    out = tmp_path / "votes.jsonl"
    written = imported("dataset", "votes", "v1", "--out", str(out), "--json").result
    assert (written["rows"], written["votes"]) == (6, 0)
    assert [json.loads(line) for line in out.read_text().splitlines()] == listed["rows"]
    assert "no vote" in imported("dataset", "votes", "v1").out
