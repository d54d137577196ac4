"""Answers and prompts: the same twice, contradictory, nearly equal, or different in nothing else.

Near-duplicate prompts are found by MinHash over character shingles (A. Broder, On the resemblance
and containment of documents, 1997), banded so that likenesses above about 0.8 are seen.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from rounds.readiness.finding import BLOCKING, WARNING, Finding, found_in
from storage.dataset_split import HOLDOUT, TRAIN
from storage.rows import DatasetRow, Prompt

# answers this much alike teach little: edits as a share of the longer one
CLOSE = 0.1
# a pair with so short an answer beside a long one teaches length
TRIVIAL_SHORT, TRIVIAL_LONG = 8, 80

_SHINGLE, _HASHES, _BANDS = 5, 64, 16
_ALIKE = 0.8
_PRIME = (1 << 61) - 1
_HELD = "held-out row"


def check(rows: Sequence[DatasetRow]) -> list[Finding]:
    """Everything about texts."""
    return [*_contradictions(rows), *_likeness(rows), *_leaks(rows)]


def _contradictions(rows: Sequence[DatasetRow]) -> list[Finding]:
    """Pairs are told apart by every character; here case and white space make no difference."""
    same: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        asked = f"{_words(row.prompt)} {row.prompt.media}"
        same[asked, _plain(row.chosen), _plain(row.rejected)].append(row.pair_id)
    twice = [pair for pairs in same.values() for pair in pairs[1:]]
    flipped = [
        pair
        for (asked, chosen, rejected), pairs in same.items()
        if chosen != rejected and (asked, rejected, chosen) in same
        for pair in pairs
    ]
    return [
        *found_in(
            *(WARNING, "duplicates", "the same as another but for case and white space"),
            "Leave them out, or they count twice.",
            twice,
        ),
        *found_in(
            *(BLOCKING, "conflicts", "contradicted by a row that prefers the other answer"),
            "Settle these pairs as a lead, or leave one of the two sources out.",
            flipped,
        ),
    ]


def _likeness(rows: Sequence[DatasetRow]) -> list[Finding]:
    equal = [row.pair_id for row in rows if _plain(row.chosen) == _plain(row.rejected)]
    close = [row.pair_id for row in rows if row.pair_id not in set(equal) and _is_close(row)]
    trivial = [row.pair_id for row in rows if _is_trivial(row)]
    return [
        *found_in(
            *(BLOCKING, "equal", "answers that differ in case and white space only"),
            "Leave them out: there is nothing to prefer.",
            equal,
        ),
        *found_in(
            *(WARNING, "close", f"answers within {CLOSE:.0%} edit distance"),
            "Look at some: a single wrong word is a good lesson, a comma is none.",
            close,
        ),
        *found_in(
            *(WARNING, "trivial", "a very short answer against a long one"),
            "Look at some: from such pairs a model learns length.",
            trivial,
        ),
    ]


def _is_close(row: DatasetRow) -> bool:
    longer = max(len(row.chosen), len(row.rejected))
    limit = int(CLOSE * longer)
    return Levenshtein.distance(row.chosen, row.rejected, score_cutoff=limit) <= limit


def _is_trivial(row: DatasetRow) -> bool:
    short, long = sorted((len(row.chosen.strip()), len(row.rejected.strip())))
    return short < TRIVIAL_SHORT and long > TRIVIAL_LONG


def _leaks(rows: Sequence[DatasetRow]) -> list[Finding]:
    """Held-out rows whose question, or one like it, is trained on with the same pictures."""
    train = {row.prompt.id for row in rows if row.split == TRAIN}
    held = [row for row in rows if row.split == HOLDOUT]
    exact = [row.pair_id for row in held if row.prompt.id in train]
    similar = _similar_across(rows)
    near = [row.pair_id for row in held if row.prompt.id in similar and row.prompt.id not in train]
    return [
        *found_in(
            *(BLOCKING, "leakage", "a prompt that is trained on, too"),
            "Build again with a holdout: prompts are kept apart.",
            exact,
            _HELD,
        ),
        *found_in(
            *(WARNING, "near_leakage", "a prompt much like one that is trained on"),
            "Held-out figures may be too good; hold out by prompt group, or remove the likeness.",
            near,
            _HELD,
        ),
    ]


def _similar_across(rows: Sequence[DatasetRow]) -> set[str]:
    """Held-out prompts with a like of them in training, about the same pictures or none."""
    prompts = {row.prompt.id: row.prompt for row in rows}
    sides: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        sides[row.prompt.id].add(row.split)
    words = {name: _words(prompt) for name, prompt in prompts.items()}
    found: set[str] = set()
    for one, other in _candidates(words):
        apart = sides[one] != sides[other] and prompts[one].media == prompts[other].media
        if apart and _likeness_of(words[one], words[other]) >= _ALIKE:
            found |= {name for name in (one, other) if HOLDOUT in sides[name]}
    return found


def _words(prompt: Prompt) -> str:
    asked = (part.text for turn in prompt.turns if turn.role == "user" for part in turn.parts)
    return _plain(" ".join(asked))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _shingles(text: str) -> set[int]:
    pieces = (text[at : at + _SHINGLE] for at in range(max(1, len(text) - _SHINGLE + 1)))
    return {zlib.crc32(piece.encode()) for piece in pieces}


def _likeness_of(one: str, other: str) -> float:
    """Jaccard's: shingles in both over shingles in either."""
    first, second = _shingles(one), _shingles(other)
    return len(first & second) / len(first | second)


def _candidates(words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Names of texts that share a band of their MinHash, each pair once."""
    draw = np.random.default_rng(7)
    slopes = draw.integers(1, 1 << 31, _HASHES, dtype=np.uint64)
    shifts = draw.integers(0, 1 << 31, _HASHES, dtype=np.uint64)
    buckets: dict[tuple[int, bytes], list[str]] = defaultdict(list)
    for name, text in words.items():
        for band, part in enumerate(np.split(_signature(text, slopes, shifts), _BANDS)):
            buckets[band, part.tobytes()].append(name)
    seen: set[tuple[str, str]] = set()
    for names in buckets.values():
        # a question asked about everything is in one bucket: its neighbours in order are enough
        for one, other in pairwise(names):
            if (one, other) not in seen:
                seen.add((one, other))
                yield one, other


def _signature(
    text: str, slopes: NDArray[np.uint64], shifts: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    pieces = np.fromiter(_shingles(text), np.uint64)
    hashed = (pieces[:, None] * slopes + shifts) % np.uint64(_PRIME)
    found: NDArray[np.uint64] = hashed.min(axis=0)
    return found
