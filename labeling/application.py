"""The labeling server's application: our routes, the bench in Gradio, and the gates around both."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from labeling import bench, headers, modules, page, refusals, theme
from labeling.adjudication import bench as adjudication_bench
from labeling.adjudication.routes import router as lead_router
from labeling.gate import Gate
from labeling.gradio_loader import gr
from labeling.headers import SecurityHeaders
from labeling.limits import LOOPBACK, PostLimits
from labeling.refusals import RefusedError
from labeling.routes import Office, router
from storage.commits import CommitThread
from storage.errors import (
    ConflictError,
    DiskFullError,
    NotFoundError,
    PairwrightError,
    WrongInputError,
)
from storage.workspace import Workspace

STATIC = Path(__file__).parent / "static"
BENCH = "/bench"
LEAD = "/lead"
LOOK = ["GET", "HEAD"]
_STYLES = ("bench", "tools", "overlays")
# address of a page, what lays it out, its styles, its script
_PAGES = (
    (BENCH, bench.lay_out, _STYLES, "bench"),
    (LEAD, adjudication_bench.lay_out, (*_STYLES, "lead"), "lead"),
)
_STATUSES: tuple[tuple[type[PairwrightError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (WrongInputError, 400),
)
_log = logging.getLogger(__name__)


def build(workspace: Workspace, public_url: str) -> FastAPI:
    """The application; its start draws the bench and its end commits what waits."""
    office = Office(
        workspace=workspace,
        commits=CommitThread(workspace.ledger),
        secret=workspace.secret(),
        https=urlsplit(public_url).scheme == "https",
    )
    hosts = {*LOOPBACK, str(urlsplit(public_url).hostname)}
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(PlainErrors),
            Middleware(Gate, hosts=hosts),
            Middleware(PostLimits, public_url=public_url),
        ],
    )
    app.state.office = office
    app.include_router(router)
    app.include_router(lead_router)
    _serve_pages(app)
    _answer_errors(app)
    return _mount_pages(app)


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
            fault = RefusedError(500, "Something went wrong on the server.", "It is in its log.")
            await refusals.answer(fault, fault.status)(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    mounted = {route.path: route.app for route in app.routes if isinstance(route, Mount)}
    app.state.pages = {
        path: await page.draw(mounted[path], path, _head(styles, script))
        for path, _, styles, script in _PAGES
    }
    yield
    app.state.office.commits.close()


def _mount_pages(app: FastAPI) -> FastAPI:
    for path, lay_out, _, _ in _PAGES:
        app = gr.mount_gradio_app(
            app,
            lay_out(),
            path,
            theme=theme.bench_theme(),
            show_error=False,
            run_history=False,
            footer_links=[],
            mcp_server=False,
            enable_monitoring=False,
            pwa=False,
            ssr_mode=False,
            allowed_paths=[],
            max_file_size=0,
        )
    return app


def _head(styles: Sequence[str], script: str) -> str:
    lines = [
        '<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">',
        *(f'<link rel="stylesheet" href="/static/{name}.css">' for name in styles),
        *(
            f'<link rel="modulepreload" href="/static/{name}.js">'
            for name in modules.imported(STATIC, script)
        ),
        f'<script type="module" src="/static/{script}.js"></script>',
    ]
    return "\n".join(lines)


def _serve_pages(app: FastAPI) -> None:
    # before the mounts, so that these win over Gradio's own pages
    @app.api_route(f"{BENCH}/", methods=LOOK)
    @app.api_route(f"{LEAD}/", methods=LOOK)
    def show_page(request: Request) -> HTMLResponse:
        drawn: page.BenchPage = request.app.state.pages[request.url.path.rstrip("/")]
        policy = headers.content_policy(drawn.script_hashes)
        return HTMLResponse(drawn.html, headers={"Content-Security-Policy": policy})

    @app.api_route("/j", methods=LOOK)
    def show_join() -> FileResponse:
        return FileResponse(STATIC / "join.html")

    @app.api_route("/favicon.ico", methods=LOOK)
    def show_icon() -> FileResponse:
        return FileResponse(STATIC / "favicon.svg")

    app.mount("/static", StaticFiles(directory=STATIC))


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(PairwrightError)
    def refuse(_: Request, error: PairwrightError) -> Response:
        if isinstance(error, RefusedError):
            return refusals.answer(error, error.status)
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 503)
        if status == 503:
            _log.error("%s", error)
            error = refusals.disk_full() if isinstance(error, DiskFullError) else refusals.away()
        return refusals.answer(error, status)

    @app.exception_handler(RequestValidationError)
    def refuse_form(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0] if error.errors() else {"loc": (), "msg": "it cannot be read"}
        where = ".".join(str(step) for step in first["loc"] if step != "body") or "the request"
        what = f"The request cannot be used: {where}: {first['msg']}."
        return refusals.answer(RefusedError(400, what, "Load the page again."), 400)

    @app.exception_handler(HTTPException)
    def refuse_http(_: Request, error: HTTPException) -> Response:
        what = RefusedError(error.status_code, f"{error.detail}.")
        return refusals.answer(what, error.status_code)
