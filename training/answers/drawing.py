"""Answers of a model to encoded prompts, token by token, for measuring: greedy or drawn.

Sampling jobs, which write files of answers for people, are `sampling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from training.modeling.encoding import EncodedPrompt, Encoder
from training.modeling.models import Loaded

# where configurations and processors name what stands for a picture or a video
_PLACES = ("image_token_id", "image_token_index", "video_token_id", "video_token_index")
_MARKERS = ("image_token", "video_token")


@dataclass(frozen=True)
class AnswerTokens:
    """Tokens with a meaning for answers.

    Attributes:
        ends: end an answer.
        never: stand for pictures, so that no text can hold them.
    """

    ends: frozenset[int]
    never: frozenset[int]


def tokens_of(loaded: Loaded) -> AnswerTokens:
    """Those of a model."""
    own: int | Sequence[int] | None = loaded.model.generation_config.eos_token_id
    if own is None:
        own = loaded.tokenizer.eos_token_id
    ends = frozenset([own] if isinstance(own, int) else own or ())
    markers = [getattr(loaded.processor, name, None) for name in _MARKERS]
    known = [loaded.tokenizer.convert_tokens_to_ids(one) for one in markers if one]
    known += [getattr(loaded.model.config, name, None) for name in _PLACES]
    return AnswerTokens(ends, frozenset(one for one in known if isinstance(one, int)) - ends)


@torch.no_grad()
def answers(
    model: Any,
    encoder: Encoder,
    prompts: Sequence[EncodedPrompt],
    tokens: AnswerTokens,
    most_tokens: int,
    *,
    greedy: bool,
) -> list[tuple[int, ...]]:
    """Token ids of one answer per prompt, up to its end token, that included.

    Greedy, or drawn at temperature 1 from all of the vocabulary that may stand in a text, with
    torch's random state. An answer of `most_tokens` without an end token was cut off. The model is
    in evaluation mode.
    """
    device = next(model.parameters()).device
    batch = {name: value.to(device) for name, value in encoder.collate_prompts(prompts).items()}
    style: dict[str, Any] = {"do_sample": False}
    if not greedy:
        style = {"do_sample": True, "temperature": 1.0, "top_p": 1.0, "top_k": 0}
    generation = GenerationConfig(
        max_new_tokens=most_tokens,
        eos_token_id=sorted(tokens.ends),
        suppress_tokens=sorted(tokens.never) or None,
        pad_token_id=encoder.pad_id,
        use_cache=True,
        **style,
    )
    output = model.generate(**batch, generation_config=generation)
    return [
        _until_end(row, tokens.ends) for row in output[:, batch["input_ids"].shape[1] :].tolist()
    ]


def _until_end(tokens: Sequence[int], ends: frozenset[int]) -> tuple[int, ...]:
    for at, token in enumerate(tokens):
        if token in ends:
            return tuple(tokens[: at + 1])
    return tuple(tokens)
