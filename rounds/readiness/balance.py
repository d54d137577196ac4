"""The version as a whole: its size, its categories, and what length alone would predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from labeling.quality.leaning import SIGNIFICANT, leaning
from rounds.readiness.finding import BLOCKING, WARNING, Finding
from storage.dataset_split import HOLDOUT, TRAIN
from storage.rows import DatasetRow

# sizes that the product is made for, and what a round should bring (product texts 000 to 002)
FEWEST, MOST, A_ROUND = 100, 100_000, 1000
# the longer answer is chosen so often that length explains the preferences
_BY_LENGTH = 0.65
# a category this much smaller than its even share is a gap
_GAP = 0.25
_FEWEST_HELD = 50


def check(rows: Sequence[DatasetRow]) -> list[Finding]:
    """Everything about size and balance."""
    return [*_size(rows), *_holdout(rows), *_categories(rows), *_length(rows)]


def _size(rows: Sequence[DatasetRow]) -> list[Finding]:
    count = sum(row.split == TRAIN for row in rows)
    if not count:
        return [
            Finding(BLOCKING, "size", "no row is for training", "Build with a smaller holdout.")
        ]
    if count < FEWEST:
        what = f"{count:,} rows to train on, fewer than {FEWEST:,}"
        return [Finding(WARNING, "size", what, "Label more: so few rows are learned by heart.")]
    if count > MOST:
        what = f"{count:,} rows to train on, more than {MOST:,}"
        do = "Set max_pairs, or train in rounds; nobody has tried so many with these settings."
        return [Finding(WARNING, "size", what, do)]
    if count < A_ROUND:
        what = f"{count:,} rows to train on; a round usually has {A_ROUND:,} or more"
        return [Finding(WARNING, "size", what, "It works; expect wide intervals.")]
    return []


def _holdout(rows: Sequence[DatasetRow]) -> list[Finding]:
    held = sum(row.split == HOLDOUT for row in rows)
    if held >= _FEWEST_HELD:
        return []
    what = f"{held:,} rows are held out; an accuracy on fewer than {_FEWEST_HELD} is a guess"
    return [Finding(WARNING, "holdout", what, "Build with a larger --holdout.", held)]


def _categories(rows: Sequence[DatasetRow]) -> list[Finding]:
    counts = Counter(row.prompt.category or "none" for row in rows if row.split == TRAIN)
    if len(counts) < 2:
        return []
    even = counts.total() / len(counts)
    small = {name: count for name, count in sorted(counts.items()) if count < _GAP * even}
    held = {row.prompt.category or "none" for row in rows if row.split == HOLDOUT}
    missing = sorted(held - counts.keys())
    found = []
    if small:
        said = ", ".join(f"{name} {count:,}" for name, count in small.items())
        what = f"categories far below the even share of {even:,.0f} rows: {said}"
        found.append(Finding(WARNING, "category_gap", what, "Collect more of these next."))
    if missing:
        what = f"categories that are held out but never trained on: {', '.join(missing)}"
        found.append(Finding(WARNING, "category_gap", what, "Collect some, or leave them out."))
    return found


def _length(rows: Sequence[DatasetRow]) -> list[Finding]:
    unequal = [row for row in rows if len(row.chosen) != len(row.rejected)]
    longer = sum(len(row.chosen) > len(row.rejected) for row in unequal)
    found = leaning(longer, len(unequal))
    if found.share is None or found.p >= SIGNIFICANT:
        return []
    share, way = max(found.share, 1 - found.share), "longer" if found.share > 0.5 else "shorter"
    if share < _BY_LENGTH:
        return []
    what = f"the {way} answer is chosen in {share:.0%} of {found.n:,} rows"
    do = "Compare every accuracy with `longer_wins_accuracy`; add pairs where length says nothing."
    return [Finding(WARNING, "length_bias", what, do)]
