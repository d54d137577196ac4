"""Families whose decoder looks at pictures beside its tokens (Llama 3.2 Vision).

Their processor says for every token of a prompt which tiles of which picture it sees; an answer
sees what the prompt's last token does. In one batch all prompts must have as many pictures: the
model lets a token before the first picture look at all of them alike, those that only fill up the
batch included, so that a prompt would not say the same alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from storage.errors import WrongInputError

if TYPE_CHECKING:
    from training.modeling.encoding import EncodedPair, EncodedPrompt

NAME = "cross_attention_mask"
UNLIKE = "has another number of pictures than most, which this family cannot mix in a batch"


def of(output: Mapping[str, Any]) -> torch.Tensor | None:
    """What the tokens of the only prompt in a processor's output see: tokens x pictures x tiles,
    1 or 0. None in other families."""
    found: torch.Tensor | None = output.get(NAME)
    return None if found is None else found[0]


def alike(pairs: Sequence[EncodedPair]) -> tuple[list[EncodedPair], dict[str, int]]:
    """The pairs that can share batches, and reason -> number of others. Of pairs that look at
    pictures so, those with the commonest number; in other families all."""
    looking = Counter(len(one.prompt.images) for one in pairs if one.prompt.looks is not None)
    if not looking:
        return list(pairs), {}
    commonest = max(looking, key=lambda number: (looking[number], number))
    kept = [one for one in pairs if len(one.prompt.images) == commonest]
    return kept, {UNLIKE: len(pairs) - len(kept)} if len(kept) < len(pairs) else {}


def require_alike(prompts: Sequence[EncodedPrompt]) -> None:
    """Raises WrongInputError when these prompts cannot share batches."""
    numbers = sorted({len(one.images) for one in prompts})
    if len(numbers) > 1 and any(one.looks is not None for one in prompts):
        raise WrongInputError(
            f"Prompts with {', '.join(map(str, numbers))} pictures are asked together, which this "
            "model's family cannot mix in a batch.",
            "Ask prompts with one number of pictures at a time.",
        )


def rows(prompts: Sequence[EncodedPrompt], width: int, left: bool) -> dict[str, torch.Tensor]:
    """The entry of a batch: prompts x width x pictures x tiles. Behind a prompt its last token's;
    with `left` nothing before it."""
    looks = [one.looks for one in prompts if one.looks is not None]
    if not looks:
        return {}
    require_alike(prompts)
    found = looks[0].new_zeros(len(looks), width, *looks[0].shape[1:])
    for row, look in zip(found, looks, strict=True):
        if left:
            row[width - len(look) :] = look
        else:
            row[: len(look)], row[len(look) :] = look, look[-1]
    return {NAME: found}
