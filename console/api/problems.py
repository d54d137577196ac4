"""What the API says when it does not do what was asked: `{"what": ..., "next_step": ...}`."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from storage.errors import (
    ConflictError,
    DamagedError,
    DiskFullError,
    NotFoundError,
    PairwrightError,
    StaleFenceError,
    WrongInputError,
)

_STATUSES: tuple[tuple[type[PairwrightError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (StaleFenceError, 409),
    (WrongInputError, 422),
    (DamagedError, 500),
    (DiskFullError, 507),
)
_log = logging.getLogger(__name__)


class Problem(BaseModel):
    """Every answer with a status of 400 or more."""

    what: str
    next_step: str


class ProblemError(PairwrightError):
    """A request that is answered with this HTTP status."""

    def __init__(self, status: int, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step)
        self.status = status


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a route's refusals; 401 and 422 are everywhere."""
    return {status: {"model": Problem} for status in (401, *statuses, 422)}


def answer(error: PairwrightError, status: int) -> JSONResponse:
    """The answer that carries a refusal."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    body = Problem(what=error.what, next_step=error.next_step)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


class PlainErrors:
    """ASGI middleware: a fault of ours becomes a plain answer; its details stay in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            if scope["type"] != "http":
                raise
            _log.exception("%s %s failed", scope["method"], scope["path"])
            fault = ProblemError(500, "Something went wrong on the server.", "It is in its log.")
            await answer(fault, fault.status)(scope, receive, send)


def answer_errors(app: FastAPI) -> None:
    """Give every error of the application the one shape."""

    @app.exception_handler(PairwrightError)
    def refuse(_: Request, error: PairwrightError) -> JSONResponse:
        if isinstance(error, ProblemError):
            return answer(error, error.status)
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 503)
        if status >= 500:
            _log.error("%s", error)
        return answer(error, status)

    @app.exception_handler(RequestValidationError)
    def refuse_form(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0] if error.errors() else {"loc": (), "msg": "it cannot be read"}
        where = ".".join(str(step) for step in first["loc"] if step != "body") or "the request"
        what = f"The request cannot be used: {where}: {first['msg']}."
        return answer(ProblemError(422, what, "The fields are described in /openapi.json."), 422)

    @app.exception_handler(HTTPException)
    def refuse_http(_: Request, error: HTTPException) -> JSONResponse:
        problem = ProblemError(
            error.status_code, f"{error.detail}.", "The addresses are in /openapi.json."
        )
        return answer(problem, error.status_code)
