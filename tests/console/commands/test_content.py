"""Commands that bring in, show and freeze content: import, batch, link, dataset, model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labeling import links as labeling_links

Pairwright = Callable[..., Any]


def test_import_counts_what_is_new_and_what_was_there(
    pairwright: Pairwright, records: Path
) -> None:
    pairwright("init")
    first = pairwright("import", records, "--batch", "first", "--json")
    again = pairwright("import", records, "--batch", "first", "--json")
    assert (first.code, again.code) == (0, 0)
    wanted = {"batch": "first", "records": 6, "imported": 6, "present": 0, "pairs": 6}
    assert wanted.items() <= first.result.items()
    assert (again.result["imported"], again.result["present"]) == (0, 6)
    assert first.result["rejected"] == []


def test_import_goes_on_after_bad_lines_and_names_each(
    pairwright: Pairwright, records: Path
) -> None:
    pairwright("init")
    records.write_text("{not json\n" + records.read_text() + "[]\n")
    ended = pairwright("import", records, "--batch", "first", "--json")
    assert ended.code == 0
    assert ended.result["imported"] == 6
    assert [bad["line"] for bad in ended.result["rejected"]] == [1, 8]
    assert all(bad["reason"] for bad in ended.result["rejected"])


def test_a_dry_run_counts_and_changes_nothing(pairwright: Pairwright, records: Path) -> None:
    pairwright("init")
    ended = pairwright("import", records, "--batch", "first", "--dry-run", "--json")
    assert (ended.result["imported"], ended.result["dry_run"]) == (6, True)
    assert pairwright("batch", "list", "--json").result == {"batches": []}


def test_import_of_a_missing_file_fails_with_its_name(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    pairwright("init")
    ended = pairwright("import", tmp_path / "nowhere.jsonl", "--batch", "first")
    assert ended.code == 1
    assert "nowhere.jsonl" in ended.err


def test_a_batch_is_made_listed_and_shown(pairwright: Pairwright, tmp_path: Path) -> None:
    guidelines = tmp_path / "guidelines.txt"
    guidelines.write_text("Prefer the shorter one.")
    pairwright("init")
    made = pairwright("batch", "create", "b", "--overlap", 3, "--guidelines", guidelines)
    assert made.code == 0
    [row] = pairwright("batch", "list", "--json").result["batches"]
    assert (row["name"], row["pairs"], row["overlap"], row["votes"]) == ("b", 0, 3, 0)
    assert pairwright("batch", "show", "b", "--json").result["guidelines"].startswith("Prefer")


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("batch", "show", "frst"), "first"),
        (("link", "create", "--batch", "fist", "--annotator", "ana"), "first"),
        (("dataset", "build", "--batch", "frist", "--labels", "imported"), "first"),
        (("dataset", "show", "v11"), "v1"),
        (("train", "--dataset", "v2", "--from", "org/tiny"), "v1"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    imported: Pairwright, words: tuple[str, ...], nearest: str
) -> None:
    imported("dataset", "build", "--labels", "imported")
    ended = imported(*words)
    assert ended.code == 1
    assert f"The nearest is '{nearest}'." in ended.err


def test_a_link_is_shown_once_and_can_be_revoked(imported: Pairwright) -> None:
    made = imported("link", "create", "--batch", "first", "--annotator", "ana", "--json").result
    address, token = made["url"].split("#")
    assert address.endswith("/j")
    assert labeling_links.split_token(token)
    listed = imported("link", "list", "--json")
    [row] = listed.result["links"]
    assert (row["batch"], row["annotator"], row["state"]) == ("first", "ana", "active")
    assert token not in listed.out
    assert imported("link", "revoke", made["link"]).code == 0
    [row] = imported("link", "list", "--batch", "first", "--json").result["links"]
    assert row["state"] == "revoked"


def test_a_dataset_without_any_decision_fails_and_says_what_to_do(imported: Pairwright) -> None:
    ended = imported("dataset", "build", "--batch", "first")
    assert ended.code == 1
    assert "--labels imported" in ended.err


def test_a_dataset_of_imported_labels_is_built_listed_and_shown(imported: Pairwright) -> None:
    build = ("dataset", "build", "--batch", "first", "--labels", "imported", "--holdout", 0.5)
    built = imported(*build, "--json").result
    assert {"version", "digest", "rows", "train", "holdout", "excluded"} <= set(built)
    assert (built["rows"], built["train"] + built["holdout"]) == (6, 6)
    assert imported(*build, "--json").result["version"] == built["version"]
    assert imported("dataset", "list", "--json").result["datasets"] == [built]
    assert imported("dataset", "show", built["version"], "--json").result == built


def test_an_exported_dataset_is_imported_as_the_same_pairs(
    imported: Pairwright, tmp_path: Path
) -> None:
    imported("dataset", "build", "--labels", "imported")
    out = tmp_path / "out"
    exported = imported("dataset", "export", "v1", "--out", out, "--json").result
    assert exported["rows"] == 6
    again = imported("import", exported["file"], "--batch", "first", "--json").result
    assert (again["imported"], again["present"]) == (0, 6)


def test_a_model_gets_a_short_name(pairwright: Pairwright, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    pairwright("init")
    assert pairwright("model", "add", "tiny", folder).code == 0
    [row] = pairwright("model", "list", "--json").result["models"]
    assert (row["name"], row["location"]) == ("tiny", str(folder))


def test_every_listing_is_one_json_object(imported: Pairwright) -> None:
    for noun, key in [
        ("batch", "batches"),
        ("link", "links"),
        ("dataset", "datasets"),
        ("model", "models"),
        ("job", "jobs"),
        ("checkpoint", "checkpoints"),
    ]:
        assert isinstance(json.loads(imported(noun, "list", "--json").out)[key], list)


def test_an_empty_listing_says_what_to_do_next(pairwright: Pairwright) -> None:
    pairwright("init")
    for noun in ("batch", "link", "dataset", "model", "job", "checkpoint"):
        ended = pairwright(noun, "list")
        assert ended.code == 0
        assert "pairwright " in ended.err
