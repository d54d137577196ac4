"""The gate: which addresses of the labeling server answer at all, Gradio's included.

An allow-list: what a later version of Gradio adds stays closed until somebody opens it here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from labeling import refusals
from labeling.refusals import RefusedError

LOOK = frozenset({"GET", "HEAD"})
POST = frozenset({"POST"})

# the page itself is served by us, so of Gradio only its files are open
GRADIO_FILES = re.compile(
    r"/(?:bench|lead)/(?:theme\.css|assets/[\w.-]+|static/(?:js|fonts|img)/[\w./-]+)", re.ASCII
)
OPEN: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (LOOK, re.compile(r"/")),
    (LOOK, re.compile(r"/j")),
    (LOOK, re.compile(r"/bench/?")),
    (LOOK, re.compile(r"/lead/")),
    (LOOK, GRADIO_FILES),
    (LOOK, re.compile(r"/static/[\w-]+\.(?:js|css|svg)", re.ASCII)),
    (LOOK, re.compile(r"/favicon\.ico")),
    (LOOK, re.compile(r"/healthz")),
    (LOOK, re.compile(r"/api/(?:state|ahead)")),
    (LOOK, re.compile(r"/media/[0-9a-f]{32}/[0-9]{1,4}(?:/full)?", re.ASCII)),
    (LOOK, re.compile(r"/api/lead/state")),
    (LOOK, re.compile(r"/api/lead/media/(?:[0-9a-f]{64}/){2}[0-9]{1,4}(?:/full)?", re.ASCII)),
    (POST, re.compile(r"/api/lead/(?:session|decisions|dismissals|names)")),
    (POST, re.compile(r"/api/(?:session|votes|reports|presence)")),
)
_CLOSED = RefusedError(404, "There is nothing at this address.")
_UNKNOWN_HOST = RefusedError(
    421,
    "This server does not answer to that host name.",
    "Use the address in your labeling link. The server learns its name from --public-url.",
)


def is_open(method: str, path: str) -> bool:
    """Whether a request gets past the gate."""
    if ".." in path or "//" in path or "\\" in path:
        return False
    return any(method in methods and pattern.fullmatch(path) for methods, pattern in OPEN)


class Gate:
    """ASGI middleware that answers 404 for everything that is not open, and only to our own names.

    A page of another site can point a name of its own at this server (DNS rebinding); its requests
    carry that name as Host.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            # no part of the bench uses a websocket
            await send({"type": "websocket.close", "code": 1008})
        elif _host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            await refusals.answer(_UNKNOWN_HOST, _UNKNOWN_HOST.status)(scope, receive, send)
        elif not is_open(scope["method"], scope["path"]):
            await refusals.answer(_CLOSED, _CLOSED.status)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
