"""Tasks for Label Studio: `answer1` and `answer2` in canonical order, so that nothing tells which
one was chosen but the annotation; and the labeling interface that goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage import identity
from storage.exports import folder, messages
from storage.rows import DatasetRow

CONFIG = "labeling_interface.xml"
INTERFACE = """<View>
  <Image name="image" value="$image"/>
  <Text name="prompt" value="$prompt"/>
  <Text name="answer1" value="$answer1"/>
  <Text name="answer2" value="$answer2"/>
  <Pairwise name="comparison" toName="answer1,answer2"/>
</View>
"""
_WITHOUT_PICTURE = '  <Image name="image" value="$image"/>\n'


def interface(with_pictures: bool) -> str:
    """The labeling interface of the tasks, as Label Studio's settings take it."""
    return INTERFACE if with_pictures else INTERFACE.replace(_WITHOUT_PICTURE, "")


def task(row: DatasetRow, names: Mapping[str, str]) -> dict[str, Any]:
    """A row as a task with the one annotation that says what was chosen.

    Args:
        names: file of each picture by media id.
    """
    first, second = in_canonical_order(row)
    data = {
        "prompt": messages.question_of(row),
        "answer1": first,
        "answer2": second,
        "category": row.prompt.category,
        "pair_id": row.pair_id,
    }
    pictures = folder.names_of(row, names, "image")
    if pictures:
        data["image"] = pictures[0]
    choice = {
        "from_name": "comparison",
        "to_name": "comparison",
        "type": "pairwise",
        "value": {"selected": "left" if row.chosen == first else "right"},
    }
    return {"data": data, "annotations": [{"result": [choice], "was_cancelled": False}]}


def in_canonical_order(row: DatasetRow) -> tuple[str, str]:
    """The texts of `response_a` and `response_b`."""
    ids = {identity.response_id(row.prompt.id, text): text for text in (row.chosen, row.rejected)}
    pair = identity.pair_of(row.prompt.id, *ids)
    return ids[pair.response_a], ids[pair.response_b]
