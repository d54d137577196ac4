"""The Python client of the REST API: `with Client("http://127.0.0.1:8600", key) as pairwright:`.

What comes back are the API's own models. A request that can be sent again without harm is sent
again when its answer is lost or the server is busy: jobs carry an idempotency key for that.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from console.api.agreement_models import AgreementOut
from console.api.comparison_models import AbTestsOut, JudgesOut
from console.api.dataset_models import DatasetList, DatasetOut, NoteList, VotedRows
from console.api.models import (
    ActivationOut,
    CheckpointList,
    CheckpointOut,
    Health,
    JobList,
    JobLog,
    JobMetrics,
    JobOut,
)
from storage.errors import PairwrightError
from storage.rows import JobState

TRIES = 4
_FIRST_PAUSE_SECONDS = 0.5
# the ledger is locked, or a proxy has nobody to ask
_PASSING = (502, 503, 504)
_KEY_HEADER = "Idempotency-Key"

Model = TypeVar("Model", bound=BaseModel)


class ApiError(PairwrightError):
    """The API did not do what was asked. `status` is that of HTTP, 0 when nothing answered."""

    def __init__(self, status: int, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step)
        self.status = status


class JobError(ApiError):
    """A job that was waited for failed or was cancelled; `job` has the whole story."""

    def __init__(self, job: JobOut) -> None:
        reason = f": {job.error}" if job.error else "."
        super().__init__(0, f"Job {job.id} {job.state}{reason}", f"Read log({job.id!r}).")
        self.job = job


class Client:
    """One API, with one key.

    Args:
        url: where the API is, such as `http://127.0.0.1:8600`.
        key: from `pairwright api-key create`; reading needs the scope read, all else write.
        timeout: seconds for one answer.
        transport: how requests travel, when not over the network as usual.

    Every method raises ApiError with what happened and what to do next.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def train(
        self,
        dataset: str,
        start_from: str,
        settings: Mapping[str, Any] | None = None,
        *,
        without_sft: bool = False,
        once: str | None = None,
    ) -> JobOut:
        """Queue a training. The same `once` with the same request gives the job that is there.

        `without_sft` says that DPO is meant to begin at a model that has seen no SFT.
        """
        wanted = {"dataset": dataset, "start_from": start_from, "settings": dict(settings or {})}
        sure = {"without_sft": True} if without_sft else {}
        return self._create({"kind": "train", **wanted, **sure}, once)

    def evaluate(
        self, dataset: str, checkpoint: str, split: str = "holdout", *, once: str | None = None
    ) -> JobOut:
        """Queue the measuring of a checkpoint or model. `split` is train, holdout or all."""
        wanted = {"dataset": dataset, "checkpoint": checkpoint, "split": split}
        return self._create({"kind": "evaluate", **wanted}, once)

    def sample(
        self,
        start_from: str,
        prompts: Sequence[Mapping[str, Any]],
        *,
        batch: str = "",
        settings: Mapping[str, Any] | None = None,
        rivals: Sequence[str] = (),
        once: str | None = None,
    ) -> JobOut:
        """Queue the answering of prompts: `{"messages": [{"role", "content"}], "category"}`. With
        `rivals` it is a blind A/B test."""
        asked = [dict(prompt) for prompt in prompts]
        wanted = {"start_from": start_from, "prompts": asked, "batch": batch}
        more = {"rivals": list(rivals)} if rivals else {}
        told = {**wanted, **more, "settings": dict(settings or {})}
        return self._create({"kind": "sample", **told}, once)

    def prepare(
        self,
        start_from: str,
        pictures_of: str,
        questions: Sequence[Mapping[str, str]],
        *,
        batch: str,
        once: str | None = None,
        **more: Any,
    ) -> JobOut:
        """Queue questions, `{"text", "category"}`, about the pictures of a batch. `more`:
        per_picture, settings, rivals."""
        asked = {"pictures_of": pictures_of, "questions": [dict(one) for one in questions]}
        wanted = {"kind": "prepare", "start_from": start_from, "batch": batch}
        return self._create({**wanted, **asked, **more}, once)

    def judge(self, batch: str, judge: str, *, once: str | None = None, **more: Any) -> JobOut:
        """Let a model of the workspace judge a batch. `more`: instructions, again, settings."""
        return self._create({"kind": "judge", "batch": batch, "judge": judge, **more}, once)

    def judges(self, batch: str | None = None) -> JudgesOut:
        """How far models as judges agree with the experts."""
        return self._get("/v1/judges", JudgesOut, batch=batch)

    def ab_tests(self, batch: str | None = None) -> AbTestsOut:
        """Who wins in blind A/B tests."""
        return self._get("/v1/ab-tests", AbTestsOut, batch=batch)

    def jobs(self, kind: str | None = None, limit: int = 200) -> list[JobOut]:
        """The newest jobs, the newest first."""
        return self._get("/v1/jobs", JobList, kind=kind, limit=limit).jobs

    def job(self, job_id: str) -> JobOut:
        return self._get(f"/v1/jobs/{job_id}", JobOut)

    def metrics(
        self, job_id: str, *, split: str | None = None, after: str | None = None
    ) -> JobMetrics:
        """The figures so far; `after` of one answer asks for what follows."""
        return self._get(f"/v1/jobs/{job_id}/metrics", JobMetrics, split=split, after=after)

    def log_part(self, job_id: str, offset: int = 0) -> JobLog:
        """What the run wrote from a byte on; `next_offset` asks for the rest."""
        return self._get(f"/v1/jobs/{job_id}/logs", JobLog, offset=offset)

    def log(self, job_id: str) -> str:
        """All that the run wrote so far."""
        return "".join(self._log_parts(job_id))

    def cancel(self, job_id: str) -> JobOut:
        """Stop a job: at once when it waits, at its next safe point when it runs."""
        return self._post(f"/v1/jobs/{job_id}/cancel", JobOut, again=True)

    def wait(
        self,
        job_id: str,
        *,
        every: float = 1.0,
        timeout: float | None = None,
        look: Callable[[JobOut], None] | None = None,
    ) -> JobOut:
        """The job when it has succeeded.

        Args:
            every: seconds between two looks; `look` is called with what each one saw.
            timeout: seconds to wait at most; the job itself goes on.

        Raises:
            JobError: it failed or was cancelled.
            TimeoutError: it had not ended by then.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            job = self.job(job_id)
            if look is not None:
                look(job)
            if job.state == JobState.SUCCEEDED:
                return job
            if JobState(job.state).is_final:
                raise JobError(job)
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"Job {job.id} is {job.state} after {timeout:g} s.")
            time.sleep(every)

    def datasets(self) -> list[DatasetOut]:
        """All dataset versions, the oldest first."""
        return self._get("/v1/datasets", DatasetList).datasets

    def dataset(self, version: str) -> DatasetOut:
        return self._get(f"/v1/datasets/{version}", DatasetOut)

    def build_dataset(self, **settings: Any) -> DatasetOut:
        """Freeze the decisions so far. `settings`: batch, round, labels, policy, min_votes,
        min_agreement, min_confidence, holdout, holdout_by, seed, audit, with_judge, filters, note;
        the same ones on the same votes give the same version."""
        return self._post("/v1/datasets", DatasetOut, settings, again=True)

    def dataset_votes(self, version: str, page: int = 1) -> VotedRows:
        """The votes behind a version, a page of its rows at a time."""
        return self._get(f"/v1/datasets/{version}/votes", VotedRows, page=page)

    def notes(self, version: str) -> NoteList:
        """All notes on a version, the newest first."""
        return self._get(f"/v1/datasets/{version}/notes", NoteList)

    def note_dataset(self, version: str, text: str) -> NoteList:
        """Write another note on a version; the same again adds nothing."""
        path = f"/v1/datasets/{version}/notes"
        return self._post(path, NoteList, {"text": text}, again=True)

    def checkpoints(self) -> CheckpointList:
        """All checkpoints, the newest first, and the one in use."""
        return self._get("/v1/checkpoints", CheckpointList)

    def checkpoint(self, id_or_name: str) -> CheckpointOut:
        return self._get(f"/v1/checkpoints/{id_or_name}", CheckpointOut)

    def activate(self, id_or_name: str, reason: str = "") -> ActivationOut:
        """Take a checkpoint into use. Sent once: when the answer is lost, ask `checkpoints()`."""
        path = f"/v1/checkpoints/{id_or_name}/activate"
        return self._post(path, ActivationOut, {"reason": reason})

    def roll_back(self, reason: str = "", expected: str | None = None) -> ActivationOut:
        """Take the one before into use again, if `expected` is still the one in use."""
        wanted = {"reason": reason, "expected": expected}
        return self._post("/v1/checkpoints/rollback", ActivationOut, wanted)

    def agreement(self, batch: str | None = None, by: str | None = None) -> AgreementOut:
        """How far annotators agree, in one batch or over all votes, and on every part of them `by`
        batch, category, round or checkpoints."""
        return self._get("/v1/agreement", AgreementOut, batch=batch, by=by)

    def health(self) -> Health:
        return self._get("/health", Health)

    def _log_parts(self, job_id: str) -> Iterator[str]:
        offset = 0
        while (part := self.log_part(job_id, offset)).text:
            yield part.text
            offset = part.next_offset

    def _create(self, wanted: Mapping[str, Any], once: str | None) -> JobOut:
        headers = {_KEY_HEADER: once or uuid.uuid4().hex}
        return self._post("/v1/jobs", JobOut, wanted, headers=headers, again=True)

    def _get(self, path: str, model: type[Model], **query: Any) -> Model:
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, model, again=True, params=given)

    def _post(
        self,
        path: str,
        model: type[Model],
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> Model:
        return self._ask(
            "POST", path, model, again=again, json=dict(body or {}), headers=dict(headers or {})
        )

    def _ask(
        self, method: str, path: str, model: type[Model], *, again: bool, **more: Any
    ) -> Model:
        """`again` says that a second time does no harm."""
        for number in range(1, TRIES + 1):
            is_last = number == TRIES or not again
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                if is_last:
                    raise self._unreachable(error) from error
            else:
                if is_last or answer.status_code not in _PASSING:
                    return self._read(answer, model)
            time.sleep(_FIRST_PAUSE_SECONDS * 2 ** (number - 1))
        raise AssertionError("the last try returns or raises")

    def _read(self, answer: httpx.Response, model: type[Model]) -> Model:
        try:
            told = answer.json()
            if answer.is_success:
                return model.model_validate(told)
            raise ApiError(answer.status_code, told["what"], told["next_step"])
        except (ValueError, KeyError, TypeError) as error:
            raise ApiError(
                answer.status_code,
                f"{self._url} answered {answer.status_code} with something that is not the API's.",
                "Check the address: `pairwright up` prints it.",
            ) from error

    def _unreachable(self, error: httpx.TransportError) -> ApiError:
        said = str(error) or type(error).__name__
        return ApiError(
            0, f"The API at {self._url} did not answer ({said}).", "Start it: pairwright up"
        )
