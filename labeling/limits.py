"""What a request may be: its origin, its type, its size, and how often a link may be tried."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeling import refusals
from labeling.refusals import RefusedError

LARGEST_BODY = 16 * 1024
# to receive one
BODY_SECONDS = 30.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class PostLimits:
    """ASGI middleware: a POST comes from our own page, is JSON, at most 16 KiB, and comes soon."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self._public_origin = origin_of(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            self._check(Headers(scope=scope))
            async with asyncio.timeout(BODY_SECONDS):
                body = await _limited_body(receive)
        except TimeoutError:
            await _too_late()(scope, receive, send)
            return
        except RefusedError as error:
            await refusals.answer(error, error.status)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _check(self, headers: Headers) -> None:
        if not self._is_own(headers.get("origin", ""), headers.get("host", "")):
            raise refusals.foreign_origin()
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise RefusedError(415, "The request is not JSON.", "Send application/json.")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            raise RefusedError(400, "The Content-Length is no number.")
        if len(length) > 12 or int(length) > LARGEST_BODY:
            raise _too_large()

    def _is_own(self, origin: str, host: str) -> bool:
        """The public origin; on this machine also the one by which the browser reached us, since a
        tunnel may change the port. Host names were checked at the gate."""
        if origin == self._public_origin:
            return True
        return origin == f"http://{host}" and urlsplit(origin).hostname in LOOPBACK


class RateLimit:
    """At most `most` failures within `seconds` for each client address, then it has to wait.

    What succeeds is not counted: a room full of annotators may share one address.
    """

    def __init__(self, most: int, seconds: float, remembered: int = 10_000) -> None:
        self._most, self._seconds, self._remembered = most, seconds, remembered
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, client: str) -> float:
        """Seconds until this client may try again, 0 for now."""
        now = time.monotonic()
        with self._lock:
            failures = self._failures.get(client, deque())
            while failures and now - failures[0] >= self._seconds:
                failures.popleft()
            return self._seconds - (now - failures[0]) if len(failures) >= self._most else 0.0

    def count_failure(self, client: str) -> None:
        """Note that a try of this client failed now."""
        with self._lock:
            self._failures.setdefault(client, deque(maxlen=self._most)).append(time.monotonic())
            self._failures.move_to_end(client)
            if len(self._failures) > self._remembered:
                self._failures.popitem(last=False)


class Paces:
    """How many votes a link takes: its pace within a minute, and then one whenever a part of the
    minute has passed that is long enough for one.

    Kept in memory: a server that starts again gives everybody a fresh minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # link -> votes it may still send now, and when that was so
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, link_id: str, per_minute: int) -> bool:
        """Whether a vote of this link may be taken now; it counts then."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(link_id, (float(per_minute), now))
            left = min(per_minute, left + (now - since) * per_minute / 60)
            self._left[link_id] = (left - 1 if left >= 1 else left, now)
            return left >= 1


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write them in Origin."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


async def _limited_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST_BODY:
            raise _too_large()
        if not message.get("more_body"):
            return body


def _too_late() -> JSONResponse:
    error = RefusedError(408, "The request did not come in time.", "It is tried again.")
    answer = refusals.answer(error, error.status)
    # the rest of the request would be taken for the next one
    answer.headers["Connection"] = "close"
    return answer


def _too_large() -> RefusedError:
    return RefusedError(413, "The request is larger than 16 KiB.")


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
