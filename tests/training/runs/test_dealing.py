"""The pairs of an update dealt to several processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest

from storage.errors import WrongInputError
from training.runs.dealing import Deal, Share
from training.runs.order import UpdateOrder
from training.settings import division, spec


def _weights_in_one(order: Sequence[int], batch: int, update: int) -> list[dict[int, float]]:
    """What every pair counts in the mean loss of every update of one process."""
    found = []
    for start in range(0, len(order), update):
        pairs = order[start : start + update]
        batches = [pairs[at : at + batch] for at in range(0, len(pairs), batch)]
        found.append({at: 1 / len(one) / len(batches) for one in batches for at in one})
    return found


@pytest.mark.parametrize(
    ("pairs", "batch", "accumulation", "processes"),
    [(16, 4, 2, 2), (14, 4, 2, 2), (13, 4, 1, 2), (13, 4, 3, 3), (9, 2, 4, 4), (1, 4, 1, 2)],
)
def test_every_pair_of_an_update_counts_as_in_one_process(
    pairs: int, batch: int, accumulation: int, processes: int
) -> None:
    update, part = batch * accumulation, division.divide(batch, accumulation, processes)
    order = UpdateOrder([at % 5 for at in range(pairs)], update, seed=3)
    deals = [Deal(order, update, batch, part, rank, processes) for rank in range(processes)]
    dealt: list[list[Share]] = [[share for (share,) in deal] for deal in deals]
    assert {len(shares) for shares in dealt} == {len(deal) for deal in deals} == {len(deals[0])}
    at = 0
    for wanted in _weights_in_one(list(order), batch, update):
        sizes = [min(batch, len(wanted) - start) for start in range(0, len(wanted), batch)]
        pieces = sum(-(-size // part.batch) for size in sizes)
        rounds = -(-pieces // processes)
        assert rounds <= part.rounds
        found: dict[int, float] = defaultdict(float)
        for share in (one for shares in dealt for one in shares[at : at + rounds]):
            for position in share.positions:
                found[position] += share.weight / len(share.positions) / rounds / processes
        assert dict(found) == pytest.approx(wanted)
        at += rounds
    assert at == len(deals[0])


def test_an_update_that_processes_cannot_share_is_refused_with_what_would_do() -> None:
    odd = spec.parse_spec({"processes": 3, "batch_size": 4, "gradient_accumulation_steps": 2})
    with pytest.raises(WrongInputError, match="8 pairs an update, which 3 processes") as caught:
        division.check(odd)
    assert "a multiple of 3" in caught.value.next_step


def test_with_auto_an_update_is_as_large_as_processes_can_share_and_the_run_says_so() -> None:
    three = spec.parse_spec({"processes": 3, "batch_size": 4})
    assert three.accumulation_steps(400) == 6
    (note,) = division.notes(three, 400)
    assert "One process would have 16 pairs an update" in note


def test_zero_without_its_package_is_refused_with_its_name() -> None:
    wish = spec.parse_spec({"processes": 2, "parallel": "zero"})
    with pytest.raises(WrongInputError, match="deepspeed is not installed") as caught:
        division.check(wish)
    assert "pairwright[zero]" in caught.value.next_step


@pytest.mark.parametrize("other", [{"quantize": "4bit"}, {"dtype": "float16", "parallel": "fsdp2"}])
def test_what_was_never_tried_in_several_processes_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(WrongInputError, match="never tried"):
        division.check(spec.parse_spec({"processes": 2, **other}))
