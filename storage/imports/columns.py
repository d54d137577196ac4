"""Which column means what: by the user's `--map`, else by the names that such columns usually have.

--map prompt=question --map chosen=better --map rejected=worse
--map response_a=left --map response_b=right --map winner=label --map annotator=who
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage import categories
from storage.errors import WrongInputError
from storage.imports import content
from storage.imports.records import BOTH_BAD, FIRST, SECOND, SKIP, TIE, Message

# field -> names of columns, compared in lower case without anything but letters and digits
_NAMES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "instruction", "query", "input", "userprompt"),
    "system": ("system", "systemprompt"),
    "chosen": ("chosen", "better", "accepted", "preferredresponse", "chosenresponse"),
    "rejected": ("rejected", "worse", "dispreferredresponse", "rejectedresponse"),
    "response_a": (
        *("responsea", "response1", "answera", "answer1", "texta", "text1", "outputa", "output1"),
        *("completiona", "completion1", "generation1", "generationa", "left", "modelaanswer"),
    ),
    "response_b": (
        *("responseb", "response2", "answerb", "answer2", "textb", "text2", "outputb", "output2"),
        *("completionb", "completion2", "generation2", "generationb", "right", "modelbanswer"),
    ),
    "winner": ("winner", "preference", "preferred", "choice", "label", "verdict", "comparison"),
    "images": ("images", "image", "imagepath", "picture", "pictures", "imagefile", "imageurl"),
    "videos": ("videos", "video", "videopath"),
    "category": ("category",),
    "id": ("id", "uid", "recordid", "externalid", "questionid", "promptid"),
    "annotator": ("annotator", "annotatorid", "rater", "judge", "labeler", "workerid", "userid"),
    "note": ("note", "notes", "comment", "justification", "reason"),
}
FIELDS = tuple(_NAMES)
_CHOICES: Mapping[str, str] = {
    **dict.fromkeys(("a", "first", "left", "responsea", "modela", "answera", "texta"), FIRST),
    **dict.fromkeys(("response1", "answer1", "text1", "output1", "outputa"), FIRST),
    **dict.fromkeys(("b", "second", "right", "responseb", "modelb", "answerb", "textb"), SECOND),
    **dict.fromkeys(("response2", "answer2", "text2", "output2", "outputb"), SECOND),
    **dict.fromkeys(("tie", "same", "equal", "draw", "none", "neither"), TIE),
    **dict.fromkeys(("bothbad", "tiebothbad"), BOTH_BAD),
    **dict.fromkeys(("skip", "skipped"), SKIP),
}


@dataclass(frozen=True)
class Columns:
    """Field -> column, for the fields that have one.

    Attributes:
        first, second: what the winner's column says for each answer, when the user told.
    """

    of: Mapping[str, str]
    first: str = ""
    second: str = ""

    def value(self, row: Mapping[str, Any], field: str) -> Any:
        """What the row says, None when there is no column or nothing in it."""
        name = self.of.get(field)
        return None if name is None else row.get(name)

    def text(self, row: Mapping[str, Any], field: str) -> str:
        """What the row says as text, empty when nothing.

        Raises:
            WrongInputError: it is no text and no number.
        """
        value = self.value(row, field)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise WrongInputError(f"{self.of[field]!r} is no text.")
        return str(value)

    def messages(self, row: Mapping[str, Any]) -> tuple[Message, ...]:
        """The prompt: a text, or a conversation, with its media."""
        shown = [
            *content.listed(self.value(row, "images"), "image"),
            *content.listed(self.value(row, "videos"), "video"),
        ]
        asked = self.value(row, "prompt")
        if isinstance(asked, list):
            return content.conversation(asked, shown)
        text = self.text(row, "prompt")
        if not text:
            raise WrongInputError(f"{self.of.get('prompt', 'prompt')!r} is empty or missing.")
        return content.question(text, shown, self.text(row, "system"))

    def choice(self, said: Any) -> str:
        """What a winner's value means.

        Raises:
            WrongInputError: naming the values that are understood.
        """
        told = {self.first: FIRST, self.second: SECOND} if self.first else {}
        text = str(said).strip()
        named = {self.of.get("response_a"): FIRST, self.of.get("response_b"): SECOND}
        found = told.get(text) or named.get(text) or _CHOICES.get(plain(text))
        if found is None:
            raise WrongInputError(
                f"The winner {text[:80]!r} is not understood: use a, b, tie, both_bad or skip, or"
                " say with --winner-values which two values mean the first and the second answer."
            )
        return found


def plain(name: str) -> str:
    """A name in lower case with nothing but letters and digits."""
    return re.sub(r"[\W_]+", "", name.lower())


def find(
    there: Iterable[str],
    told: Mapping[str, str],
    winner_values: Sequence[str] = (),
    wanted: Sequence[str] = FIELDS,
) -> Columns:
    """The columns of the fields among those that are there.

    Args:
        told: field -> column, by the user; these count before any name.
        winner_values: two values of the winner's column, for the first and the second answer.
        wanted: fields that are looked for.

    Raises:
        WrongInputError: a told field or column does not exist, or two columns could be one field.
    """
    names = list(there)
    for field, column in told.items():
        if field not in wanted:
            raise WrongInputError(
                f"There is no field {field[:40]!r}.", f"Fields: {', '.join(wanted)}."
            )
        if column not in names:
            raise WrongInputError(
                f"There is no column {column[:80]!r}.",
                f"Columns: {', '.join(names)[:400]}.",
            )
    free = [name for name in names if name not in told.values()]
    found = dict(told)
    for field, usual in _NAMES.items():
        if field in told or field not in wanted:
            continue
        matching = [name for name in free if plain(name) in usual]
        if len(matching) > 1:
            raise WrongInputError(
                f"The columns {' and '.join(matching)} could both be the {field}.",
                f"Say which with --map {field}=COLUMN.",
            )
        if matching:
            found[field] = matching[0]
    first, second = winner_values or ("", "")
    return Columns(found, first, second)


def category(value: Any) -> str:
    """A category as it stands in a file; what cannot be one is none."""
    return (
        value.strip()[:100]
        if isinstance(value, str) and value.strip()
        else categories.UNCATEGORIZED
    )
