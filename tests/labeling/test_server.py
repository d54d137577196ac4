"""The labeling server as a process: a port in use, a clean stop, a log without secrets."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from labeling import server
from labeling.slow_clients import PromptProtocol


def start(home: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "labeling.server", "--home", str(home), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_says_when_it_is_ready_and_stops_on_a_signal(home: Path) -> None:
    process = start(home, "--port", "0")
    assert process.stdout is not None
    ready = process.stdout.readline()
    url = ready.split()[-1]
    assert ready == f"Labeling server ready at {url}\n"
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_told_with_what_to_do(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(home, "--port", str(port))
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert f"Port {port} on 127.0.0.1 is in use." in err
    assert "--port" in err


def test_an_address_beyond_this_machine_needs_a_public_url(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert server.main(["--home", str(home), "--host", "0.0.0.0", "--port", "0"]) == 1  # noqa: S104
    assert "--public-url" in capsys.readouterr().err


def test_a_folder_without_a_workspace_names_the_command_that_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert server.main(["--home", str(tmp_path / "none"), "--port", "0"]) == 1
    assert "pairwright init" in capsys.readouterr().err


def test_no_line_of_the_log_holds_a_usable_link() -> None:
    token = "pw_0123456789abcdef_" + "s" * 43
    record = logging.LogRecord("x", logging.ERROR, "", 1, "bad %s", (token,), None)
    line = server.RedactingFormatter("%(message)s").format(record)
    assert line == "bad pw_[redacted]"


def test_no_answer_waits_until_the_client_has_acknowledged_its_head(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, seen = PromptProtocol.connection_made, []

    def watched(self: PromptProtocol, transport: Any) -> None:
        made(self, transport)
        connection = transport.get_extra_info("socket")
        seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(PromptProtocol, "connection_made", watched)
    with served.client() as http:
        assert http.get("/healthz").status_code == 200
    assert seen
    assert all(seen)
