"""What every route works with: the workspace, and the key behind the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from console.api import keys
from storage.rows import ApiKey
from storage.workspace import Workspace

# tells OpenAPI that a key is needed; the answer without one is ours
_BEARER = HTTPBearer(auto_error=False, description="A key from `pairwright api-key create`.")


@dataclass(frozen=True)
class Desk:
    """The open workspace and the key that this request carries."""

    workspace: Workspace
    key: ApiKey


def _enter(request: Request, scope: str) -> Desk:
    workspace: Workspace = request.app.state.workspace
    with workspace.ledger.read() as db:
        header = request.headers.get("authorization")
        key, is_to_be_noted = keys.authorize(db, header, scope)
    if is_to_be_noted:
        keys.note_use(workspace, key)
    return Desk(workspace, key)


def _reading(request: Request) -> Desk:
    return _enter(request, keys.READ)


def _writing(request: Request) -> Desk:
    return _enter(request, keys.WRITE)


ReadingDesk = Annotated[Desk, Depends(_reading)]
WritingDesk = Annotated[Desk, Depends(_writing)]
KEY_NEEDED = [Depends(_BEARER)]
