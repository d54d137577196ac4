"""The gate of the API: not for browsers, only under our own names, and nothing large.

A key is asked for behind it. The gate keeps pages of other sites out, which could point a host name
of their own at this server or post to it without reading the answer.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from console.api import problems
from console.api.problems import ProblemError

LARGEST_BODY = 1 << 20
_FOR_BROWSERS = ("origin", "sec-fetch-site")


class Gate:
    """ASGI middleware that refuses by Host, by Origin and by the size of the body."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            self._check(Headers(scope=scope))
        except ProblemError as error:
            await problems.answer(error, error.status)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, headers: Headers) -> None:
        if _host_name(headers.get("host", "")) not in self._hosts:
            raise ProblemError(
                421,
                "This server does not answer to that host name.",
                "Behind a proxy, start it with --public-url https://NAME.",
            )
        if any(name in headers for name in _FOR_BROWSERS):
            raise ProblemError(
                403, "The API does not answer browsers.", "Call it from a program with a key."
            )
        # uvicorn holds a sender to its Content-Length, so that the number can be trusted
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            raise ProblemError(411, "The request does not say how long it is.")
        if len(length) > 12 or int(length) > LARGEST_BODY:
            raise ProblemError(413, "The request is larger than 1 MiB.")


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
