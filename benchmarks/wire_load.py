"""Open-loop load over HTTP by a lean client: one connection per person, requests at set times.

Latency counts from the time at which a request was due, so that a server which stalls does not
hide the requests that waited behind the stall.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# seconds between the start and the first request that is due
_HEAD_START = 0.5


@dataclass(frozen=True)
class Load:
    """`people` who send `rate` requests a second together, for `seconds`."""

    people: int
    rate: float
    seconds: float
    seed: int = 7

    def due(self) -> list[list[float]]:
        """Seconds at which each person sends: together a Poisson process of the rate."""
        draw = random.Random(self.seed)
        times: list[list[float]] = [[] for _ in range(self.people)]
        at, turn = draw.expovariate(self.rate), 0
        while at < self.seconds:
            times[turn % self.people].append(at)
            at, turn = at + draw.expovariate(self.rate), turn + 1
        return times


class Connection:
    """One kept connection that speaks just enough HTTP/1.1, with the cookies of its server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._origin = parts.hostname, parts.port, url.rstrip("/")
        self._cookie = ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> bytes:
        return await self._ask(f"GET {path}", b"")

    async def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON request.

        Raises:
            RuntimeError: the status is not 200.
        """
        return json.loads(await self._ask(f"POST {path}", json.dumps(body).encode()))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def _ask(self, line: str, body: bytes) -> bytes:
        head = f"{line} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nOrigin: {self._origin}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        if self._cookie:
            head += f"Cookie: {self._cookie}\r\n"
        request = head.encode() + b"\r\n" + body
        try:
            status, answer = await self._exchange(request)
        except (ConnectionResetError, asyncio.IncompleteReadError):
            # the server closes connections that rest for some seconds: as browsers do, once again
            self.close()
            status, answer = await self._exchange(request)
        if status != 200:
            raise RuntimeError(f"{line}: {status}: {answer[:300]!r}")
        return answer

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._reader is None or self._writer is None or self._writer.is_closing():
            opened = await asyncio.open_connection(self._host, self._port)
            self._reader, self._writer = opened
        self._writer.write(request)
        status, headers = await self._head(self._reader)
        answer = await _body(self._reader, headers)
        if headers.get("connection") == "close":
            self._writer.close()
        return status, answer

    async def _head(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in filter(None, lines[1:]):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if "set-cookie" in headers:
            self._cookie = headers["set-cookie"].split(";")[0]
        return int(lines[0].split()[1]), headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    parts = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(parts)


async def send(load: Load, acts: Sequence[Callable[[], Awaitable[None]]]) -> list[float]:
    """Each person acts at their times, one after the other; latencies in milliseconds."""
    measured: list[float] = []
    start = time.perf_counter() + _HEAD_START

    async def act_at(times: Sequence[float], act: Callable[[], Awaitable[None]]) -> None:
        for at in times:
            await asyncio.sleep(start + at - time.perf_counter())
            await act()
            measured.append((time.perf_counter() - start - at) * 1000)

    people = zip(load.due(), acts, strict=True)
    await asyncio.gather(*(act_at(times, act) for times, act in people))
    return measured


def summary(milliseconds: Sequence[float]) -> dict[str, float]:
    """Count, median, 99th percentile and maximum."""
    ordered = sorted(milliseconds)
    p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
    return {
        "n": len(ordered),
        "p50_ms": round(statistics.median(ordered), 1),
        "p99_ms": round(p99, 1),
        "max_ms": round(ordered[-1], 1),
    }
