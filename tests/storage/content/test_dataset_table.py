"""Rows as columns say what rows one by one do: the same lines, the same digest, the same keys."""

from __future__ import annotations

import random

import pytest

from storage import dataset_split, dataset_table, identity, prompts
from storage.rows import DatasetRow, Part, Turn

# what JSON has to escape, what looks as if it had to, and letters beyond the first plane
_ODD = ('"', "\\", "\0", "\x1f", "\x7f", "\x85", "\u2028", "\ufffd", "\U0001f600", "/", "\n", "ß")


@pytest.fixture(scope="module")
def rows() -> list[DatasetRow]:
    draw = random.Random(3)

    def text() -> str:
        letters = (draw.choice(_ODD), chr(draw.randrange(0xD800)), "a")
        return "".join(draw.choice(letters) for _ in range(draw.randrange(9)))

    def part() -> Part:
        media = f"{draw.getrandbits(200):064x}"
        kinds = (Part("text", text=text()), Part("image", media=media), Part("video", media=media))
        return draw.choice(kinds)

    def turn() -> Turn:
        role = draw.choice(("user", "system", "assistant"))
        return Turn(role, tuple(part() for _ in range(draw.randrange(4))))

    return [
        DatasetRow(
            pair_id=f"{number:064x}",
            prompt=prompts.build([turn() for _ in range(draw.randrange(4))], 'a "b"'),
            chosen=text(),
            rejected=text(),
            labels=text(),
            votes=draw.randrange(9),
            confidence=draw.choice((0.1 + 0.2, 1.0, 1e-7, 0.0, 1 / 3, 5e-324)),
            record_id=text(),
            split=draw.choice(("train", "holdout")),
        )
        for number in range(300)
    ]


def test_a_line_is_the_canonical_json_of_its_row(rows: list[DatasetRow]) -> None:
    wanted = [identity.canonical_json(dataset_table.record_of(row)).decode() for row in rows]
    assert dataset_table.of_rows(rows).lines().to_list() == wanted


def test_the_columns_read_as_the_rows_they_were_made_from(rows: list[DatasetRow]) -> None:
    table = dataset_table.of_rows(rows)
    assert list(table) == rows
    assert (table[7], list(table[5:9]), len(table)) == (rows[7], rows[5:9], 300)


def test_media_and_questions_of_columns_are_those_of_the_prompts(rows: list[DatasetRow]) -> None:
    found = dataset_split.sharing_keys_of(dataset_table.of_rows(rows).frame["prompt"])
    assert [sorted(keys) for keys in found] == [
        sorted(dataset_split.sharing_keys(row.prompt)) for row in rows
    ]
