"""Tables of ratings as CSV, as spreadsheets and people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import ratings
from storage.errors import WrongInputError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_an_empty_label_is_missing_and_other_columns_are_ignored(table: Path) -> None:
    table.write_text("note,item,rater,label\n,1,ana,a\nlate,1,ben,\n\n,2,ben,tie\n")
    assert ratings.read_csv(table) == [("1", "ana", "a"), ("2", "ben", "tie")]


def test_columns_in_another_order_quotes_space_and_a_byte_order_mark_are_read(table: Path) -> None:
    table.write_bytes('\ufeffLabel, Rater ,item\r\n"a, rather", ana ,1\r\n'.encode())
    assert ratings.read_csv(table) == [("1", "ana", "a, rather")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: '' does not name the column 'item'"),
        ("item,who,label\n1,ana,a\n", "'item,who,label' does not name the column 'rater'"),
        ("item,item,rater,label\n", "does not name the column 'item' once"),
        ("item,rater,label\n1,ana,a\n2,ana\n", "line 3: '2,ana' has 2 values for 3 columns"),
        ("item,rater,label\n1,,a\n", "line 2: the rater is empty"),
        ("item,rater,label\n,ana,a\n", "line 2: the item is empty"),
        (
            "item,rater,label\n1,ana,a\n1,ben,a\n1,ana,b\n",
            "line 4: rater 'ana' judges item '1' a second time; the first is in line 2",
        ),
        ('item,rater,label\n1,ana,"a\n', "after line 1: unexpected end of data"),
    ],
)
def test_a_bad_table_is_refused_with_line_and_value(table: Path, text: str, words: str) -> None:
    table.write_text(text)
    with pytest.raises(WrongInputError, match=r"table\.csv") as caught:
        ratings.read_csv(table)
    assert words in caught.value.what
    assert caught.value.next_step


def test_a_file_that_is_not_there_or_no_text_is_refused(table: Path) -> None:
    with pytest.raises(WrongInputError, match="cannot be read"):
        ratings.read_csv(table)
    table.write_bytes(b"item,rater,label\n1,ana,\xff\n")
    with pytest.raises(WrongInputError, match="is not UTF-8"):
        ratings.read_csv(table)
