"""The labeling server as a process: `python -m labeling.server --home DIR --port N`."""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import re
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from labeling.limits import LOOPBACK
from labeling.slow_clients import PromptProtocol
from storage import workspace as workspaces
from storage.errors import PairwrightError, WorkspaceError, WrongInputError
from storage.workspace import Workspace

if TYPE_CHECKING:
    from fastapi import FastAPI

DEFAULT_PORT = 7871
_STOP_SECONDS = 5
_TOKEN = re.compile(r"pw_[0-9a-f]{16}_[A-Za-z0-9_-]+|pwl_[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class ServerSettings:
    """`public_url` is the address that annotators use: scheme, host and port, no path."""

    public_url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.public_url)
        usable = parts.scheme in ("http", "https") and parts.hostname
        if not usable or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise WrongInputError(
                f"{self.public_url!r} cannot be the public URL.",
                "Use http://host:port or https://host, without a path.",
            )

    @property
    def is_exposed(self) -> bool:
        """Whether links and votes would cross a network unencrypted."""
        parts = urlsplit(self.public_url)
        return parts.scheme == "http" and parts.hostname not in LOOPBACK


def build_app(workspace: Workspace, settings: ServerSettings) -> FastAPI:
    """The application for an open workspace, which the caller closes after it.

    Call it outside of any running event loop.
    """

    async def build() -> FastAPI:
        # here, because loading Gradio takes seconds and a taken port should be told at once
        from labeling import application

        return application.build(workspace, settings.public_url)

    # outside a running loop Gradio makes loops of its own and never closes them
    return asyncio.run(build())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes; return the exit status."""
    _log_to_stderr()
    try:
        return _serve(_parse(arguments))
    except PairwrightError as error:
        print(f"{error.what}\n{error.next_step}".strip(), file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    with _bound(options.host, options.port) as listening:
        port = listening.getsockname()[1]
        settings = ServerSettings(options.public_url or _own_url(options.host, port))
        if settings.is_exposed:
            print(
                f"Links and votes to {settings.public_url} travel unencrypted. Put the server "
                "behind https and start it with --public-url https://...",
                file=sys.stderr,
            )
        workspace = workspaces.open_existing(options.home)
        try:
            _run(build_app(workspace, settings), listening, settings)
        finally:
            workspace.close()
    return 0


def _run(app: FastAPI, listening: socket.socket, settings: ServerSettings) -> None:
    ready = f"Labeling server ready at {settings.public_url}"
    server = _Server(configured(app), ready)
    # uvicorn stops gracefully, then raises the signal again: it has had its effect by then
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listening])


def configured(app: FastAPI) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        http=PromptProtocol,
        # addresses of pairs are nobody's business, and a log of them costs time
        access_log=False,
        server_header=False,
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._ready, flush=True)


class RedactingFormatter(logging.Formatter):
    """No line of the log holds a usable link, and no text from outside makes lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        return _TOKEN.sub("pw_[redacted]", super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        line = super().formatMessage(record)
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise WorkspaceError(
                f"Port {port} on {host} is in use.",
                "Stop the program that uses it, or choose another one with --port.",
            ) from error
        raise WorkspaceError(
            f"The server cannot listen on {host} port {port}: {error.strerror}.",
            "Choose an address of this machine with --host and a free port with --port.",
        ) from error
    return listening


def _own_url(host: str, port: int) -> str:
    if host not in LOOPBACK:
        raise WrongInputError(
            f"A server on {host} needs the address that annotators use.",
            "Add --public-url, such as https://label.example.org.",
        )
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m labeling.server", description="Serve the bench to annotators."
    )
    parser.add_argument("--home", type=Path, required=True, help="folder of the workspace")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 picks a free one")
    parser.add_argument("--public-url", help="address that annotators use, e.g. behind a proxy")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
