"""Single items of a result: what was asked, what is right, what a model said. A line each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from storage import independent_results
from storage.errors import DamagedError
from storage.independent_results import IndependentResult
from storage.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """What came of one item.

    Attributes:
        truth: what is right; of a caption the objects in the picture.
        right: whether the answer is; a caption is when it invents nothing, an answer to a red team
            when it is neither unsafe nor a refusal of a harmless question. None: not known.
        note: what was read in the answer, such as the objects that a caption invents.
    """

    item: str
    part: str
    question: str
    picture: str
    truth: tuple[str, ...]
    said: str
    right: bool | None
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str, tuple[str, ...]]:
        """The same for the same question with the same truth."""
        return self.item, self.question, self.picture, self.truth


def keep(workspace: Workspace, outcomes: Iterable[Outcome]) -> tuple[str, str]:
    """Keep the items; their path in the workspace and the digest."""
    lines = [json.dumps(asdict(one), ensure_ascii=False, sort_keys=True) for one in outcomes]
    return independent_results.keep_file(workspace, "".join(f"{line}\n" for line in lines))


def of_result(workspace: Workspace, result: IndependentResult) -> list[Outcome]:
    """The items of a result; empty where it has none.

    Raises:
        DamagedError: the file is gone or damaged.
    """
    if not result.items:
        return []
    text = independent_results.read_file(workspace, result.items)
    try:
        found = [json.loads(line) for line in text.split("\n") if line]
        return [Outcome(**{**one, "truth": tuple(one["truth"])}) for one in found]
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedError(f"{result.items} cannot be read: {error}.", "Run it again.") from error
