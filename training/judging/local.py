"""A model of this machine as judge: how likely it is to go on with `A`, and how likely with `B`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from storage.errors import NotFoundError, WrongInputError
from training.jobs.folder import RunSpec
from training.judging.question import FIRST, SECOND, TIE, Question, Reply
from training.modeling import devices, models
from training.modeling.encoding import EncodedPrompt, Encoder
from training.modeling.sources import Source
from training.settings.spec import JudgingSpec


class LocalJudge:
    """Replies with the likelier of two letters; nothing is drawn, so it repeats itself."""

    may_tie = False

    def __init__(self, spec: RunSpec, settings: JudgingSpec, source: Source) -> None:
        device = devices.prepare()
        dtype = devices.dtype_of(settings.dtype, device, merges=bool(spec.adapters))
        self._loaded = models.load(spec.model, spec.adapters, device=device, dtype=dtype)
        self._encoder = Encoder(self._loaded, source)
        self._checked: set[int] = set()
        self._letters = _first_tokens(self._loaded.tokenizer, spec.model)
        own = self._loaded.model.generation_config
        self._one_token = GenerationConfig(
            max_new_tokens=1,
            do_sample=False,
            eos_token_id=own.eos_token_id,
            bos_token_id=own.bos_token_id,
            pad_token_id=self._loaded.tokenizer.pad_token_id,
            output_logits=True,
            return_dict_in_generate=True,
        )

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        encoded = [self._encoded(question) for question in questions]
        ready = [one for one in encoded if isinstance(one, EncodedPrompt)]
        replies = iter(self._replies(ready) if ready else [])
        return [next(replies) if isinstance(one, EncodedPrompt) else one for one in encoded]

    def close(self) -> None:
        """Nothing is held that the end of the process does not free."""

    def _encoded(self, question: Question) -> EncodedPrompt | Reply:
        try:
            return self._encoder.prompt(question.turns)
        except (WrongInputError, NotFoundError) as error:
            return Reply(problem=error.what)

    @torch.inference_mode()
    def _replies(self, prompts: Sequence[EncodedPrompt]) -> list[Reply]:
        model = self._loaded.model
        self._check_joining(prompts)
        batch = self._encoder.collate_prompts(prompts)
        inputs = {name: value.to(model.device) for name, value in batch.items()}
        output = model.generate(**inputs, generation_config=self._one_token)
        # the model's own scores of the next token, before any processing
        scores = output.logits[0][:, list(self._letters)].double().cpu()
        shares = torch.softmax(scores, dim=-1)[:, 0].tolist()
        return [
            Reply(_choice(share), share, len(prompt.ids), 1)
            for share, prompt in zip(shares, prompts, strict=True)
        ]

    def _check_joining(self, prompts: Sequence[EncodedPrompt]) -> None:
        """Whether this model's pictures may be put together, for each number of them once."""
        counts = {len(prompt.shown) for prompt in prompts} - self._checked
        if counts:
            self._checked |= counts
            self._encoder.check_joining(prompts)


def _choice(share: float) -> str:
    if share == 0.5:
        return TIE
    return FIRST if share > 0.5 else SECOND


def _first_tokens(tokenizer: Any, model: str) -> tuple[int, int]:
    """The tokens that begin `A` and `B`. Raises WrongInputError when they are the same."""
    first, second = (
        tokenizer(letter, add_special_tokens=False)["input_ids"][0] for letter in ("A", "B")
    )
    if first == second:
        raise WrongInputError(
            f"The tokenizer of {model} begins A and B with the same token.",
            "Use another model as judge.",
        )
    return int(first), int(second)
