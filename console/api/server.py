"""The API as a process: `python -m console.api.server --home DIR --port N`."""

from __future__ import annotations

import argparse
import logging
import re
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from console import ports
from storage import workspace as workspaces
from storage.errors import PairwrightError, WrongInputError

DEFAULT_PORT = 8600
_STOP_SECONDS = 5
_NAMES = (ports.LOOPBACK, "localhost", "::1")
_TOKEN = re.compile(r"pwk_[0-9a-f]{16}_[A-Za-z0-9_-]+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes; return the exit status."""
    _log_to_stderr()
    options = _parse(arguments)
    try:
        return _serve(options)
    except PairwrightError as error:
        print(f"{error.what}\n{error.next_step}".strip(), file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    hosts = {*_NAMES, *_public_name(options.public_url)}
    if options.port:
        ports.check_free(ports.LOOPBACK, options.port, "API", "--port")
    # the protocol by its name: else asyncio lets the body of an answer wait for 40 ms, until the
    # client has acknowledged its head
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((ports.LOOPBACK, options.port))
        listening.listen(256)
        workspace = workspaces.open_existing(options.home)
        try:
            from console.api import application

            _run(application.build(workspace, hosts), listening)
        finally:
            workspace.close()
    return 0


def _run(app: object, listening: socket.socket) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        access_log=False,
        server_header=False,
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # uvicorn stops gracefully, then raises the signal again: it has had its effect by then
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _Server(config, f"API ready at http://{ports.LOOPBACK}:{listening.getsockname()[1]}").run(
        sockets=[listening]
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
    """No line of the log holds a usable key."""

    def format(self, record: logging.LogRecord) -> str:
        return _TOKEN.sub("pwk_[redacted]", super().format(record))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _public_name(url: str | None) -> tuple[str, ...]:
    if url is None:
        return ()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongInputError(
            f"{url!r} cannot be the public URL.", "Use http://host:port or https://host."
        )
    return (parts.hostname,)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m console.api.server", description="Serve the API on this machine."
    )
    parser.add_argument("--home", type=Path, required=True, help="folder of the workspace")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 picks a free one")
    parser.add_argument("--public-url", help="address that programs use, behind a proxy")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
