"""What the API does: jobs, datasets and checkpoints over HTTP, as a program sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from labeling.agreement import report
from storage import jobs, pairs
from storage.pairs import PairFilter
from storage.rows import Batch, JobState

Api = Any


def _train(**changes: Any) -> dict[str, Any]:
    return {"kind": "train", "dataset": "v1", "start_from": "tiny", **changes}


def test_a_training_is_queued_with_its_settings_read_and_cancelled(api: Api) -> None:
    with api.calling("write") as program:
        made = program.post("/v1/jobs", json=_train(settings={"beta": 0.2}))
        assert made.status_code == 201, made.text
        job = made.json()
        assert (job["kind"], job["state"]) == ("train", "queued")
        assert job["spec"]["settings"]["beta"] == 0.2
        assert datetime.fromisoformat(job["created_at"]).tzinfo is not None
        assert program.get(f"/v1/jobs/{job['id']}").json() == job
        listed = program.get("/v1/jobs", params={"kind": "train", "limit": 1}).json()["jobs"]
        assert [one["id"] for one in listed] == [job["id"]]
        assert program.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    with api.workspace.ledger.read() as db:
        assert jobs.get(db, job["id"]).state is JobState.CANCELLED


def test_an_evaluation_is_queued_for_a_split(api: Api) -> None:
    wanted: dict[str, Any] = {
        "kind": "evaluate",
        "dataset": "v1",
        "checkpoint": "tiny",
        "split": "all",
    }
    with api.calling("write") as program:
        job = program.post("/v1/jobs", json=wanted).json()
        wanted |= {"blank_pictures": True, "answers": 8}
        more = program.post("/v1/jobs", json=wanted).json()
    assert (job["kind"], job["spec"]["split"]) == ("evaluate", "all")
    assert "answers" not in job["spec"]
    assert (more["spec"]["blank_pictures"], more["spec"]["answers"]) == (True, 8)


def test_an_idempotency_key_gives_one_job_and_belongs_to_one_api_key(api: Api) -> None:
    with api.calling("write") as program, api.calling("write") as other:

        def post(caller: httpx.Client, **changes: Any) -> httpx.Response:
            headers = {"Idempotency-Key": "nightly"}
            return caller.post("/v1/jobs", json=_train(**changes), headers=headers)

        first, again = post(program), post(program)
        assert first.json() == again.json()
        assert post(other).json()["id"] != first.json()["id"]
        changed = post(program, settings={"beta": 0.3})
        assert changed.status_code == 409
        assert first.json()["id"] in changed.json()["what"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (_train(dataset="v9"), 404, "v9"),
        (_train(start_from="/etc"), 404, "/etc"),
        (_train(settings={"betta": 1}), 422, "nearest is beta"),
        (_train(surprise=1), 422, "surprise"),
        ({"kind": "dance"}, 422, "dance"),
        ("train", 422, "cannot be used"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_queued(
    api: Api, body: Any, status: int, said: str
) -> None:
    with api.calling("write") as program:
        before = program.get("/v1/jobs").json()
        answer = program.post("/v1/jobs", json=body)
        assert (answer.status_code, said in answer.json()["what"]) == (status, True), answer.text
        assert program.get("/v1/jobs").json() == before


def test_metrics_come_in_order_and_go_on_where_an_answer_ended(api: Api) -> None:
    address = f"/v1/jobs/{api.trained}/metrics"
    with api.calling() as program:
        everything = program.get(address).json()
        assert [point["step"] for point in everything["points"]] == [1, 2, 3]
        # no worker renews its lease here, so another test may have taken it after a minute
        with api.workspace.ledger.read() as db:
            assert everything["state"] == jobs.get(db, api.trained).state
        held_out = program.get(address, params={"split": "holdout"}).json()["points"]
        assert [point["values"] for point in held_out] == [{"loss": pytest.approx(1 / 3)}]
        later = program.get(address, params={"after": "1.2"}).json()
        assert [point["step"] for point in later["points"]] == [3]
        nothing = program.get(address, params={"after": later["after"]}).json()
        assert (nothing["points"], nothing["after"]) == ([], later["after"])
        assert program.get("/v1/jobs/none/metrics").status_code == 404
        assert program.get(address, params={"after": "soon"}).status_code == 422


def test_a_dataset_is_built_once_for_the_same_decisions(api: Api) -> None:
    with api.calling("write") as program:
        wanted = {"batch": "first", "labels": "imported", "holdout": 0.4}
        made = program.post("/v1/datasets", json=wanted)
        assert made.status_code == 201, made.text
        version = made.json()
        assert version["rows"] + sum(version["excluded"].values()) == 12
        assert program.post("/v1/datasets", json=wanted).json() == version
        assert program.get("/v1/datasets").json()["datasets"][-1] == version
        assert program.get(f"/v1/datasets/{version['id']}").json() == version
        assert program.post("/v1/datasets", json={"batch": "none"}).status_code == 404
        assert program.post("/v1/datasets", json={"holdout": 1}).status_code == 422
        assert program.post("/v1/datasets", json={"holdout_by": "mood"}).status_code == 422
        refused = program.post("/v1/datasets", json={**wanted, "holdout_by": "annotator"}).json()
        assert "nobody voted" in refused["what"]


def test_checkpoints_are_listed_and_found_by_name(api: Api) -> None:
    with api.calling() as program:
        everything = program.get("/v1/checkpoints").json()["checkpoints"]
        [listed] = [one for one in everything if one["id"] == "c-first"]
        assert listed["metrics"]["reward_gap"]["n"] == 2
        assert program.get("/v1/checkpoints/round-1").json() == listed
        missing = program.get("/v1/checkpoints/nope")
        assert (missing.status_code, "round-1" in missing.json()["next_step"]) == (404, True)


def test_a_checkpoint_is_taken_into_use_by_a_named_key_and_rolled_back_only_where_it_can(
    api: Api,
) -> None:
    with api.calling("write") as program:
        used = program.post("/v1/checkpoints/round-1/activate", json={"reason": "better"})
        assert used.status_code == 201, used.text
        assert used.json()["checkpoint_id"] == "c-first"
        assert used.json()["actor"].startswith("API key program")
        assert program.get("/v1/checkpoints").json()["active"] == "c-first"
        again = program.post("/v1/checkpoints/round-1/activate", json={})
        assert (again.status_code, "in use already" in again.json()["what"]) == (409, True)
        unseen = {"expected": "another"}
        assert program.post("/v1/checkpoints/rollback", json=unseen).status_code == 409
        assert program.post("/v1/checkpoints/nope/activate", json={}).status_code == 404


def test_agreement_is_that_of_the_command(
    api: Api, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    with api.workspace.ledger.write() as tx:
        batch = make_batch(tx, name="judged", pair_count=10, overlap=2)
        found = [view.pair.id for view in pairs.page(tx, PairFilter(batch="judged"), 100)]
        label(tx, batch, "ana", dict.fromkeys(found, "a"))
        label(tx, batch, "ben", {pair: "ab"[place % 2] for place, pair in enumerate(found)})
    with api.calling() as program:
        told = program.get("/v1/agreement", params={"batch": "judged"}).json()
        assert program.get("/v1/agreement", params={"batch": "none"}).status_code == 404
        parts = program.get("/v1/agreement", params={"by": "category"}).json()["parts"]
        assert program.get("/v1/agreement", params={"by": "mood"}).status_code == 422
    assert {name: part["votes"] for name, part in parts.items()} == {"counting": 20}
    assert (told["items"], told["raters"], told["votes"]) == (10, 2, 20)
    assert told["percent_agreement"] == told["percent"]["value"] == 0.5
    assert told["cohen_kappa"][0]["raters"] == ["ana", "ben"]
    expected = report.of_batch(api.workspace, "judged").with_ties
    assert told["gwet_ac1"]["value"] == expected.gwet_ac1.value


def test_the_description_names_a_model_for_every_answer(api: Api) -> None:
    with api.calling(token="") as anybody:
        described = anybody.get("/openapi.json").json()
        assert anybody.get("/docs").status_code == 404
    for methods in described["paths"].values():
        for route in methods.values():
            for answer in route["responses"].values():
                assert answer["content"]["application/json"]["schema"], route["summary"]
