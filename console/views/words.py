"""What changed between two texts, word by word, in plain marks that need no markup language.

`I see a [-blue-] {+red+} star.`: the marks of wdiff, a word difference that people know from
terminals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

# words, single signs, and the space between them
_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")
# above this many words the quick heuristic of difflib is used; its marks are right, only longer
_LONG = 2000
# share of the words of the longer text that must be the same for marks inside of the text
_ALIKE = 0.3


class Change(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Piece:
    """A run of words. All but the removed ones, joined, are the new text; all but the added ones
    the old text."""

    change: Change
    text: str


def compare(old: str, new: str) -> list[Piece]:
    """The pieces that lead from the old text to the new one.

    Texts that have few words in common are one change: marks around every second word say nothing.
    """
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    is_long = max(len(before), len(after)) > _LONG
    matcher = SequenceMatcher(None, before, after, autojunk=is_long)
    pieces: list[Piece] = []
    removed = added = ""
    for what, low, high, new_low, new_high in matcher.get_opcodes():
        old_run, new_run = "".join(before[low:high]), "".join(after[new_low:new_high])
        # words that changed one after the other are one change, with the spaces between them
        if what != "equal" or ((removed or added) and not old_run.strip()):
            removed, added = removed + old_run, added + new_run
            continue
        pieces += [*_change(removed, added), Piece(Change.SAME, old_run)]
        removed = added = ""
    pieces += _change(removed, added)
    return pieces if _is_alike(pieces, before, after) else _change(old, new)


def marked(pieces: Sequence[Piece]) -> str:
    """One text: what was removed as `[-...-]`, what was added as `{+...+}`."""
    marks = {Change.SAME: "{}", Change.REMOVED: "[-{}-]", Change.ADDED: "{{+{}+}}"}
    return "".join(marks[piece.change].format(piece.text) for piece in pieces)


def _is_alike(pieces: Sequence[Piece], before: list[str], after: list[str]) -> bool:
    """Whether enough words of the longer text are also in the other one."""
    kept = [piece.text for piece in pieces if piece.change is Change.SAME]
    same = sum(token.isalnum() for text in kept for token in _TOKEN.findall(text))
    longest = max(sum(token.isalnum() for token in tokens) for tokens in (before, after))
    return bool(same >= _ALIKE * longest)


def _change(removed: str, added: str) -> list[Piece]:
    """Both sides of one change; space that both end with is no change."""
    if not removed and not added:
        return []
    tail = _common_space(removed, added)
    if tail:
        removed, added = removed[: -len(tail)], added[: -len(tail)]
    found = [Piece(Change.REMOVED, removed), Piece(Change.ADDED, added), Piece(Change.SAME, tail)]
    return [piece for piece in found if piece.text]


def _common_space(one: str, other: str) -> str:
    tail = one[len(one.rstrip()) :]
    return tail if tail and other.endswith(tail) else ""
