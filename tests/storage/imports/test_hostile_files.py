"""Files that are made to hurt: each ends in a clear error or rejected rows, never in a crash."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.errors import WrongInputError
from storage.imports import confined, importing, records
from storage.imports.reader import Request
from storage.workspace import Workspace

Read = Callable[..., Any]
Written = Callable[..., Path]
GOOD = {"prompt": "What?", "chosen": "A mug.", "rejected": "A jug."}
DEPTH = 200_000


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.jsonl", b"0" * 1_000_000)
    return data.getvalue()


def test_a_nesting_bomb_costs_only_its_own_record(read: Read) -> None:
    bomb = "[" * DEPTH + "]" * DEPTH
    line = json.dumps(GOOD)
    heard = read("t.jsonl", f'{line}\n{{"prompt": {bomb}}}\n{line}\n')
    assert len(heard.records) == 2
    assert "nested too deeply" in heard.problems[2]
    listed = read("t.json", f'[{line}, {{"prompt": {bomb}}}, {line}]')
    assert len(listed.records) == 1
    assert "Nothing from here on" in listed.problems[2]


def test_a_bomb_that_is_valid_where_texts_are_expected_is_rejected(read: Read) -> None:
    deep: Any = "text"
    for _ in range(300):
        deep = [deep]
    rows = [GOOD, {**GOOD, "chosen": deep}, {**GOOD, "images": {"bytes": deep}}]
    assert list(read("t.jsonl", rows).problems) == [2, 3]


def test_huge_texts_are_rejected_by_their_length(read: Read) -> None:
    huge = "x" * (records.LONGEST_TEXT + 1)
    heard = read("t.jsonl", [GOOD, {**GOOD, "chosen": huge}, {**GOOD, "prompt": huge}])
    assert len(heard.records) == 1
    assert all(f"{records.LONGEST_TEXT:,} are the most" in why for why in heard.problems.values())


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("t.jsonl", zipped(), "ZIP archive"),
        ("t.csv", gzip.compress(b"prompt,chosen,rejected\n"), "gzip archive"),
        ("t.json", json.dumps([GOOD]).encode("utf-16"), "UTF-16"),
        ("t.json", b'[{"prompt": "\xe9"}]', "not UTF-8: byte 14"),
        ("t.bin", b"\x7fELF\0\0\0\0", "neither JSON, CSV, Parquet nor Arrow"),
        ("t.json", b"", "holds no records"),
        ("t.json", b"[]", "holds no records"),
        ("t.csv", b"prompt,prompt\na,b\n", "'prompt' twice"),
        ("t.parquet", b"PAR1" + b"\0" * 100, "cut off or damaged"),
        ("t.arrow", b"\xff\xff\xff\xff" + b"\xff" * 60, "cut off or damaged"),
    ],
    # Archives hold the time they were made at: their bytes must not name a test.
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_what_is_no_data_is_named(read: Read, name: str, data: bytes, reason: str) -> None:
    with pytest.raises(WrongInputError, match=reason):
        read(name, data)


def test_a_byte_that_is_no_utf_8_costs_only_its_line(read: Read) -> None:
    csv = b"prompt,chosen,rejected\nWhat?,\xe9,No.\nWho?,Yes.,No.\n"
    assert list(read("t.csv", csv).problems) == [2]
    line = json.dumps(GOOD).encode()
    assert list(read("t.jsonl", line + b'\n{"prompt": "\xe9"}\n' + line).problems) == [2]


@pytest.mark.parametrize(
    "row",
    [
        {**GOOD, "prompt": "a\0b"},
        {**GOOD, "chosen": "\ud800"},
        {**GOOD, "chosen": "Look: <image>"},
        {**GOOD, "prompt": 7},
        {**GOOD, "chosen": GOOD["rejected"]},
        {**GOOD, "category": 7, "id": {"a": 1}},
    ],
)
def test_a_bad_value_is_rejected_with_its_line(read: Read, row: dict[str, Any]) -> None:
    assert list(read("t.jsonl", [GOOD, row, GOOD]).problems) == [2]


def test_a_list_that_breaks_off_gives_what_came_before_and_says_where(read: Read) -> None:
    text = json.dumps([GOOD, GOOD])
    for cut in (text[:-1], text[:-5], text[: len(text) // 2 + 3]):
        heard = read("t.json", cut)
        assert heard.records
        assert list(heard.problems) == [len(heard.records) + 1]


def test_a_truncated_parquet_is_an_error_and_the_ledger_stays_as_it_was(
    workspace: Workspace, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.Table.from_pylist([GOOD] * 100), whole)
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(WrongInputError, match=r"cut\.parquet cannot be read as Parquet"):
        importing.import_file(workspace, cut, batch="first")
    assert importing.import_file(workspace, whole, batch="first").imported == 1


def test_a_folder_may_not_lead_out_of_itself(read: Read, tmp_path: Path) -> None:
    (tmp_path / "outside.jsonl").write_text(json.dumps(GOOD))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "in.jsonl").symlink_to(tmp_path / "outside.jsonl")
    with pytest.raises(WrongInputError, match="is a link out of"):
        read("", tmp_path / "folder")


def test_a_pipe_in_a_folder_is_not_waited_for(read: Read, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "a.jsonl")
    (tmp_path / "folder" / "b.jsonl").write_text(json.dumps(GOOD))
    assert len(read("", tmp_path / "folder").records) == 1


def test_many_long_messages_are_too_much_together(read: Read) -> None:
    said = [{"role": role, "content": "x" * 900_000} for role in ("user", "assistant") * 3]
    talk = [*said[:5], {"role": "assistant", "content": "Yes."}]
    other = [*said[:5], {"role": "assistant", "content": "No."}]
    heard = read("t.json", [{"chosen": talk, "rejected": other}])
    assert "characters together" in heard.problems[1]


def test_a_file_that_unpacks_to_more_than_it_may_ends_its_process_and_nothing_else(
    workspace: Workspace, tmp_path: Path
) -> None:
    # 4 GiB of one letter as 10 KiB of Parquet: no limit of ours is declared, so memory has to say
    block = pa.array(["x" * 2**20], pa.large_string())
    table = pa.table({name: pa.concat_arrays([block] * 16) for name in GOOD})
    small = pa.table({name: table[name].dictionary_encode() for name in GOOD})
    path = tmp_path / "bomb.parquet"
    with pq.ParquetWriter(path, small.schema, compression="zstd") as writer:
        writer.write_table(small)
    assert path.stat().st_size < 200_000
    report = importing.import_file(workspace, path, batch="first")
    assert (report.imported, len(report.rejected)) == (0, 16)


def test_reading_stops_at_its_limit_of_memory(written: Written) -> None:
    path = written("t.json", "[" + json.dumps({**GOOD, "note": "x" * 50_000_000}) + "]")
    with (
        pytest.raises(WrongInputError, match=r"more than 0\.117 GiB of memory"),
        confined.reading(Request(str(path), memory=120 * 1024**2)) as found,
    ):
        list(found.rows)


@pytest.mark.parametrize(
    ("died", "reason"),
    [("SIGXCPU", "computing time"), ("SIGKILL", "of memory"), ("SIGSEGV", "broke off")],
)
def test_a_reader_that_dies_is_explained(
    written: Written, monkeypatch: pytest.MonkeyPatch, died: str, reason: str
) -> None:
    kill = f"import os, signal; os.kill(os.getpid(), signal.{died})"
    monkeypatch.setattr(confined, "COMMAND", (sys.executable, "-S", "-c", kill))
    request = Request(str(written("t.jsonl", [GOOD])))
    with pytest.raises(WrongInputError, match=reason), confined.reading(request):
        pass
