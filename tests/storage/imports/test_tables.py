"""Preference data and tables: TRL, triples, any columns, in JSON, CSV and Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from storage.errors import WrongInputError

Read = Callable[..., Any]
TRIPLE = {"prompt": "What?", "chosen": "A mug.", "rejected": "A jug."}


def say(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def pieces(record: dict[str, Any]) -> list[list[str]]:
    """Type or words of every piece, by message."""
    return [
        [piece["text"] or f"<{piece['type']}>" for piece in message["pieces"]]
        for message in record["messages"]
    ]


def test_triples_prefer_the_chosen_text_and_nobody_is_named(read: Read) -> None:
    heard = read("t.jsonl", [{**TRIPLE, "id": 7, "category": "counting", "score": 1}])
    assert (heard.found["format"], heard.said()) == ("triples", [[("", "first")]])
    record = heard.records[0]
    assert (record["record_id"], record["category"]) == ("7", "counting")
    assert heard.notes == ["Key 'score' is unknown and was not kept: 1 rows."]


def test_pictures_stand_where_the_text_says_or_else_in_front(read: Read) -> None:
    marked = {**TRIPLE, "prompt": "Is <image> like <image>?", "images": ["a.png", "b.png"]}
    heard = read("t.jsonl", [marked, {**TRIPLE, "images": ["a.png"]}])
    assert [pieces(record) for record in heard.records] == [
        [["Is ", "<image>", " like ", "<image>", "?"]],
        [["<image>", "What?"]],
    ]


@pytest.mark.parametrize("images", [["a.png"], ["a.png", "b.png", "c.png"]])
def test_more_or_fewer_places_than_pictures_are_a_problem(read: Read, images: list[str]) -> None:
    marked = {**TRIPLE, "prompt": "Is <image> like <image>?", "images": images}
    assert list(read("t.jsonl", [TRIPLE, marked]).problems) == [2]


def test_trl_reads_message_lists_with_an_explicit_prompt(read: Read) -> None:
    parts = [{"type": "image"}, {"type": "text", "text": "What?"}]
    row = {
        "prompt": [say("system", "Be brief."), say("user", parts)],
        "chosen": [say("assistant", "A mug.")],
        "rejected": [say("assistant", [{"type": "text", "text": "A jug."}])],
        "images": ["a.png"],
    }
    heard = read("t.jsonl", [row])
    assert heard.found["format"] == "trl"
    assert heard.records[0]["answers"] == ["A mug.", "A jug."]
    assert pieces(heard.records[0]) == [["Be brief."], ["<image>", "What?"]]


def test_an_implicit_prompt_is_what_both_conversations_share(read: Read) -> None:
    before = [say("user", "What?"), say("assistant", "Hm?"), say("user", "That.")]
    row = {
        "chosen": [*before, say("assistant", "A mug.")],
        "rejected": [*before, say("assistant", "A jug.")],
    }
    heard = read("t.jsonl", [row, {**row, "prompt": "What?"}])
    assert pieces(heard.records[0]) == [["What?"], ["Hm?"], ["That."]]


def test_an_implicit_prompt_of_texts_follows_the_rule_of_trl(read: Read) -> None:
    heard = read("t.jsonl", [{"chosen": "The sky is blue.", "rejected": "The sky is green."}])
    # what `extract_prompt` of TRL 1.16 gives for the same texts
    assert pieces(heard.records[0]) == [["The sky is"]]
    assert heard.records[0]["answers"] == [" blue.", " green."]


def test_a_transcript_of_human_and_assistant_becomes_messages(read: Read) -> None:
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: What?\n\nAssistant: "
    heard = read("hh.jsonl", [{"chosen": f"{start}A mug.", "rejected": f"{start}A jug."}])
    assert pieces(heard.records[0]) == [["Hi"], ["Yes?"], ["What?"]]
    assert heard.records[0]["answers"] == ["A mug.", "A jug."]


def test_columns_are_found_by_their_usual_names_and_the_rest_is_told(read: Read) -> None:
    text = "Question,Answer A,Answer B,Winner,Rater,Colour\nWhat?,A mug.,A jug.,B,ann,red\n"
    heard = read("votes.csv", text)
    assert heard.found["format"] == "columns"
    assert heard.found["columns"]["response_b"] == "Answer B"
    assert heard.said() == [[("file:ann", "second")]]
    assert heard.unused == ["Columns that were not used: Colour."]


def test_a_map_names_columns_that_nobody_could_guess(read: Read) -> None:
    told = {"prompt": "frage", "chosen": "gut", "rejected": "schlecht"}
    rows = [{"frage": "Was?", "gut": "Tasse.", "schlecht": "Krug."}]
    heard = read("t.jsonl", rows, told=told)
    assert (heard.found["format"], heard.records[0]["answers"]) == ("columns", ["Tasse.", "Krug."])


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"prompt": "nowhere"}, "no column 'nowhere'"),
        ({"promt": "frage"}, "no field 'promt'"),
        ({"prompt": "frage"}, "No columns were found for prompt, chosen, rejected or"),
    ],
)
def test_a_map_that_leads_nowhere_is_refused(read: Read, told: dict[str, str], reason: str) -> None:
    with pytest.raises(WrongInputError, match=reason):
        read("t.jsonl", [{"frage": "Was?", "gut": "Tasse."}], told=told)


def test_two_columns_for_one_field_are_an_error_that_names_both(read: Read) -> None:
    text = "question,instruction,better,worse\nWhat?,Say.,A mug.,A jug.\n"
    told = {"chosen": "better", "rejected": "worse"}
    with pytest.raises(WrongInputError, match=r"question and instruction.*--map prompt="):
        read("t.csv", text, told=told)


def test_a_winner_in_numbers_is_only_read_when_their_meaning_is_told(read: Read) -> None:
    text = "prompt,answer1,answer2,winner\nWhat?,A mug.,A jug.,1\nWho?,He.,She.,0\n"
    assert list(read("t.csv", text).problems) == [2, 3]
    heard = read("t.csv", text, winner_values=("0", "1"))
    assert [said[0][1] for said in heard.said()] == ["second", "first"]


def test_ties_skips_and_empty_winners_are_kept_apart(read: Read) -> None:
    rows = ["tie", "both bad", "skipped", "", "answer1"]
    lines = "".join(f"What is {n}?,A mug.,A jug.,{said}\n" for n, said in enumerate(rows))
    heard = read("t.csv", f"prompt,answer1,answer2,winner\n{lines}")
    choices = [[choice for _, choice in said] for said in heard.said()]
    assert choices == [["tie"], ["both_bad"], ["skip"], [], ["first"]]
    assert "Rows without a winner: 1 rows." in heard.notes


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_keeps_lines_within_quotes_and_counts_lines_as_an_editor_does(
    read: Read, separator: str
) -> None:
    rows = [("prompt", "chosen", "rejected"), ('"one\ntwo"', "Yes.", "No."), ("x", "Yes.")]
    text = "".join(separator.join(row) + "\n" for row in [*rows, ("last", "Yes.", "No.")])
    heard = read("t.csv", text)
    assert [record["messages"][0]["pieces"][0]["text"] for record in heard.records] == [
        "one\ntwo",
        "last",
    ]
    assert list(heard.problems) == [4]


def test_a_folder_as_datasets_writes_it_is_read_with_its_pictures(
    read: Read, tmp_path: Path
) -> None:
    row = {**TRIPLE, "images": [Image.new("RGB", (4, 4), "red")]}
    features = datasets.Features(
        {
            **{name: datasets.Value("string") for name in TRIPLE},
            "images": datasets.List(datasets.Image()),
        }
    )
    made = datasets.Dataset.from_list([row, row], features=features)
    made.save_to_disk(tmp_path / "saved")
    (tmp_path / "hub" / "data").mkdir(parents=True)
    made.to_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet")
    for folder in ("saved", "hub"):
        heard = read("", tmp_path / folder)
        assert (len(heard.records), heard.problems) == (2, {})
        shown = heard.records[0]["messages"][0]["pieces"][0]
        assert shown["type"] == "image"
        assert shown["data"].startswith("iVBORw0KGgo")


def test_parquet_of_message_lists_is_read_as_the_same_rows_in_json(
    read: Read, tmp_path: Path
) -> None:
    rows = [
        {
            "prompt": [say("user", f"What is {number}?")],
            "chosen": [say("assistant", "Yes.")],
            "rejected": [say("assistant", "No.")],
        }
        for number in range(40)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet", row_group_size=15)
    assert read("", tmp_path / "t.parquet").records == read("t.jsonl", rows).records
