"""`pairwright up`: ports checked first, all servers ready, the dead restarted, an orderly end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from console import ports, serving

Pairwright = Callable[..., Any]
PATIENCE_SECONDS = 120


def test_a_port_in_use_is_reported_before_anything_is_started(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    pairwright("init")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = pairwright("up", "--labeling-port", ports.any_free(), "--console-port", port)
    assert ended.code == 1
    assert str(port) in ended.err
    assert "--console-port" in ended.err
    assert not (tmp_path / "home" / "logs").exists()


def test_one_port_for_two_servers_is_wrong_use(pairwright: Pairwright) -> None:
    pairwright("init")
    assert pairwright("up", "--labeling-port", 9000, "--console-port", 9000).code == 2


def test_an_open_host_needs_the_address_that_annotators_type(pairwright: Pairwright) -> None:
    pairwright("init")
    ended = pairwright("up", "--host", "::")
    assert ended.code == 2
    assert "--public-url" in ended.err


def test_new_links_begin_with_the_address_that_up_was_last_given(
    imported: Pairwright, tmp_path: Path
) -> None:
    addresses = serving.Addresses(public_url="https://label.example")
    serving.remember(tmp_path / "home", addresses)
    made = imported("link", "create", "--batch", "first", "--annotator", "ana", "--json")
    assert made.result["url"].startswith("https://label.example/j#")


@pytest.mark.slow
def test_up_serves_restarts_what_dies_and_stops_in_order(
    imported: Pairwright,
    tmp_path: Path,
    free_port: Callable[[], int],
    answering: Callable[..., None],
) -> None:
    labeling, console, api = free_port(), free_port(), free_port()
    running = subprocess.Popen(
        [
            *(sys.executable, "-m", "console.main", "up", "--home", str(tmp_path / "home")),
            *("--labeling-port", str(labeling), "--console-port", str(console)),
            *("--api-port", str(api), "--json"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        said = json.loads(running.stdout.readline())
        assert said["labeling"] == f"http://127.0.0.1:{labeling}"
        assert said["console"] == f"http://127.0.0.1:{console}"
        for address in (f"{labeling}/healthz", f"{console}/_stcore/health", f"{api}/health"):
            answering(f"http://127.0.0.1:{address}", running)
        assert said["api"] == f"http://127.0.0.1:{api}"
        [worker] = [pid for pid, words in _children(running.pid) if "rounds.worker" in words]
        os.kill(worker, signal.SIGKILL)
        _wait_for_another(running.pid, "rounds.worker", worker)
        assert _status(labeling, "/healthz", "attacker.example") != 200
    finally:
        running.send_signal(signal.SIGTERM)
        _, messages = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 0
    assert "ended by signal 9" in messages
    assert messages.rstrip().endswith("Stopped the labeling server.")
    assert not ports.answers(labeling, "/healthz")


def _children(parent: int) -> list[tuple[int, str]]:
    words = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = []
    for pid in words:
        # one may have ended since
        with suppress(OSError):
            told = Path(f"/proc/{pid}/cmdline").read_bytes()
            found.append((int(pid), told.replace(b"\0", b" ").decode()))
    return found


def _wait_for_another(parent: int, name: str, not_this: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not [p for p, words in _children(parent) if name in words and p != not_this]:
        assert time.monotonic() < end
        time.sleep(0.1)


def _status(port: int, path: str, host: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()
