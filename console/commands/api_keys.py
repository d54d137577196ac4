"""pairwright api-key create, list, revoke."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import ApiKey

_COLUMNS = {
    "key": "key",
    "name": "name",
    "scope": "scope",
    "state": "state",
    "expires": "expires_at",
    "last used": "last_used_at",
}
_WHEN_NONE = "There is no API key yet. Make one: pairwright api-key create --name NAME"


@shared
def create(
    run: Run,
    name: Annotated[str, typer.Option(metavar="NAME", help="What uses the key.")],
    scope: Annotated[
        Literal["read", "write"],
        typer.Option(metavar="read|write", help="What it may do; write may read too."),
    ] = "read",
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long the key works: 12h, 90d. Default: until it is revoked.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a key for a program that calls the API.

    It is shown once; only a hash of it is kept.
    """
    from console.api import keys

    with run.workspace() as workspace:
        minted = keys.mint(workspace, name, scope, expires)
    run.output.show({**_shown(minted.key), "token": minted.token}, minted.token)
    run.output.say("Send it as the header `Authorization: Bearer KEY`; it is not shown again.")


@shared
def list_keys(run: Run) -> None:
    """List the API keys, without their secrets."""
    from storage import api_keys

    with run.workspace() as workspace, workspace.ledger.read() as db:
        rows = [_shown(key) for key in api_keys.listed(db)]
    run.output.show_rows("keys", rows, _COLUMNS, _WHEN_NONE)


@shared
def revoke(run: Run, key: Annotated[str, typer.Argument(help="Id or name of a key.")]) -> None:
    """End a key now."""
    from console import names
    from storage import api_keys

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        known = [word for found in api_keys.listed(tx) for word in (found.id, found.name)]
        names.check("API key", key, known, _WHEN_NONE)
        revoked = api_keys.revoke(tx, key)
    run.output.show(_shown(revoked), f"API key {revoked.name} no longer works.")


COMMANDS = {"create": create, "list": list_keys, "revoke": revoke}


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "key": key.id,
        "name": key.name,
        "scope": key.scope,
        "state": _state(key),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    expired = key.expires_at is not None and key.expires_at <= time.time_ns() // 1000
    return "expired" if expired else "active"
