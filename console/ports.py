"""Ports of this machine: whether one is free, who holds it, and whether a server answers there."""

from __future__ import annotations

import errno
import http.client
import socket
from contextlib import suppress
from pathlib import Path

from storage.errors import PairwrightError

_LISTEN = "0A"
LOOPBACK = "127.0.0.1"


def check_free(host: str, port: int, server: str, flag: str) -> None:
    """Raise PairwrightError naming the port, who could hold it and the flag to change it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # as the servers do: a port that waits for its last connections to end is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _refusal(error, host, port, server, flag) from error


def any_free(host: str = LOOPBACK) -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str, host: str = LOOPBACK) -> bool:
    """Whether a server answers a GET with 200 within a second."""
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _refusal(error: OSError, host: str, port: int, server: str, flag: str) -> PairwrightError:
    other_port = f"choose another port: {flag} {port + 1 if port < 65535 else port - 1}"
    if error.errno == errno.EADDRINUSE:
        return PairwrightError(
            f"Port {port} for the {server} is in use{_by_whom(port)}.",
            f"Stop that program, or {other_port}",
        )
    if error.errno == errno.EACCES:
        return PairwrightError(
            f"This user may not open port {port} for the {server}.", other_port.capitalize()
        )
    return PairwrightError(
        f"The {server} cannot listen on {host} ({error.strerror}).",
        "Use an address of this machine, such as 127.0.0.1.",
    )


def _by_whom(port: int) -> str:
    """The program that listens on the port, as far as this user may see (Linux)."""
    sockets = _listening(port)
    for folder in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(folder):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            shown = " ".join(word.decode(errors="replace") for word in words[:4] if word)
            return f" by process {folder.name} ({shown[:80]})"
    return ", perhaps by another pairwright up"


def _open_files(process: Path) -> set[str]:
    """What a process holds open; empty when it is another user's, or gone."""
    found: set[str] = set()
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            # files come and go while we look
            with suppress(OSError):
                found.add(str(link.readlink()))
    return found


def _listening(port: int) -> set[str]:
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
