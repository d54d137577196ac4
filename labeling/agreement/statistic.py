"""What a coefficient of many raters is made of, so that one resampling serves all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labeling.agreement.table import Numbers


@dataclass(frozen=True)
class Statistic:
    """A coefficient as sums over items.

    Attributes:
        features: counts (items, labels) -> (items, features), what each item adds.
        combine: sums (..., features) -> observed and expected agreement, each (...). NaN where no
            item has two raters.
    """

    features: Callable[[Numbers], Numbers]
    combine: Callable[[Numbers], tuple[Numbers, Numbers]]
