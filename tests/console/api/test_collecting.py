"""Judging, A/B tests and preparation over HTTP, and what stands behind a dataset version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from console.client import Client
from console.main import main

Api = Any


@pytest.fixture(scope="module")
def pictured(api: Api, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A batch of two pairs about one picture, and one about another."""
    folder = tmp_path_factory.mktemp("pictured")
    for number in range(2):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"<image>Question {number}?"},
                {"role": "assistant", "content": "One."},
            ],
            "images": [f"{number // 2}.png"],
            "rejected_response": "Two.",
        }
        for number in range(3)
    ]
    records = folder / "records.jsonl"
    records.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    home = ("--home", str(api.workspace.home))
    assert main(["import", str(records), "--batch", "pictured", *home]) == 0
    return "pictured"


def test_a_model_of_the_workspace_judges_a_batch_and_an_address_is_refused(api: Api) -> None:
    wanted = {"kind": "judge", "batch": "first", "judge": "tiny", "settings": {"tries": 3}}
    with api.calling("write") as program:
        made = program.post("/v1/jobs", json=wanted)
        assert made.status_code == 201, made.text
        job = made.json()
        assert (job["kind"], job["spec"]["judge"]["name"]) == ("judge", "tiny")
        for changes, status in (
            ({"judge": "https://judge.example/v1"}, 404),
            ({"batch": "nothing"}, 404),
            ({"key_variable": "HOME"}, 422),
        ):
            assert program.post("/v1/jobs", json={**wanted, **changes}).status_code == status
    with api.calling() as reader:
        assert reader.get("/v1/judges").json() == {"judges": []}
        assert reader.get("/v1/judges", params={"batch": "nothing"}).status_code == 404


def test_a_sampling_with_rivals_is_an_ab_test_and_without_one_there_is_none(api: Api) -> None:
    prompts = [{"messages": [{"role": "user", "content": "How many?"}]}]
    wanted = {"kind": "sample", "start_from": "tiny", "prompts": prompts, "batch": "ab"}
    with api.calling("write") as program:
        job = program.post("/v1/jobs", json={**wanted, "rivals": ["round-1"]}).json()
        assert [one["checkpoints"] for one in job["spec"]["rivals"]] == [["c-first"]]
        assert job["spec"]["settings"]["answers"] == 1
        same = program.post("/v1/jobs", json={**wanted, "rivals": ["tiny"]})
        unknown = program.post("/v1/jobs", json={**wanted, "rivals": ["/etc"]})
        assert (same.status_code, unknown.status_code) == (422, 404)
        refused = program.get("/v1/ab-tests")
    assert (refused.status_code, "There is no A/B test" in refused.text) == (404, True)


def test_questions_are_asked_about_the_pictures_of_a_batch_that_is_here(
    api: Api, pictured: str
) -> None:
    questions = [{"text": "How many?", "category": "counting"}, {"text": "What colour?"}]
    wanted = {"kind": "prepare", "start_from": "tiny", "batch": "asked", "questions": questions}
    with api.calling("write") as program:
        headers = {"Idempotency-Key": "prepare"}
        body = {**wanted, "pictures_of": pictured}
        made = program.post("/v1/jobs", json=body, headers=headers)
        assert made.status_code == 201, made.text
        assert program.post("/v1/jobs", json=body, headers=headers).json() == made.json()
        spec = made.json()["spec"]
        counts = spec["prepared"]
        assert (counts["pictures"], counts["templates"], counts["prompts"]) == (2, 2, 4)
        lines = Path(spec["prompts"]).read_text(encoding="utf-8").splitlines()
        shown = {json.loads(line)["images"][0] for line in lines}
        assert all((Path(spec["pictures_root"]) / name).is_file() for name in shown)
        for changes, status in (
            ({"pictures_of": "first"}, 422),
            ({"pictures_of": "nothing"}, 404),
            ({"pictures_of": pictured, "per_picture": 3}, 422),
            ({"pictures_of": pictured, "start_from": "/etc"}, 404),
            ({"pictures_of": pictured, "settings": {"answers": 1}}, 422),
        ):
            answer = program.post("/v1/jobs", json={**wanted, **changes})
            assert answer.status_code == status, answer.text


def test_a_version_is_built_with_filters_and_a_note_and_tells_its_votes(api: Api) -> None:
    asked = {"labels": "imported", "holdout": 0, "filters": {"text": "what is 1"}}
    with api.calling("write") as program:
        built = program.post("/v1/datasets", json={**asked, "note": "Ones."}).json()
        assert (built["filters"], built["note"]) == ({"text": "what is 1"}, "Ones.")
        assert built["excluded"]["outside the filter text"] > 0
        path = f"/v1/datasets/{built['id']}"
        notes = program.post(f"{path}/notes", json={"text": "Ones and tens."}).json()["notes"]
        assert [one["text"] for one in notes] == ["Ones and tens.", "Ones."]
        assert notes[0]["actor"].startswith("API key program")
        assert program.get(path).json()["note"] == "Ones and tens."
        page = program.get(f"{path}/votes").json()
        assert (page["total"], page["pages"]) == (built["rows"], 1)
        assert {row["consensus"] for row in page["rows"]} == {"label: imported"}
        wrong = {**asked, "filters": {"verdict": "a"}}
        assert program.post("/v1/datasets", json=wrong).status_code == 422
        assert program.get("/v1/datasets/v99/votes").status_code == 404
    with api.calling() as reader:
        assert reader.post(f"{path}/notes", json={"text": "x"}).status_code == 403


def test_the_client_queues_and_reads_the_same(api: Api, pictured: str) -> None:
    from console.api import keys

    token = keys.mint(api.workspace, "collecting", "write").token
    with Client(api.url, token) as pairwright:
        assert pairwright.judge("first", "tiny", again=True).kind == "judge"
        told = pairwright.prepare("tiny", pictured, [{"text": "Where?"}], batch="asked")
        assert told.spec["prepared"]["prompts"] == 2
        assert pairwright.judges().judges == []
        assert pairwright.notes("v1").notes == []
        assert pairwright.note_dataset("v1", "By the client.").notes[0].text == "By the client."
        assert pairwright.dataset("v1").note == "By the client."
        assert pairwright.note_dataset("v1", "").notes[0].text == ""
        assert pairwright.dataset_votes("v1").version == "v1"
