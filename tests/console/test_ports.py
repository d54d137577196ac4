"""Ports: free, in use, answering."""

from __future__ import annotations

import os
import socket

import pytest

from console import ports
from storage.errors import PairwrightError


def test_a_port_in_use_is_named_with_its_holder_and_the_flag_to_change_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PairwrightError) as caught:
            ports.check_free("127.0.0.1", port, "console", "--console-port")
    assert str(port) in caught.value.what
    assert f"process {os.getpid()}" in caught.value.what
    assert f"--console-port {port + 1}" in caught.value.next_step


def test_a_port_that_was_just_used_is_free_again() -> None:
    port = ports.any_free()
    ports.check_free("127.0.0.1", port, "console", "--console-port")
    assert not ports.answers(port, "/")


def test_an_address_of_another_machine_is_refused_with_its_name() -> None:
    with pytest.raises(PairwrightError, match=r"192\.0\.2\.1"):
        ports.check_free("192.0.2.1", 7871, "labeling server", "--labeling-port")
