"""Records for Argilla 2.x, as `records.from_json` takes them: the decision is a suggestion.

A response belongs to a user of the other server, and nobody of theirs decided this.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from storage.exports import messages
from storage.exports.label_studio import in_canonical_order
from storage.rows import DatasetRow

_NAMES = ("response-1", "response-2")


def record(row: DatasetRow, read: Callable[[str], bytes]) -> dict[str, Any]:
    """A row as a record with the fields `prompt`, `response-1`, `response-2` and `image`.

    Args:
        read: the bytes of a picture by its media id.

    Raises:
        NotFoundError: the bytes of the picture are missing.
    """
    answers = dict(zip(_NAMES, in_canonical_order(row), strict=True))
    fields = {"prompt": messages.question_of(row), **answers}
    for media_id in row.prompt.media:
        data = base64.b64encode(read(media_id)).decode()
        fields["image"] = f"data:image/png;base64,{data}"
    order = sorted(_NAMES, key=lambda name: answers[name] != row.chosen)
    suggestion = {"value": order, "score": None, "agent": row.labels or None}
    return {
        "id": row.pair_id,
        "fields": fields,
        "metadata": {"category": row.prompt.category, "votes": row.votes},
        "suggestions": {"preference": suggestion},
        "responses": {},
        "vectors": {},
    }
