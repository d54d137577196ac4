"""What pulls the choices of all annotators besides the answers: side, length and layout.

Each is the share of votes for one of two answers that went to the one on the left, to the longer
one, or to the one with lists, headings, code or bold words where only one has them. Answers may
well be better for being longer; a share far from one half is a question, not a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars

from labeling.quality.leaning import Leaning, leaning

# the longer answer's length over the shorter one's: lower ends of the classes
RATIOS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Biases:
    """Leanings of a set of votes.

    Attributes:
        position: towards the answer shown on the left.
        length: towards the longer answer; answers of equal length are left out.
        by_ratio: lower end of a class of length ratios -> the same within it.
        layout: towards the answer with a layout, where the other has none.
    """

    position: Leaning
    length: Leaning
    by_ratio: Mapping[float, Leaning]
    layout: Leaning


def measure(choices: polars.DataFrame, answers: polars.DataFrame) -> Biases:
    """The leanings of votes for one of two answers; for both see `storage.analytics.conduct`."""
    decisive = choices.filter(polars.col("verdict").is_in(["a", "b"]))
    names = ("length_a", "length_b", "laid_out_a", "laid_out_b")
    shown = [answers[name].gather(decisive["pair"]) for name in names]
    is_a = polars.col("verdict") == "a"
    a, b = polars.col("length_a"), polars.col("length_b")
    laid_a, laid_b = polars.col("laid_out_a"), polars.col("laid_out_b")
    ratio = polars.max_horizontal(a, b) / polars.max_horizontal(polars.min_horizontal(a, b), 1)
    seen = decisive.with_columns(shown).select(
        left=polars.col("left") == polars.col("verdict"),
        longer=polars.when(a == b).then(None).otherwise((a > b) == is_a),
        ratio=ratio,
        laid_out=polars.when(laid_a == laid_b).then(None).otherwise(laid_a == is_a),
    )
    return Biases(
        position=_of(seen["left"]),
        length=_of(seen["longer"]),
        by_ratio={
            low: _of(
                seen.filter(polars.col("ratio").is_between(low, high, closed="left"))["longer"]
            )
            for low, high in zip(RATIOS, (*RATIOS[1:], float("inf")), strict=True)
        },
        layout=_of(seen["laid_out"]),
    )


def by_category(choices: polars.DataFrame, answers: polars.DataFrame) -> dict[str, Biases]:
    """Category of the prompt -> the leanings of its votes."""
    found = choices.partition_by("category", as_dict=True)
    return {str(key[0]): measure(part, answers) for key, part in sorted(found.items())}


def _of(chosen: polars.Series) -> Leaning:
    known = chosen.drop_nulls()
    return leaning(int(known.sum()), len(known))
