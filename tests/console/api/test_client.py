"""The Python client against a real server, and on a way on which answers are lost."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.api import keys
from console.client import ApiError, Client, JobError
from storage import checkpoints, jobs
from storage.rows import JobState
from training.jobs.folder import JobFolder

Api = Any
PAGE = Path(__file__).parents[3] / "docs" / "api.md"
_numbers = itertools.count(1)


@pytest.fixture
def client(api: Api) -> Iterator[Callable[..., Client]]:
    """`client("read", transport=...)`: a client with a key of that scope."""
    made: list[Client] = []

    def connect(scope: str = "write", **options: Any) -> Client:
        token = keys.mint(api.workspace, f"client {next(_numbers)}", scope).token
        made.append(Client(api.url, token, **options))
        return made[-1]

    yield connect
    for one in made:
        one.close()


class LosesAnswers(httpx.HTTPTransport):
    """The first answers are lost on the way back: the server has done what was asked."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if self.left:
            self.left -= 1
            answer.close()
            raise httpx.ReadError("the connection was reset")
        return answer


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.client._FIRST_PAUSE_SECONDS", 0.0)


def test_jobs_are_queued_read_and_cancelled(client: Callable[..., Client]) -> None:
    program = client()
    job = program.train("v1", "tiny", {"beta": 0.2}, once="nightly")
    assert (job.kind, job.state, job.spec["settings"]["beta"]) == ("train", "queued", 0.2)
    assert program.train("v1", "tiny", {"beta": 0.2}, once="nightly") == job
    assert program.train("v1", "tiny", {"beta": 0.2}).id != job.id
    measuring = program.evaluate("v1", "tiny", "all")
    assert measuring.spec["split"] == "all"
    assert program.job(measuring.id) == measuring
    assert program.jobs("evaluate", limit=1) == [measuring]
    assert program.cancel(job.id).state == "cancelled"


def test_dpo_from_a_model_without_sft_wants_a_word(client: Callable[..., Client]) -> None:
    program = client()
    with pytest.raises(ApiError, match="plain has no SFT in its lineage") as refused:
        program.train("v1", "plain")
    assert refused.value.status == 422
    assert refused.value.next_step.endswith("or send without_sft as true.")
    assert program.train("v1", "plain", {"stage": "sft"}).state == "queued"
    assert program.train("v1", "plain", without_sft=True).state == "queued"


def test_prompts_are_sampled_into_a_batch(api: Api, client: Callable[..., Client]) -> None:
    prompts = [
        {"messages": [{"role": "user", "content": f"What is {n}, twice? é"}], "category": "sums"}
        for n in range(3)
    ]
    program = client()
    job = program.sample("tiny", prompts, batch="asked", settings={"temperature": 0.7}, once="one")
    assert (job.kind, job.spec["batch"]) == ("sample", "asked")
    assert job.spec["settings"]["temperature"] == 0.7
    kept = Path(job.spec["prompts"])
    assert kept.is_relative_to(api.workspace.home)
    assert "twice? é" in kept.read_text("utf-8")
    # the same prompts are the same file, so that the key finds the same job
    assert (
        program.sample("tiny", prompts, batch="asked", settings={"temperature": 0.7}, once="one")
        == job
    )
    with_picture = [{"messages": [{"role": "user", "content": "<image> Which colour?"}]}]
    for wrong, said in (
        ({"prompts": with_picture, "batch": "asked"}, "Line 1 of the prompts: <image>"),
        ({"prompts": prompts}, "The batch has no name"),
        ({"prompts": prompts, "batch": "asked", "settings": {"answers": 3}}, "a pair has two"),
        ({"prompts": []}, "prompts"),
    ):
        with pytest.raises(ApiError, match=said) as refused:
            program.sample("tiny", **wrong)
        assert refused.value.status == 422
    assert {path.suffix for path in kept.parent.iterdir()} == {".jsonl"}


def test_figures_and_logs_are_read_on_where_they_ended(
    api: Api, client: Callable[..., Client]
) -> None:
    program = client("read")
    first = program.metrics(api.trained, split="train")
    assert [point.step for point in first.points] == [1, 2]
    assert program.metrics(api.trained, after=first.after).points == []
    assert program.log(api.trained) == ""
    file = JobFolder(api.workspace.jobs_folder / api.trained).log_file
    file.parent.mkdir(exist_ok=True)
    written = "Step 1: ok. Größe \U0001f600\n" * 9000
    # cut in the middle of the last character but one
    file.write_bytes(written.encode()[:-3])
    assert program.log(api.trained) == written[:-2]
    behind = program.log_part(api.trained, len(written.encode()) - 5)
    assert (behind.text, behind.next_offset) == ("", behind.offset)
    file.write_text(written, encoding="utf-8")
    assert program.log_part(api.trained, behind.next_offset).text == "\U0001f600\n"
    assert program.log(api.trained) == written
    with pytest.raises(ApiError) as missing:
        program.log("none")
    assert missing.value.status == 404


