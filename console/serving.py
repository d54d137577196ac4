"""What `up` runs: labeling server, console, API and worker of one workspace, and where."""

from __future__ import annotations

import ipaddress
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from console import ports, processes
from console.output import Output
from console.processes import Child, Service

LABELING_PORT = 7871
CONSOLE_PORT = 8501
API_PORT = 8600
_ADDRESSES = "addresses.json"
_APP = Path(__file__).resolve().parent / "app.py"
# the safe choices, also where somebody's own Streamlit settings say otherwise
_CONSOLE_FLAGS = {
    "server.headless": "true",
    "server.address": ports.LOOPBACK,
    "server.fileWatcherType": "none",
    "server.enableStaticServing": "false",
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
}


@dataclass(frozen=True)
class Addresses:
    """Where the servers listen. `host` is for labeling; console and API stay on this machine.

    `api_port` 0 means no API. `public_url` is what annotators type, such as https://label.example.
    """

    host: str = ports.LOOPBACK
    labeling_port: int = LABELING_PORT
    console_port: int = CONSOLE_PORT
    public_url: str = ""
    api_port: int = 0

    @property
    def labeling_url(self) -> str:
        """What a link begins with."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.labeling_port}"

    @property
    def console_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.console_port}"

    @property
    def api_url(self) -> str:
        """Empty when there is no API."""
        return f"http://{ports.LOOPBACK}:{self.api_port}" if self.api_port else ""

    @property
    def is_unencrypted(self) -> bool:
        """Whether links and votes cross a network in the clear."""
        return self.public_url.startswith("http://") and not is_loopback(host_of(self.public_url))

    @property
    def is_open(self) -> bool:
        """Whether other machines reach the labeling server directly."""
        return not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_any_address(host: str) -> bool:
    """Whether a host means all addresses of the machine, so that it is no address to visit."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def known_addresses(home: Path) -> Addresses:
    """Where the servers of this workspace were last started, else the defaults."""
    try:
        return Addresses(**json.loads((home / _ADDRESSES).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Addresses()


def known_public_url(home: Path) -> str:
    """What links of this workspace begin with."""
    return known_addresses(home).labeling_url


def check_ports(addresses: Addresses) -> None:
    """Raise PairwrightError when a port is in use, before anything is started."""
    ports.check_free(addresses.host, addresses.labeling_port, "labeling server", "--labeling-port")
    ports.check_free(ports.LOOPBACK, addresses.console_port, "console", "--console-port")
    if addresses.api_port:
        ports.check_free(ports.LOOPBACK, addresses.api_port, "API", "--api-port")


def remember(home: Path, addresses: Addresses) -> None:
    """Keep the addresses in the workspace, so that new links fit."""
    (home / _ADDRESSES).write_text(json.dumps(asdict(addresses)), encoding="utf-8")


def labeling_service(home: Path, addresses: Addresses) -> Service:
    """The labeling server as a child process."""
    command = [sys.executable, "-P", "-m", "labeling.server", "--home", str(home)]
    command += ["--host", addresses.host, "--port", str(addresses.labeling_port)]
    if addresses.public_url:
        command += ["--public-url", addresses.public_url]
    reached = ports.LOOPBACK if is_any_address(addresses.host) else addresses.host
    return Service(
        "labeling server",
        tuple(command),
        home / "logs" / "labeling.log",
        lambda _: ports.answers(addresses.labeling_port, "/healthz", reached),
    )


def console_service(home: Path, addresses: Addresses) -> Service:
    """The console's pages as a child process, on this machine only."""
    flags = {**_CONSOLE_FLAGS, "server.port": str(addresses.console_port)}
    words = [word for name, value in flags.items() for word in (f"--{name}", value)]
    return Service(
        "console",
        (sys.executable, "-P", "-m", "streamlit", "run", str(_APP), *words),
        home / "logs" / "console.log",
        lambda _: ports.answers(addresses.console_port, "/_stcore/health"),
        {"PAIRWRIGHT_HOME": str(home)},
    )


def api_service(home: Path, addresses: Addresses) -> Service:
    """The API as a child process, on this machine only."""
    command = [sys.executable, "-P", "-m", "console.api.server", "--home", str(home)]
    return Service(
        "API",
        (*command, "--port", str(addresses.api_port)),
        home / "logs" / "api.log",
        lambda _: ports.answers(addresses.api_port, "/health"),
    )


def serve(
    services: Sequence[Service], output: Output, result: Mapping[str, Any], lines: Sequence[str]
) -> None:
    """Run the services until Ctrl-C or SIGTERM; show the result and the lines when all answer."""
    children = [Child(service) for service in services]
    with stop_signals() as stop:
        processes.start_all(children, output.say, stop)
        try:
            if not stop.is_set():
                output.show(result, *lines)
            processes.watch(children, output.say, stop)
        finally:
            output.say("Stopping.")
            processes.stop_all(children, output.say)


@contextmanager
def stop_signals() -> Iterator[Event]:
    """An event that SIGINT and SIGTERM set, in place of ending this process."""
    stop = Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def host_of(url: str) -> str:
    """The host of an http or https address, empty for anything else."""
    parts = urlsplit(url)
    return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
