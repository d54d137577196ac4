"""Quotas: how many pairs of each category go into a batch.

The largest remainder method (A. Hamilton, 1792) gives whole numbers that lie within one of the
exact share. A floor keeps rare categories in, and what a category cannot fill goes to the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.errors import WrongInputError


@dataclass(frozen=True)
class Quota:
    """One category's part of a batch.

    Attributes:
        wanted: pairs that it should have.
        available: pairs that there are.
    """

    category: str
    wanted: int
    available: int

    @property
    def shortage(self) -> int:
        """Pairs that are missing for the quota."""
        return max(0, self.wanted - self.available)


def quotas(
    size: int, available: Mapping[str, int], weights: Mapping[str, float], floor: int = 0
) -> list[Quota]:
    """The quota of every category, by name; they add up to `size`.

    Args:
        size: pairs in all.
        available: category -> pairs that there are, 0 and more.
        weights: category -> weight, 0 and more; a category without one has weight 1, and where all
            are 0 all have 1.
        floor: pairs that every category gets before the rest is shared out by weight.

    Raises:
        WrongInputError: the floor alone asks for more than `size`.
    """
    names = sorted(available)
    if floor * len(names) > size:
        raise WrongInputError(
            f"A floor of {floor} pairs for {len(names)} categories asks for "
            f"{floor * len(names)}, more than {size} in all.",
            "Use a smaller floor or a larger batch.",
        )
    heavy = [max(0.0, weights.get(name, 1.0)) for name in names]
    if not any(heavy):
        heavy = [1.0] * len(names)
    parts = largest_remainder(size - floor * len(names), heavy)
    return [
        Quota(name, floor + part, available[name]) for name, part in zip(names, parts, strict=True)
    ]


def filled(found: list[Quota], size: int) -> dict[str, int]:
    """Category -> pairs to take: its quota, and what others cannot fill where there is more.

    Fewer than `size` in all only when there are not more pairs.
    """
    taken = {quota.category: min(quota.wanted, quota.available) for quota in found}
    while (missing := size - sum(taken.values())) > 0:
        spare = {one.category: one.available - taken[one.category] for one in found}
        left = {name: count for name, count in spare.items() if count}
        if not left:
            break
        shares = largest_remainder(missing, [float(count) for count in left.values()])
        for (name, count), share in zip(left.items(), shares, strict=True):
            taken[name] += min(share, count)
    return taken


def largest_remainder(total: int, weights: list[float]) -> list[int]:
    """Whole numbers that add up to `total`, each within one of its exact share by weight; equal
    remainders go to the earlier one."""
    whole = sum(weights)
    if not weights or not whole:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(share) for share in exact]
    order = sorted(range(len(exact)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


def weight_to_target(target: float | None, lower: float | None) -> float:
    """How much a category needs: the distance from the lower end of its accuracy to its target.

    A category without a target needs nothing; one that was not measured, all of its target.
    """
    if target is None:
        return 0.0
    return target if lower is None else max(0.0, target - lower)
