"""Connections whose request does not come are closed: uvicorn would wait for its head for ever."""

from __future__ import annotations

import asyncio
import socket

from uvicorn.protocols.http.h11_impl import H11Protocol


class PromptProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, where the head of a request has to be there `head_seconds` after the
    connection was made, or after its own first byte when an earlier request was answered.

    Between two requests uvicorn's own keep-alive counts; bodies are `labeling.limits`' to watch.
    """

    head_seconds = 10.0
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # head and body go as two writes: the second would wait 40 ms for the client to acknowledge
        # the first. asyncio sees to it only for sockets that name their protocol
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget()

    def _watch(self) -> None:
        if self._is_under_way():
            self._forget()
        elif self._overdue is None:
            self._overdue = self.loop.call_later(self.head_seconds, self._close)

    def _is_under_way(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _forget(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _close(self) -> None:
        self._overdue = None
        if not self._is_under_way():
            self.transport.close()
