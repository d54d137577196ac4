"""A measured plan of a training in words and lines, for the Train page and `train --plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import models, wording
from training.runs.plan import Offer, Plan


@dataclass(frozen=True)
class MachineLine:
    """The whole job on a machine."""

    machine: str
    time: str
    price: str
    cost: str
    memory: str
    basis: str


HEADINGS = {
    "machine": "machine",
    "time": "time",
    "price": "price an hour",
    "cost": "cost",
    "memory": "memory",
    "basis": "where the time comes from",
}


def sentences(plan: Plan) -> list[str]:
    """What was measured, a sentence each."""
    lengths, batches = plan.lengths, plan.batches
    pictures = f", up to {lengths.pictures:,} of them for pictures" if lengths.pictures else ""
    return [
        f"{wording.count(plan.train, 'training pair')}, {plan.holdout:,} held out. A sequence has "
        f"{lengths.median:,} tokens (median), {lengths.p95:,} (95%), {lengths.longest:,} "
        f"(longest){pictures}.",
        f"Batches of {wording.count(batches.batch_size, 'pair')}, {batches.accumulation} of them "
        f"an update of {wording.count(batches.together, 'pair')}: "
        f"{wording.count(plan.epoch_steps, 'update')} an epoch, {plan.steps:,} in all, "
        f"{wording.count(plan.evaluations, 'measurement')}.",
        _memory(plan),
        *([_vision_cache(plan.vision_cache)] if plan.vision_cache is not None else []),
        *plan.notes,
    ]


def machine_lines(plan: Plan) -> Sequence[MachineLine]:
    return [_line(offer) for offer in plan.offers]


def better_batch(plan: Plan) -> int | None:
    """A batch size with the same update that the memory holds, where it is another one."""
    largest = plan.batches.largest
    return None if largest in (None, plan.batches.batch_size) else largest


def _memory(plan: Plan) -> str:
    needs = plan.memory
    if needs.needs is None:
        return "What a step needs of the memory cannot be measured on this machine."
    of = "" if needs.has is None else f" of {models.size(needs.has)}"
    said = f"A batch of the longest pairs needs {models.size(needs.needs)}{of} ({needs.device})."
    if needs.per_pair:
        said += f" One more pair in it takes {models.size(needs.per_pair)}."
    largest = better_batch(plan)
    if largest is not None:
        said += f" The memory holds batch_size {largest} with the same pairs an update."
    return said


def _vision_cache(size: int) -> str:
    return f"vision_cache would take {models.size(size)} on disk."


def _line(offer: Offer) -> MachineLine:
    return MachineLine(
        machine=offer.machine,
        time=wording.duration(offer.hours * wording.HOUR),
        price=f"{offer.price:,.2f}",
        cost=f"{offer.cost:,.2f}",
        memory=offer.holds,
        basis=offer.basis,
    )