def test_waiting_ends_with_the_job(api: Api, client: Callable[..., Client]) -> None:
    program = client()
    with pytest.raises(TimeoutError, match="is running after 0 s"):
        program.wait(api.trained, timeout=0)
    job = program.evaluate("v1", "tiny")
    seen: list[str] = []

    def look(found: Any) -> None:
        seen.append(found.state)
        if len(seen) == 1:
            _end(api, found.id, JobState.SUCCEEDED)

    done = program.wait(job.id, every=0, look=look)
    assert (done.result, seen) == ({"checkpoint": "c-first"}, ["queued", "succeeded"])
    job = program.evaluate("v1", "tiny")
    _end(api, job.id, JobState.FAILED, "The picture is gone.")
    with pytest.raises(JobError, match=r"failed: The picture is gone\.") as failed:
        program.wait(job.id)
    assert failed.value.job.state == "failed"


def _end(api: Api, job_id: str, state: JobState, error: str = "") -> None:
    """What a worker does, which takes the oldest jobs first."""
    with api.workspace.ledger.write() as tx:
        held = jobs.claim(tx, worker="w")
        while held is not None and held.id != job_id:
            held = jobs.claim(tx, worker="w")
        assert held is not None
        jobs.finish(tx, job_id, held.fence, state, {"checkpoint": "c-first"}, error)


def test_datasets_checkpoints_agreement_and_health_are_read(client: Callable[..., Client]) -> None:
    program = client()
    made = program.build_dataset(batch="first", labels="imported", holdout=0.3)
    assert program.build_dataset(batch="first", labels="imported", holdout=0.3) == made
    assert program.dataset(made.id) == made
    assert made in program.datasets()
    assert program.checkpoint("round-1") in program.checkpoints().checkpoints
    assert program.agreement().percent.n >= 0
    assert program.health().status == "ok"


def test_a_checkpoint_is_taken_into_use_and_back(api: Api, client: Callable[..., Client]) -> None:
    program = client()
    with api.workspace.ledger.write() as tx:
        first = checkpoints.get(tx, "c-first")
        for name in ("second", "third"):
            new = {"checkpoint_id": f"c-{name}", "name": name, "path": f"checkpoints/{name}"}
            values = {k: v for k, v in vars(first).items() if k not in ("id", "created_at")}
            checkpoints.add(tx, **(values | new))
    assert program.activate("second").checkpoint_id == "c-second"
    assert program.activate("third", "it is better").reason == "it is better"
    with pytest.raises(ApiError, match="in use already") as again:
        program.activate("third")
    assert again.value.status == 409
    with pytest.raises(ApiError, match="Another checkpoint is in use by now"):
        program.roll_back(expected="c-first")
    assert program.roll_back("it was not", expected="c-third").checkpoint_id == "c-second"
    assert program.checkpoints().active == "c-second"


def test_a_lost_answer_doubles_nothing(api: Api, client: Callable[..., Client]) -> None:
    program = client(transport=LosesAnswers(3))
    before = {job.id for job in client("read").jobs("train")}
    job = program.train("v1", "tiny")
    assert {one.id for one in client("read").jobs("train")} - before == {job.id}
    with pytest.raises(ApiError, match="did not answer") as unheard:
        client(transport=LosesAnswers(1)).activate("nobody")
    assert unheard.value.status == 0


def test_errors_say_what_happened_and_what_to_do(api: Api, client: Callable[..., Client]) -> None:
    with pytest.raises(ApiError, match="v9") as missing:
        client("read").dataset("v9")
    assert (missing.value.status, "v1" in missing.value.next_step) == (404, True)
    with pytest.raises(ApiError, match="may only read"):
        client("read").train("v1", "tiny")
    with Client("http://127.0.0.1:9", "pwk") as nobody:
        with pytest.raises(ApiError, match=r"127\.0\.0\.1:9 did not answer") as unreachable:
            nobody.health()
        assert unreachable.value.next_step == "Start it: pairwright up"
    with Client(f"{api.url}/openapi.json", "pwk") as elsewhere, pytest.raises(ApiError):
        elsewhere.health()


def test_the_documentation_names_every_route(api: Api) -> None:
    described = httpx.get(f"{api.url}/openapi.json").json()["paths"]
    routes = {f"{how.upper()} {path}" for path, ways in described.items() for how in ways}
    told = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert routes == told


def test_the_example_of_the_documentation_runs(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    token = keys.mint(api.workspace, f"reader {next(_numbers)}", "write").token
    monkeypatch.setenv("PAIRWRIGHT_API_KEY", token)
    # no worker is here: the job is ended when the example looks at it for the first time
    assert example.count("http://127.0.0.1:8600") == example.count("print(seen.state") == 1
    program = example.replace("http://127.0.0.1:8600", api.url)
    program = program.replace("print(seen.state", "end(seen) or print(seen.state")

    def end(seen: Any) -> None:
        if seen.state == "queued":
            _end(api, seen.id, JobState.SUCCEEDED)

    exec(compile(program, str(PAGE), "exec"), {"end": end})  # noqa: S102
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "queued {}"
    assert "'n': 2" in said[-1]
