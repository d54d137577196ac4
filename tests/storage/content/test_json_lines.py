"""Files with one object per line, in every shape that strangers give them."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import json_lines
from storage.errors import WrongInputError

WriteLines = Callable[..., Path]


def _read(path: Path, **options: int) -> list[tuple[int, object]]:
    """(number, object or reason) of every line that is not blank."""
    found: list[tuple[int, object]] = []
    for line in json_lines.read(path, **options):
        if not line.text and not line.problem:
            continue
        try:
            found.append((line.number, json_lines.parse_object(line)))
        except WrongInputError as problem:
            found.append((line.number, problem.what))
    return found


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_line_ends_of_any_system_a_byte_order_mark_and_blank_lines_are_fine(
    end: bytes, start: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(start + end.join([b'{"a":1}', b"", b"  ", b'{"a":2}']))
    assert _read(path) == [(1, {"a": 1}), (4, {"a": 2})]
    assert len(list(json_lines.read(path))) == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "Not valid JSON: Expecting value at character 1."),
        ("[1]", "A JSON list, but a record is an object in braces."),
        ('"x"', "A JSON text"),
        ("null", "A JSON null"),
        ("7", "A JSON number"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number"),
        ('{"a": 1, "a": 2}', "the key 'a' appears twice"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"a": ["\\ud800"]}', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ('{"a": ' + "9" * 5000 + "}", "Not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        (b'{"a": "\xff"}\n', "Not UTF-8: byte 8 of the line"),
        ('{"a": "tab\there"}', "Invalid control character"),
        ('{"a": 1} {"a": 2}', "Extra data"),
    ],
)
def test_a_line_that_is_no_object_is_told_why(
    text: str | bytes, reason: str, write_lines: WriteLines
) -> None:
    found = _read(write_lines(['{"a": "\\\\u0000 \\ud83d\\ude00"}', text, '{"z": 1}']))
    assert [number for number, _ in found] == [1, 2, 3]
    assert reason in str(found[1][1])
    assert (found[0][1], found[2][1]) == ({"a": "\\u0000 \U0001f600"}, {"z": 1})


def test_a_last_line_that_was_cut_off_says_so(write_lines: WriteLines) -> None:
    found = _read(write_lines(['{"a": 1}', b'{"a": "half of it']))
    assert "The file ends in the middle of this line." in str(found[1][1])
    assert _read(write_lines([b'{"a": 1}'])) == [(1, {"a": 1})]


def test_lines_are_as_long_as_allowed_and_no_longer(write_lines: WriteLines) -> None:
    fits, too_long = '{"a":"' + "x" * 92 + '"}', '{"a":"' + "x" * 93 + '"}'
    lines = [fits.encode() + b"\r\n", too_long, b"\n", fits, "x" * 1000, too_long.encode()]
    found = _read(write_lines(lines), longest=100)
    assert [number for number, _ in found] == [1, 2, 4, 5, 6]
    assert [type(value) for _, value in found] == [dict, str, dict, str, str]
    assert "longer than" in str(found[1][1])


def test_an_enormous_line_is_refused_without_keeping_it_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
        file.seek(0, 2)
        file.write(b'\n{"a": 1}\n')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = _read(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found == [(1, "The line is longer than 4 MiB."), (2, {"a": 1})]
    assert grown < 100 * 1024


def test_an_object_over_several_lines_counts_as_one(write_lines: WriteLines) -> None:
    path = write_lines(["{", '"a": [', '{"b": 1},', '{"b": 2}', "]", "}", '{"z": 1}', "{", "}"])
    assert _read(path) == [(1, {"a": [{"b": 1}, {"b": 2}]}), (7, {"z": 1}), (8, {})]


@pytest.mark.parametrize(
    "after",
    [['{"messages": 1}'], ["{", '"b": 1', "}"], ["x" * 200], []],
    ids=["record", "brace", "too long", "end"],
)
def test_a_brace_alone_swallows_no_record_behind_it(
    after: list[str], write_lines: WriteLines
) -> None:
    found = _read(write_lines(["{", '"a": 1,', *after, '{"messages": 2}']), longest=100)
    assert found[0][0] == 1
    assert "Not valid JSON" in str(found[0][1])
    assert "Not valid JSON" in str(found[1][1])
    assert found[-1][1] == {"messages": 2}
    values = [value for _, value in found]
    assert ({"messages": 1} in values) == (after == ['{"messages": 1}'])
    assert ({"b": 1} in values) == (after[:1] == ["{"])
