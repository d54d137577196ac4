"""Every byte between a browser and the bench: a port that forwards to it and keeps all."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_CHUNK = 65536


class Wiretap:
    """What went through one forwarded port, a stream of bytes per connection and direction."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._sent: list[bytearray] = []
        self._received: list[bytearray] = []
        self._open: list[socket.socket] = [self._listening]
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    @property
    def sent(self) -> bytes:
        """All that browsers sent, a connection after the other."""
        return b"".join(bytes(stream) for stream in self._sent)

    @property
    def received(self) -> bytes:
        """All that browsers got, a connection after the other."""
        return b"".join(bytes(stream) for stream in self._received)

    def close(self) -> None:
        """End every connection and wait for its threads."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)
        for each in self._open:
            each.close()

    def _run(self, work: Callable[..., None], *given: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=given, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        # the shutdown of the port ends it
        with suppress(OSError):
            while True:
                browser, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
                for end in (browser, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [browser, server]
                self._sent.append(bytearray())
                self._received.append(bytearray())
                self._run(_pump, browser, server, self._sent[-1])
                self._run(_pump, server, browser, self._received[-1])


@contextmanager
def tapped(to_port: int) -> Iterator[Wiretap]:
    """A wiretap before a port of this machine."""
    tap = Wiretap(to_port)
    try:
        yield tap
    finally:
        tap.close()


def _pump(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            kept.extend(chunk)
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def spellings(word: str) -> set[bytes]:
    """The bytes by which a word may go over a wire: in UTF-8 and UTF-16, in hexadecimal digits, and
    within base64 at each of its three places. Lower case, but for base64."""
    plain = word.encode()
    found = {plain.lower(), word.lower().encode("utf-16-le"), plain.lower().hex().encode()}
    found.add(plain.hex().encode())
    for place in range(3):
        # the digits that no neighbour of the word has a share in
        digits = slice(-(-8 * place // 6), 8 * (place + len(plain)) // 6)
        found.add(base64.b64encode(b"\0" * place + plain + b"\0\0")[digits])
    return found


def leaks(data: bytes, words: set[str]) -> list[str]:
    """What of the words is in the data, with what stands around it."""
    lowered = data.lower()
    found = []
    for spelling in {each for word in words for each in spellings(word)}:
        for text in (data, lowered):
            if (at := text.find(spelling)) >= 0:
                found.append(repr(data[max(0, at - 80) : at + 80]))
                break
    return found


def messages(stream: bytes) -> list[str]:
    """The HTTP messages of streams, requests or answers, each with its headers and body."""
    starts = rb"(?=(?:GET|POST|HEAD) /\S* HTTP/1\.1\r\n|HTTP/1\.1 \d{3} )"
    return [each.decode("latin-1") for each in re.split(starts, stream) if each.strip()]
