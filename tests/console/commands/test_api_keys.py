"""pairwright api-key: made once, listed without secrets, revoked by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked_by_name(
    pairwright: Callable[..., Any],
) -> None:
    pairwright("init")
    made = pairwright("api-key", "create", "--name", "ci", "--expires", "90d", "--json").result
    assert made["token"].startswith(f"pwk_{made['key']}_")
    assert (made["scope"], made["state"]) == ("read", "active")
    listed = pairwright("api-key", "list", "--json")
    assert made["token"].split("_", 2)[2] not in listed.out
    assert listed.result["keys"][0]["name"] == "ci"
    assert pairwright("api-key", "revoke", "ci", "--json").result["state"] == "revoked"
    taken = pairwright("api-key", "create", "--name", "ci")
    assert (taken.code, "already there" in taken.err) == (1, True)
    wrong = pairwright("api-key", "create", "--name", "other", "--expires", "9y")
    assert (wrong.code, "lifetime of an API key" in wrong.err) == (1, True)
    assert "nearest is 'ci'" in pairwright("api-key", "revoke", "cj").err
