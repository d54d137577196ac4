"""How many pairs go through a model at once, and what to do when they do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from storage.errors import PairwrightError
from training.modeling.encoding import EncodedPair
from training.settings.division import BY_BATCH
from training.settings.spec import DPOSpec


def smaller(settings: DPOSpec, pairs: Sequence[EncodedPair], reason: str) -> DPOSpec:
    """The settings with at most half the batch and the same pairs in an update.

    Raises PairwrightError when a batch is one pair already.
    """
    if settings.batch_size == 1:
        longest = max(pair.length for pair in pairs)
        raise PairwrightError(
            f"The device's memory does not hold a single pair; the longest has {longest:,} tokens "
            f"({reason}).",
            "Lower max_context_length or max_pixels, use method lora, or a larger device.",
        )
    batch = largest_divisor(settings.batch_size, settings.batch_size // 2)
    accumulation = settings.accumulation_steps(len(pairs)) * settings.batch_size // batch
    return settings.model_copy(
        update={"batch_size": batch, "gradient_accumulation_steps": accumulation}
    )


def note(before: DPOSpec, after: DPOSpec, pairs: int) -> str:
    """What the run's page says."""
    together = after.batch_size * after.accumulation_steps(pairs)
    said = (
        f"The device's memory did not hold a batch of {before.batch_size} pairs: the run goes on "
        f"with {after.batch_size}, still {together} pairs an update."
    )
    changed = sorted(BY_BATCH & set(after.loss_type))
    if changed:
        said += f" The loss {', '.join(changed)} depends on the batch and is another one now."
    return said


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of a number that is at most `most`; 1 when nothing else is."""
    return max(one for one in range(1, max(1, most) + 1) if number % one == 0)
