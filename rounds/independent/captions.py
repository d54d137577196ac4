"""CHAIR: which objects of a caption are not in the picture (Rohrbach et al., EMNLP 2018), and how
many of those that are it names (cover, as AMBER has it).

An object counts once in a caption, however often it is named. The list of objects with their
synonyms comes from a file of the benchmark: a line an object, its names divided by commas, the
first of which is the object's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rounds.independent import shares
from storage.errors import WrongInputError
from training.measuring.figures import Figure

_WORD = re.compile(r"[a-z]+")
_HISSING = ("s", "x", "z", "ch", "sh", "o")
_VOWELS = "aeiou"


@dataclass(frozen=True)
class Captioned:
    """A caption and what is in its picture.

    Attributes:
        objects: their own names.
        also: object -> other names that stand for it in this picture.
        safe: names that invent nothing in any picture.
    """

    item: str
    caption: str
    objects: frozenset[str]
    also: Mapping[str, frozenset[str]] = field(default_factory=dict)
    safe: frozenset[str] = frozenset()

    def invented(self, said: Iterable[str]) -> set[str]:
        """What a caption names and is not in the picture."""
        return set(said) - self.objects - self.safe - set().union(*self.also.values())

    def seen(self, said: Iterable[str]) -> set[str]:
        """The objects of the picture that a caption names."""
        names = set(said)
        return {one for one in self.objects if names & ({one} | self.also.get(one, frozenset()))}


@dataclass(frozen=True)
class CaptionFigures:
    """What CHAIR says of a model, each with its 95% interval.

    Attributes:
        objects: CHAIR_i, the share of mentioned objects that are not there; items resampled.
        captions: CHAIR_s, the share of captions with at least one such object.
        cover: the share of the objects that are there and are mentioned; items resampled.
    """

    objects: Figure
    captions: Figure
    cover: Figure


@dataclass(frozen=True)
class Vocabulary:
    """Names of objects: word or words -> the object's own name."""

    names: Mapping[tuple[str, ...], str]

    @property
    def longest(self) -> int:
        """Words of the longest name."""
        return max(map(len, self.names), default=0)


def read_vocabulary(text: str) -> Vocabulary:
    """The objects of a file, each of its names also as a plural.

    Raises:
        WrongInputError: it names no object, or one name for two of them.
    """
    return vocabulary(
        [name.strip() for name in line.split(",") if name.strip()] for line in text.splitlines()
    )


def vocabulary(lines: Iterable[Sequence[str]]) -> Vocabulary:
    """As `read_vocabulary`, of lines that are divided already; blank ones are left out."""
    names: dict[tuple[str, ...], str] = {}
    for number, line in enumerate(lines, start=1):
        words = [name.casefold() for name in line]
        for name in words:
            key = tuple(_WORD.findall(name))
            if names.setdefault(key, words[0]) != words[0]:
                raise WrongInputError(
                    f"Line {number}: {name!r} stands for {names[key]!r} already.",
                    "Give every name once.",
                )
    names.pop((), None)
    if not names:
        raise WrongInputError("The list of objects is empty.", "Give a line for each object.")
    for key, own in list(names.items()):
        for plural in plurals(key[-1]):
            # a name that the list has means what the list says
            names.setdefault((*key[:-1], plural), own)
    return Vocabulary(names)


def plain(name: str) -> str:
    """A name as `mentioned` gives it: words in small letters."""
    return " ".join(_WORD.findall(name.casefold()))


def mentioned(caption: str, vocabulary: Vocabulary) -> set[str]:
    """The objects that a caption names; longer names win over those inside of them."""
    words = _WORD.findall(caption.casefold())
    found: set[str] = set()
    at = 0
    while at < len(words):
        for size in range(min(vocabulary.longest, len(words) - at), 0, -1):
            name = vocabulary.names.get(tuple(words[at : at + size]))
            if name is not None:
                found.add(name)
                at += size
                break
        else:
            at += 1
    return found


def measure(captioned: Sequence[Captioned], vocabulary: Vocabulary) -> CaptionFigures:
    """The figures of all captions."""
    said = [mentioned(one.caption, vocabulary) for one in captioned]
    invented = [len(one.invented(names)) for names, one in zip(said, captioned, strict=True)]
    seen = [len(one.seen(names)) for names, one in zip(said, captioned, strict=True)]
    return CaptionFigures(
        objects=shares.ratio(invented, list(map(len, said)), "no object was mentioned"),
        captions=shares.share([bool(count) for count in invented], "no caption was written"),
        cover=shares.ratio(
            seen, [len(one.objects) for one in captioned], "no object is in the pictures"
        ),
    )


def plurals(word: str) -> set[str]:
    """The plural by the ending of a word; a form that no language has is in no caption either."""
    found = {f"{word}s"}
    if word.endswith(_HISSING):
        found.add(f"{word}es")
    if word.endswith("y") and word[-2:-1] not in ("", *_VOWELS):
        found.add(f"{word[:-1]}ies")
    if word.endswith(("f", "fe")):
        found.add(f"{word.removesuffix('e')[:-1]}ves")
    return found
