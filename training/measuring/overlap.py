"""How close an answer is to a reference text: BLEU, token F1, IoU of boxes, overlap of embeddings.

None of these says which answer is better; they tell of answers that drift away from what experts
preferred. Pure text and numpy: no model runs here.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_ORDER = 4
# numbers that `bleu_counts` gives
BLEU_COUNTS = 2 * _ORDER + 2
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# four numbers in brackets, as models that ground their answers write a box
_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_BOX = re.compile(rf"[\[(<]{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}[\])>]")
# mteval-v13a: punctuation is a token of its own, but for points and commas inside of numbers
_SPLITS = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))

Vectors = NDArray[np.float64]


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float | None:
    """Corpus BLEU, 0 to 100, with one or more references for every answer.

    That of sacrebleu's default: 13a tokens, up to four of them, exponential smoothing (Papineni et
    al. 2002; M. Post, A Call for Clarity in Reporting BLEU Scores, 2018). None without answers.
    """
    if not answers:
        return None
    counts = [bleu_counts(*each) for each in zip(answers, references, strict=True)]
    return bleu_of(np.sum(counts, axis=0))


def bleu_counts(answer: str, references: Sequence[str]) -> Vectors:
    """What BLEU adds up: matched and all n-grams by length, length, and that of the reference."""
    words, others = tokens_13a(answer), [tokens_13a(text) for text in references]
    matched, total = [], []
    for order in range(1, _ORDER + 1):
        found = _ngrams(words, order)
        most: Counter[tuple[str, ...]] = Counter()
        for other in others:
            most |= _ngrams(other, order)
        matched.append((found & most).total())
        total.append(found.total())
    wanted = min((len(other) for other in others), key=lambda n: (abs(n - len(words)), n))
    return np.array([*matched, *total, len(words), wanted], dtype=np.float64)


def bleu_of(counts: Vectors) -> float:
    """BLEU, 0 to 100, of counts that were added up."""
    matched, total = counts[:_ORDER], counts[_ORDER : 2 * _ORDER]
    length, wanted = counts[-2:]
    return _geometric(matched.tolist(), total.tolist()) * _brevity(float(length), float(wanted))


def tokens_13a(text: str) -> list[str]:
    """The tokens of mteval-v13a, which sacrebleu's BLEU counts."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    text = f" {text} "
    for pattern, replacement in _SPLITS:
        text = pattern.sub(replacement, text)
    return text.split()


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of precision and recall of words, 0 to 1.

    Lower case, without punctuation and articles (Rajpurkar et al. 2016, SQuAD's own evaluation).
    """
    ours, theirs = _plain(answer), _plain(reference)
    if not ours or not theirs:
        return float(ours == theirs)
    same = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * same / (len(ours) + len(theirs))


def boxes(text: str) -> list[tuple[float, float, float, float]]:
    """Boxes `[x1, y1, x2, y2]` in a text, corners in order; those without an area are left out."""
    found = []
    for match in _BOX.finditer(text):
        one, two, three, four = (float(number) for number in match.groups())
        left, right, top, bottom = min(one, three), max(one, three), min(two, four), max(two, four)
        if right > left and bottom > top:
            found.append((left, top, right, bottom))
    return found


def box_iou(answer: str, reference: str) -> float | None:
    """Mean intersection over union of the boxes of two texts, 0 to 1; None without a box in the
    reference.

    Boxes are matched greedily, the largest overlap first; a box without a partner counts 0, on
    either side.
    """
    ours, theirs = boxes(answer), boxes(reference)
    if not theirs:
        return None
    overlaps = sorted(
        ((_iou(one, other), i, j) for i, one in enumerate(ours) for j, other in enumerate(theirs)),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    used: tuple[set[int], set[int]] = (set(), set())
    total = 0.0
    for overlap, i, j in overlaps:
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            total += overlap
    return total / max(len(ours), len(theirs))


def embedding_f1(answer: Vectors, reference: Vectors) -> float:
    """Greedy matching of token vectors by cosine, -1 to 1: the F1 of BERTScore (Zhang et al. 2020,
    equation 1), without weights by frequency. The vectors (tokens x width) may be any model's, so
    it compares only with figures of the same one."""
    if not len(answer) or not len(reference):
        return float(len(answer) == len(reference))
    near = _unit(answer) @ _unit(reference).T
    precision, recall = float(near.max(axis=1).mean()), float(near.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _geometric(matched: Sequence[float], total: Sequence[float]) -> float:
    """The geometric mean of precisions in percent; zeros are halved again and again."""
    logs, smooth = [], 1.0
    for right, all_of in zip(matched, total, strict=True):
        if all_of == 0:
            return 0.0
        if right == 0:
            smooth *= 2
        logs.append(math.log(100 * right / all_of if right else 100 / (smooth * all_of)))
    return 0.0 if not any(matched) else math.exp(sum(logs) / len(logs))


def _brevity(length: float, wanted: float) -> float:
    if length >= wanted:
        return 1.0
    return math.exp(1 - wanted / length) if length else 0.0


def _ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + order]) for at in range(len(words) - order + 1))


def _plain(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _iou(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return inside / (sum(areas) - inside)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = vectors / np.maximum(lengths, 1e-12)
    return found
