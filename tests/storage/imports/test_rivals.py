"""Exports of Label Studio, Argilla, Scale and LMSYS: which answers, who said what, what is not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from storage.errors import WrongInputError

Read = Callable[..., Any]
Task = Callable[..., dict[str, Any]]


def test_label_studio_tasks_give_the_votes_of_each_annotator(read: Read, task: Task) -> None:
    heard = read("export.json", [task(1, (3, "left"), (4, "right")), task(2, (3, None)), task(3)])
    assert (heard.found["format"], heard.problems) == ("label-studio", {})
    assert heard.said() == [
        [("label-studio:3", "first"), ("label-studio:4", "second")],
        [("label-studio:3", "skip")],
        [],
    ]
    first = heard.records[0]
    assert first["answers"] == ["It is 1.", "No."]
    opinion = first["opinions"][0]
    assert (opinion["active_ms"], opinion["decided_at"]) == (21_400, 1_767_323_045_600_000)


def test_other_results_of_an_annotation_are_told_and_texts_become_its_note(
    read: Read, task: Task
) -> None:
    made = task(1, (3, "left"))
    made["annotations"][0]["result"] += [
        {"type": "rating", "value": {"rating": 4}},
        {"type": "textarea", "value": {"text": ["Clearer", "and shorter"]}},
    ]
    heard = read("export.json", [made])
    assert heard.records[0]["opinions"][0]["note"] == "Clearer\nand shorter"
    assert heard.notes == ["Results of type 'rating' were not kept: 1 rows."]


def test_left_means_what_the_map_says_it_means(read: Read, task: Task) -> None:
    named = {"prompt": "prompt", "response_a": "answer2", "response_b": "answer1"}
    heard = read("export.json", [task(1, (3, "left"))], told=named)
    assert heard.records[0]["answers"] == ["No.", "It is 1."]


def test_a_ranking_of_three_gives_three_pairs_that_prefer_the_higher(read: Read) -> None:
    items = [{"id": name, "body": f"Answer {name}"} for name in ("x", "y", "z")]
    ranked = {"type": "ranker", "value": {"ranker": {"rank": ["z", "x", "y"]}}}
    made = {
        "id": 9,
        "data": {"prompt": "Rank", "items": items},
        "annotations": [{"completed_by": 1, "result": [ranked]}],
    }
    heard = read("export.json", [made])
    pairs = [tuple(record["answers"]) for record in heard.records]
    assert pairs == [
        ("Answer x", "Answer y"),
        ("Answer x", "Answer z"),
        ("Answer y", "Answer z"),
    ]
    assert [choices[0][1] for choices in heard.said()] == ["first", "second", "second"]
    assert "every two became a pair" in heard.notes[0]


JSON_MIN = {
    "prompt": "What?",
    "answer1": "A mug.",
    "answer2": "A jug.",
    "id": 101,
    "comparison": [{"selected": "right"}],
    "annotator": 3,
    "annotation_id": 5001,
    "lead_time": 2.5,
}


def test_json_min_is_read_and_says_that_it_lacks_skips(read: Read) -> None:
    heard = read("min.json", [JSON_MIN])
    assert heard.found["format"] == "label-studio-min"
    assert heard.said() == [[("label-studio:3", "second")]]
    assert "drop skipped tasks" in heard.notes[0]


def test_the_csv_of_json_min_says_the_same(read: Read) -> None:
    text = (
        "annotation_id,annotator,answer1,answer2,comparison,id,prompt\n"
        '5001,3,A mug.,A jug.,"[{""selected"": ""right""}]",101,What?\n'
    )
    heard = read("min.csv", text)
    assert heard.said() == read("min.json", [JSON_MIN]).said()
    assert heard.records[0]["answers"] == ["A mug.", "A jug."]


FIELDS = {"prompt": "What?", "response-1": "A mug.", "response-2": "A jug."}
FLAT = {
    "id": "pair-1",
    "status": "completed",
    **FIELDS,
    "category": "counting",
    "preference.responses": [
        *(["response-2", "response-1"], ["response-1", "response-2"]),
        *(["response-1", "response-2"], ["response-1", "response-2"]),
    ],
    "preference.responses.users": ["u1", "u2", "u3", "u4"],
    "preference.responses.status": ["submitted", "draft", "discarded", None],
    "preference.suggestion": None,
}


def test_argilla_flattened_counts_what_was_submitted_and_takes_discards_for_skips(
    read: Read,
) -> None:
    heard = read("argilla.jsonl", [FLAT])
    assert heard.found["format"] == "argilla"
    assert heard.said() == [
        [("argilla:u1", "second"), ("argilla:u3", "skip"), ("argilla:u4", "first")]
    ]
    assert heard.notes == ["Drafts were left out: 1 rows."]
    assert heard.records[0]["category"] == "counting"


def test_argilla_nested_is_read_with_its_picture_and_says_that_it_has_no_status(
    read: Read,
) -> None:
    picture = base64.b64encode(b"a picture").decode()
    row = {
        "id": "pair-1",
        "fields": {**FIELDS, "image": f"data:image/png;base64,{picture}"},
        "metadata": {},
        "responses": {"preference": [{"value": ["response-2", "response-1"], "user_id": "u1"}]},
    }
    heard = read("argilla.json", [row])
    assert heard.said() == [[("argilla:u1", "second")]]
    [shown, words] = heard.records[0]["messages"][0]["pieces"]
    assert (shown["type"], shown["data"], words["text"]) == ("image", picture, "What?")
    assert "no status" in heard.notes[0]


def test_argilla_1_feedback_knows_equal_ranks(read: Read) -> None:
    def answer(who: str, *ranks: int) -> dict[str, Any]:
        value = {"rank": list(ranks), "value": ["response-1", "response-2"]}
        return {"user_id": who, "value": value, "status": "submitted"}

    row = {**FIELDS, "external_id": "7", "metadata": '{"category": "counting"}'}
    heard = read("one.jsonl", [{**row, "ranking": [answer("u1", 2, 1), answer("u2", 1, 1)]}])
    assert heard.found["format"] == "argilla"
    assert heard.said() == [[("argilla:u1", "second"), ("argilla:u2", "tie")]]
    assert heard.records[0]["category"] == "counting"


def scale(**turn: Any) -> dict[str, Any]:
    def answer(source: str, text: str) -> dict[str, Any]:
        return {"role": "assistant", "source_id": source, "content": {"text": text}}

    asked = {"role": "user", "content": {"text": "What?", "attachments": []}}
    annotations = [
        {"key": "selected_model_id", "value": "test_model"},
        {"key": "justification", "value": "Response 2 is true."},
    ]
    messages = [asked, answer("base_model", "A mug."), answer("test_model", "A jug.")]
    whole = {"id": "turn_0", "messages": messages, "annotations": annotations, **turn}
    return {"task_id": "t1", "status": "completed", "threads": [{"turns": [whole]}]}


def test_scale_selects_by_the_source_of_an_answer(read: Read) -> None:
    heard = read("scale.json", [scale()])
    assert (heard.found["format"], heard.said()) == ("scale", [[("scale", "second")]])
    assert heard.records[0]["models"] == ["base_model", "test_model"]
    assert heard.records[0]["opinions"][0]["note"] == "Response 2 is true."


def test_scale_tasks_that_are_not_done_or_select_nobody_known_are_rejected(read: Read) -> None:
    stranger = scale(annotations=[{"key": "selected_model_id", "value": "other"}])
    heard = read("scale.json", [scale(), {**scale(), "status": "pending"}, stranger])
    assert len(heard.records) == 1
    assert "'pending'" in heard.problems[2]
    assert "'other'" in heard.problems[3]


def battle(winner: str = "model_b", **more: Any) -> dict[str, Any]:
    def talk(*said: str) -> list[dict[str, str]]:
        roles = ("user", "assistant")
        return [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]

    return {
        "question_id": "q1",
        "model_a": "m1",
        "model_b": "m2",
        "winner": winner,
        "judge": "arena_user_9",
        "conversation_a": talk("What?", "A mug."),
        "conversation_b": talk("What?", "A jug."),
        "turn": 1,
        "tstamp": 1_700_000_000.5,
        **more,
    }


@pytest.mark.parametrize(
    ("winner", "choice"),
    [("model_a", "first"), ("model_b", "second"), ("tie", "tie"), ("tie (bothbad)", "both_bad")],
)
def test_a_battle_has_one_judge_and_one_verdict(read: Read, winner: str, choice: str) -> None:
    heard = read("battles.json", [battle(winner)])
    assert heard.found["format"] == "lmsys"
    assert heard.said() == [[("lmsys:arena_user_9", choice)]]
    assert heard.records[0]["models"] == ["m1", "m2"]


def test_battles_whose_talks_part_before_the_last_answer_are_no_pair(read: Read) -> None:
    longer = battle()
    for name in ("conversation_a", "conversation_b"):
        longer[name] = [*longer[name], {"role": "user", "content": "And?"}, longer[name][1]]
    judged_first = read("battles.json", [longer])
    assert judged_first.records[0]["answers"] == ["A mug.", "A jug."]
    heard = read("battles.json", [battle(), {**longer, "turn": 2}])
    assert "differ before the last answer" in heard.problems[2]


def test_a_file_of_unknown_shape_names_its_keys_and_the_formats(read: Read) -> None:
    with pytest.raises(WrongInputError, match=r"alpha, beta.*--map.*label-studio"):
        read("odd.jsonl", [{"alpha": 1, "beta": 2}])


def test_a_file_that_fits_two_formats_is_not_guessed(read: Read, task: Task) -> None:
    both = [{**task(1, (3, "left")), "prompt": "Q", "chosen": "Yes.", "rejected": "No."}]
    with pytest.raises(WrongInputError, match=r"label-studio: .*triples: .*--format"):
        read("both.json", both)
    assert read("both.json", both, format="triples").records[0]["answers"] == ["Yes.", "No."]


def test_a_stray_row_is_rejected_and_does_not_hide_the_format(read: Read, task: Task) -> None:
    rows = [task(1, (3, "left")), {"id": 2}, task(3, (3, "right"))]
    heard = read("export.json", rows)
    assert heard.found["format"] == "label-studio"
    assert list(heard.problems) == [2]
