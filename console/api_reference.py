"""The page of the API, made from its routes and from the models of what is sent to it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from console.api import application, dataset_models, models

REQUESTS: tuple[type[BaseModel], ...] = (
    *(models.TrainRequest, models.EvaluateRequest, models.SampleRequest),
    *(models.PrepareRequest, models.JudgeRequest),
    *(dataset_models.BuildRequest, dataset_models.FilterIn, dataset_models.NoteRequest),
    *(models.ActivateRequest, models.RollbackRequest),
)
_INTRO = """# The API

What scripts and CI do over HTTP: a process of its own beside the console, started by `pairwright
up` on port 8600 of this machine. It answers no browser ([why](decisions/0010-api.md)).

Every route but `/health` asks for a key, `Authorization: Bearer KEY`. `pairwright api-key create
--name ci --scope write` makes one and shows it once; the scope `read` reads only. The description
of every field is at `/openapi.json`.

| route | what it does |
|---|---|
"""
_RULES = """
- An answer with a status of 400 or more is `{"what": ..., "next_step": ...}`.
- `POST /v1/jobs` takes an `Idempotency-Key`: the same key with the same request gives the job that
  is there already, with another request it is answered with 409. A dataset version needs none: the
  same decisions and settings are the same version.
- Jobs start from what is recorded, a model of `pairwright model list` or a checkpoint. No folder of
  the server and no picture can be named over the network: prompts to sample are text, questions are
  asked about pictures of a batch that is here, and an address as judge, to which a worker would
  send its key, is for `pairwright judge` alone.

## Requests

A field without a default is required.
"""
_PYTHON = """
## From Python

```python
import os

from console.client import Client

with Client("http://127.0.0.1:8600", os.environ["PAIRWRIGHT_API_KEY"]) as pairwright:
    version = pairwright.build_dataset(labels="imported", holdout=0.2)
    job = pairwright.train(version.id, "tiny", {"beta": 0.1}, once="nightly 2026-05-04")
    done = pairwright.wait(job.id, look=lambda seen: print(seen.state, seen.progress))
    print(pairwright.log(job.id))
    print(pairwright.checkpoint(done.result["checkpoint"]).metrics["reward_gap"])
```

What comes back are the models of the API with their fields as attributes. A refusal raises
`ApiError` with `status`, `what` and `next_step`; `wait` raises `JobError` for a job that failed or
was cancelled. What can be sent again without harm is sent again when an answer is lost or the
ledger is busy, at most four times; `once` keeps a script that is started again from queueing its
job twice.
"""


def page(mark: str) -> str:
    """The whole page; `mark` says on top that it is made."""
    routes = "\n".join(_routes())
    requests = "\n".join(_request(model) for model in REQUESTS)
    return f"{mark}\n{_INTRO}{routes}\n{_RULES}\n{requests}\n{_PYTHON}"


def _routes() -> Iterator[str]:
    for path, methods in application.routed().openapi()["paths"].items():
        for method, route in methods.items():
            yield f"| `{method.upper()} {path}` | {_one_line(route['description'])} |"


def _request(model: type[BaseModel]) -> str:
    fields = ", ".join(_field(name, found) for name, found in model.model_fields.items())
    return f"- **{model.__name__}**: {_one_line(inspect.getdoc(model) or '')} Fields: {fields}."


def _field(name: str, found: Any) -> str:
    if found.default_factory is not None:
        return f"`{name}` (empty)"
    if found.default is PydanticUndefined:
        words = re.fullmatch(r"typing\.Literal\['(\w+)'\]", str(found.annotation))
        return f'`{name}` "{words[1]}"' if words else f"`{name}`"
    if found.default in ("", None):
        return f"`{name}` ({'empty' if found.default == '' else 'null'})"
    value = str(found.default).lower() if isinstance(found.default, bool) else found.default
    return f"`{name}` ({value})"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
