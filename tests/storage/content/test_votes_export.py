"""Raw votes as files: every event is in, formulas are not, and the manifest agrees."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from storage import annotators, assignments, batches, clock, votes
from storage.errors import NotFoundError, WrongInputError
from storage.exports import spreadsheets
from storage.exports import votes as export_of_votes
from storage.rows import Batch, Verdict
from storage.workspace import Workspace

FORMULA = '=HYPERLINK("http://example.org";"read me")'


@pytest.fixture
def voted(workspace: Workspace, make_batch: Callable[..., Batch]) -> Workspace:
    """A vote with a formula as its note, an undo of it, and a vote for the other answer."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, "first")
        who = annotators.get_or_create(tx, "=Ada")
        offered = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=who.id,
            new_id="one",
            left="b",
            now=clock.now(tx),
            leased_until=clock.now(tx),
        )
        assert offered is not None
        times = {"shown_at": 1_700_000_000_000_000, "decided_at": 1_700_000_002_000_000}
        said: list[tuple[str, str, Verdict | None, Any]] = [
            ("e1", "vote", Verdict.A, {"a": {"grounding": 5}}),
            ("e2", "undo", None, None),
            ("e3", "vote", Verdict.B, None),
        ]
        for event_id, kind, verdict, rubric in said:
            votes.append(
                tx,
                event_id=event_id,
                assignment_id="one",
                kind=kind,
                verdict=verdict,
                note=FORMULA if event_id == "e1" else "",
                rubric=rubric,
                active_ms=1500,
                **times,
            )
        batches.create(tx, "empty")
    return workspace


def test_each_format_holds_the_same_events(voted: Workspace, tmp_path: Path) -> None:
    made = {
        form: export_of_votes.export(voted, tmp_path / f"votes.{form}", form)
        for form in export_of_votes.FORMATS
    }
    lines = (tmp_path / "votes.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert pq.read_table(tmp_path / "votes.parquet").to_pylist() == rows
    assert [row["effective"] for row in rows] == [False, False, True]
    first = rows[0]
    assert (first["verdict"], first["left"], first["note"]) == ("a", "b", FORMULA)
    assert (first["annotator"], first["shown_at"]) == ("=Ada", "2023-11-14T22:13:20+00:00")
    assert json.loads(first["rubric"]) == {"a": {"grounding": 5}}
    with (tmp_path / "votes.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [row["event_id"] for row in cells] == [row["event_id"] for row in rows]
    assert len({each.digest for each in made.values()}) == 1
    said = json.loads(made["csv"].manifest.read_text())
    assert said["counts"] == {"votes": 2, "undos": 1, "effective": 1, "b": 1}
    assert said["digest"] == made["parquet"].digest


def test_no_text_in_the_csv_becomes_a_formula(voted: Workspace, tmp_path: Path) -> None:
    export_of_votes.export(voted, tmp_path / "votes.csv", "csv")
    with (tmp_path / "votes.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert first["note"] == f"'{FORMULA}"
    assert first["annotator"] == "'=Ada"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "  =1", "\n=1", "\uff1d1"])
def test_every_beginning_of_a_formula_is_guarded(text: str) -> None:
    assert spreadsheets.safe(text) == f"'{text}"
    assert spreadsheets.safe(f"x{text}") == f"x{text}"


def test_pseudonyms_stay_the_same_and_do_not_tell_the_name(
    voted: Workspace, tmp_path: Path
) -> None:
    names = set()
    for number in range(2):
        out = tmp_path / f"{number}.jsonl"
        export_of_votes.export(voted, out, "jsonl", pseudonyms=True)
        text = out.read_text()
        assert "Ada" not in text
        names |= {json.loads(line)["annotator"] for line in text.splitlines()}
    assert len(names) == 1


def test_a_filter_by_batch_is_told_and_an_unknown_batch_leaves_no_file(
    voted: Workspace, tmp_path: Path
) -> None:
    made = export_of_votes.export(voted, tmp_path / "v.parquet", "parquet", batch="empty")
    said = json.loads(made.manifest.read_text())
    assert (said["counts"], said["filter"]["batch"]) == ({}, "empty")
    assert pq.read_table(made.file).num_rows == 0
    with pytest.raises(NotFoundError):
        export_of_votes.export(voted, tmp_path / "w.csv", "csv", batch="nowhere")
    with pytest.raises(WrongInputError, match="already there"):
        export_of_votes.export(voted, made.file, "parquet")
    assert sorted(path.name for path in tmp_path.glob("[vw.]*")) == [
        "v.parquet",
        "v.parquet.manifest.json",
    ]
