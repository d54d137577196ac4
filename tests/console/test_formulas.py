"""What is downloaded as CSV is text to a spreadsheet, whatever a file or an annotator wrote."""

from __future__ import annotations

import csv
import io

import pytest

from console.views import imports


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        '=HYPERLINK("https://evil.test")',
    ],
)
def test_a_rejected_line_is_no_formula(text: str) -> None:
    [_, [line, reason]] = _cells([imports.RejectedLine(3, text)])
    assert line == "3"
    assert reason == f"'{text}"


@pytest.mark.parametrize("text", ["a = b", 'a "quoted", word', "two\nlines", ""])
def test_other_reasons_are_kept_as_they_are(text: str) -> None:
    assert _cells([imports.RejectedLine(1, text)])[1][1] == text


def _cells(rejected: list[imports.RejectedLine]) -> list[list[str]]:
    text = imports.rejects_file(rejected).decode()
    return list(csv.reader(io.StringIO(text, newline="")))
