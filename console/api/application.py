"""The API's application: routes, one shape for errors, and the gate around both."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import version

from fastapi import FastAPI, Request
from starlette.middleware import Middleware

from console.api import agreement, checkpoints, comparisons, datasets, jobs, problems
from console.api.gate import Gate
from console.api.models import Health
from console.api.problems import PlainErrors, Problem
from storage import schema
from storage.workspace import Workspace


def build(workspace: Workspace, hosts: Collection[str]) -> FastAPI:
    """The application for an open workspace, which the caller closes after it.

    Args:
        hosts: names that the server answers to.
    """
    app = routed(hosts)
    app.state.workspace = workspace
    return app


def routed(hosts: Collection[str] = ()) -> FastAPI:
    """The routes with all that is around them, and no workspace yet."""
    app = FastAPI(
        title="Pairwright",
        version=version("pairwright"),
        summary="Jobs, datasets, checkpoints, agreement and comparisons of one workspace.",
        # these pages load scripts from elsewhere; the description itself is at /openapi.json
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(PlainErrors), Middleware(Gate, hosts=hosts)],
    )
    for routes in (jobs, datasets, checkpoints, agreement, comparisons):
        app.include_router(routes.router)
    _serve_health(app)
    problems.answer_errors(app)
    return app


def _serve_health(app: FastAPI) -> None:
    @app.get("/health", tags=["health"], responses={503: {"model": Problem}})
    def health(request: Request) -> Health:
        """Whether the API reaches its ledger; needs no key."""
        workspace: Workspace = request.app.state.workspace
        with workspace.ledger.read() as db:
            revision = schema.revision(db)
        return Health(version=version("pairwright"), schema_revision=revision or "")
