"""Which kind of failure a rejected answer shows: as the annotators said, else as their notes say.

The taxonomy comes first: it is what people agreed on. A note counts where nobody chose a kind, and
only when a word of it names one. What neither tells stays `unnamed`, and is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labeling.rubrics import FAILURE_KINDS
from storage.failings import Failing

UNNAMED = "unnamed"

# words of notes that name a kind, as stems
_STEMS: Mapping[str, tuple[str, ...]] = {
    "hallucination": ("hallucinat", "invent", "made up", "not in the picture", "does not exist"),
    "spatial": ("spatial", "left of", "right of", "above", "below", "position", "location"),
    "reasoning": ("reasoning", "logic", "conclusion", "contradict"),
    "format": ("format", "json", "markdown", "layout"),
    "counting": ("count", "how many", "number of", "one too many", "one too few"),
    "negation": ("negation", "denie", "no such", "said no", "said yes"),
    "attribute": ("colour", "color", "shape", "size", "attribute", "material"),
    "abstention": ("abstain", "abstention", "guess", "cannot know", "can't know", "unknowable"),
}
_LABELS = {kind.key: kind.label for kind in FAILURE_KINDS}


@dataclass(frozen=True)
class Failure:
    """A rejected answer.

    Attributes:
        kind: of the taxonomy, `other`, a kind of the batch's own rubric, or `unnamed`.
        said_by: how it is known: `annotators`, `notes`, or empty for unnamed.
        chosen, rejected: the two texts.
    """

    pair_id: str
    category: str
    kind: str
    said_by: str
    words: str
    chosen: str
    rejected: str
    at: int


def kind_of(said: Sequence[Failing], worse: str) -> tuple[str, str]:
    """The kind and how it is known, of what was said about a pair whose answer `worse` lost.

    The kind that most votes name; of equals the first by the taxonomy's order.
    """
    about = [one for one in said if one.worse == worse]
    votes = Counter(kind for one in about for kind in dict.fromkeys(one.kinds))
    if votes:
        return _first(votes), "annotators"
    noted = Counter(kind for one in about for kind in named_by(one.note))
    return (_first(noted), "notes") if noted else (UNNAMED, "")


def named_by(note: str) -> list[str]:
    """The kinds whose words stand in a note."""
    plain = " ".join(note.casefold().split())
    return [
        kind
        for kind, stems in _STEMS.items()
        if any(re.search(rf"\b{re.escape(stem)}", plain) for stem in stems)
    ]


def label(kind: str) -> str:
    """A kind as people read it."""
    return _LABELS.get(kind, kind.replace("_", " ").capitalize())


def _first(votes: Counter[str]) -> str:
    order = [kind.key for kind in FAILURE_KINDS]
    most = max(votes.values())
    equal = [kind for kind, count in votes.items() if count == most]
    return min(equal, key=lambda kind: (order.index(kind) if kind in order else len(order), kind))
