"""Jobs put into the queue once: whoever asks twice under one key gets the same job."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from storage import identity, jobs
from storage.errors import ConflictError
from storage.ledger import Connection
from storage.rows import Job


def submit(tx: Connection, kind: str, content: Mapping[str, Any], key: str | None) -> Job:
    """Queue the job, or give back the one that was queued under this key.

    Without a key every call is a new job. Raises ConflictError when the job of this key is about
    something else.
    """
    unique = identity.digest({"kind": kind, "key": uuid.uuid4().hex if key is None else key})
    job = jobs.submit(tx, kind=kind, spec=content, key=unique)
    if identity.canonical_json(dict(job.spec)) != identity.canonical_json(dict(content)):
        raise ConflictError(
            f"The key {key!r} was used for job {job.id}, which does something else.",
            "Use a new key for a new job.",
        )
    return job
