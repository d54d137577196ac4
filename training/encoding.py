"""Pairs as tokens and pictures: encoded once, then put together into the batches TRL expects.

The chat template and the split into prompt and answer are TRL's own, so that our log-probabilities
and TRL's are over the same tokens: an answer is what the template writes after the prompt, its end
of turn included. A batch holds all chosen sequences, then all rejected ones, padded on the right.
Prompts without pictures and with any number of them mix freely in one batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jinja2 import TemplateError
from trl.data_utils import apply_chat_template

from storage.errors import WrongInputError
from storage.rows import Turn
from training import pictures
from training.models import Loaded
from training.pictures import PreparedPictures, Source
from training.rows import PairRow

Batch = dict[str, torch.Tensor]

# entries of a processor's output that have one value per token
_PER_TOKEN = ("token_type_ids", "mm_token_type_ids")
_TEXT = ("input_ids", "attention_mask", *_PER_TOKEN)
# where processors name the tokens that stand for pictures and videos
_MARKERS = ("image_token", "video_token", "boi_token", "eoi_token", "fake_image_token")

# prompts with which joining pictures is checked: two of each number of pictures, at most this many
_JOIN_SAMPLES = 6

OVERLENGTH = "longer than max_context_length"
TRUNCATED = "shortened to max_context_length"
NO_PICTURES = "has a picture, which this text-only model cannot see"
REFUSED = "refused by the model's chat template"
MARKER = "its text contains a word that stands for a picture in this model"


@dataclass(frozen=True)
class EncodedPrompt:
    """Token ids of a prompt, its per-token extras (same length), and its pictures."""

    ids: tuple[int, ...]
    extras: Mapping[str, tuple[int, ...]]
    images: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class EncodedPair:
    """A row with the token ids of its prompt and answers."""

    row: PairRow
    prompt: EncodedPrompt
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens of the longer of its two sequences."""
        return len(self.prompt.ids) + max(len(self.chosen), len(self.rejected))


@dataclass(frozen=True)
class EncodedRows:
    """Pairs that can be used, and reason -> number of pairs that were changed or left out."""

    pairs: tuple[EncodedPair, ...]
    counts: Mapping[str, int]


class Encoder:
    """Encodes for one model."""

    def __init__(self, loaded: Loaded, source: Source) -> None:
        self._processor = loaded.processor
        self._tokenizer = loaded.tokenizer
        self._sees = loaded.sees
        self._source = source
        self._prepared = PreparedPictures()
        names = (getattr(loaded.processor, name, None) for name in _MARKERS)
        self._markers = tuple({name for name in names if isinstance(name, str) and name})
        self._joins = True
        pad = self._tokenizer.pad_token_id
        self.pad_id = int(self._tokenizer.eos_token_id if pad is None else pad)

    def encode(
        self,
        rows: Sequence[PairRow],
        limit: int | None = None,
        overlength: str = "drop",
        progress: Callable[[int], None] = lambda done: None,
    ) -> EncodedRows:
        """Encode rows; those that cannot be used are counted, and so are shortened ones."""
        counts: Counter[str] = Counter()
        pairs: list[EncodedPair] = []
        for number, row in enumerate(rows):
            progress(number)
            pair, reason = self._fitting(row, limit, overlength)
            if reason:
                counts[reason] += 1
            if pair is not None:
                pairs.append(pair)
        self.check_joining([pair.prompt for pair in pairs])
        return EncodedRows(tuple(pairs), dict(counts))

    def prompt(self, turns: Sequence[Turn], images: tuple[str, ...]) -> EncodedPrompt:
        """Encode a prompt alone, up to where the answer begins.

        Raises WrongInputError when the model cannot take it, with the reason as message.
        """
        self._check_takes(turns, images)
        text = self._templated({"prompt": _messages(turns, self._sees)})["prompt"]
        return self._prompt_of(text, images)

    def collate(self, pairs: Sequence[EncodedPair], pictures_once: bool = False) -> Batch:
        """Pairs as one TRL batch: `input_ids`, `attention_mask`, `completion_mask` and pictures.

        Pictures are those of both rows of a pair, or once per pair for rows with one prompt.
        """
        prompts = [pair.prompt for pair in pairs] * 2
        seen = prompts[: len(pairs)] if pictures_once else prompts
        answers = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
        sequences = [
            (*prompt.ids, *answer) for prompt, answer in zip(prompts, answers, strict=True)
        ]
        masks = [
            [0] * len(prompt.ids) + [1] * len(answer)
            for prompt, answer in zip(prompts, answers, strict=True)
        ]
        batch = {
            "input_ids": _padded(sequences, self.pad_id),
            "attention_mask": _padded([[1] * len(one) for one in sequences], 0),
            "completion_mask": _padded(masks, 0),
        }
        return batch | self._extras(prompts, batch["input_ids"].shape[1]) | self.media(seen)

    def collate_prompts(self, prompts: Sequence[EncodedPrompt]) -> Batch:
        """Prompts as one batch to generate from, padded on the left."""
        longest = max(len(prompt.ids) for prompt in prompts)
        batch = {
            "input_ids": _padded([one.ids for one in prompts], self.pad_id, left=True),
            "attention_mask": _padded([[1] * len(one.ids) for one in prompts], 0, left=True),
        }
        return batch | self._extras(prompts, longest, left=True) | self.media(prompts)

    def check_joining(self, prompts: Sequence[EncodedPrompt]) -> None:
        """Whether pictures prepared alone and joined equal pictures prepared in one batch.

        Holds for most families. Where it does not, every batch is prepared as a whole.
        """
        samples: dict[tuple[int, bool], EncodedPrompt] = {}
        for index, prompt in enumerate(prompts):
            samples.setdefault((len(prompt.images), bool(index % 2)), prompt)
        some = [samples[key] for key in sorted(samples)][:_JOIN_SAMPLES]
        if self._joins and any(prompt.images for prompt in some):
            alone = pictures.join([self._prepared_of(one) for one in some if one.images])
            self._joins = pictures.same(alone, self._together(some))

    def media(self, prompts: Sequence[EncodedPrompt]) -> Batch:
        """The pictures of these prompts in order, as the model takes them; {} without any."""
        seeing = [prompt for prompt in prompts if prompt.images]
        if not seeing:
            return {}
        if not self._joins:
            return self._together(prompts)
        return pictures.join([self._prepared_of(prompt) for prompt in seeing])

    def _prepared_of(self, prompt: EncodedPrompt) -> pictures.Tensors:
        def prepare() -> pictures.Tensors:
            return pictures.tensors_of(self._processed([prompt.text], [prompt.images]), _TEXT)

        return self._prepared.get(prompt.images, prepare)

    def _together(self, prompts: Sequence[EncodedPrompt]) -> Batch:
        output = self._processed([one.text for one in prompts], [one.images for one in prompts])
        return pictures.tensors_of(output, _TEXT)

    def _fitting(
        self, row: PairRow, limit: int | None, overlength: str
    ) -> tuple[EncodedPair | None, str]:
        try:
            pair = self._pair(row)
        except WrongInputError as error:
            return None, error.what
        if limit is None or pair.length <= limit:
            return pair, ""
        room = limit - len(pair.prompt.ids)
        short = replace(pair, chosen=pair.chosen[:room], rejected=pair.rejected[:room])
        # a prompt is never cut, its picture tokens least of all
        if overlength == "drop" or room < 1 or short.chosen == short.rejected:
            return None, OVERLENGTH
        return short, TRUNCATED

    def _pair(self, row: PairRow) -> EncodedPair:
        self._check_takes(row.turns, row.images)
        for answer in (row.chosen, row.rejected):
            if any(marker in answer for marker in self._markers):
                raise WrongInputError(MARKER)
        written = self._templated(
            {
                "prompt": _messages(row.turns, self._sees),
                "chosen": [_message("assistant", row.chosen, self._sees)],
                "rejected": [_message("assistant", row.rejected, self._sees)],
            }
        )
        prompt = self._prompt_of(written["prompt"], row.images)
        return EncodedPair(
            row, prompt, self._tokens(written["chosen"]), self._tokens(written["rejected"])
        )

    def _check_takes(self, turns: Sequence[Turn], images: tuple[str, ...]) -> None:
        if images and not self._sees:
            raise WrongInputError(NO_PICTURES)
        texts = [part.text for turn in turns for part in turn.parts]
        if any(marker in text for text in texts for marker in self._markers):
            raise WrongInputError(MARKER)

    def _templated(self, example: dict[str, Any]) -> dict[str, str]:
        try:
            return dict(apply_chat_template(example, self._processor))
        except (TemplateError, ValueError) as error:
            raise WrongInputError(f"{REFUSED} ({str(error)[:120]})") from error

    def _prompt_of(self, text: str, images: tuple[str, ...]) -> EncodedPrompt:
        if not images:
            return EncodedPrompt(self._tokens(text), {}, (), text)
        output = self._processed([text], [images])
        self._prepared.put(images, pictures.tensors_of(output, _TEXT))
        extras = {name: _row(output[name]) for name in _PER_TOKEN if name in output}
        return EncodedPrompt(_row(output["input_ids"]), extras, images, text)

    def _processed(self, texts: list[str], images: list[tuple[str, ...]]) -> Mapping[str, Any]:
        opened = [[self._source.open(one) for one in ids] for ids in images]
        output: Mapping[str, Any] = self._processor(
            images=opened,
            text=texts,
            padding=True,
            return_tensors="pt",
            # the template has written them already
            add_special_tokens=False,
        )
        return output

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _extras(self, prompts: Sequence[EncodedPrompt], width: int, left: bool = False) -> Batch:
        """Per-token extras; 0 (text) wherever a prompt has none, over answers and over padding."""
        names = {name for prompt in prompts for name in prompt.extras}
        found = {}
        for name in sorted(names):
            rows = [one.extras.get(name, (0,) * len(one.ids)) for one in prompts]
            found[name] = _padded(rows, 0, left=left, width=width)
        return found


def _messages(turns: Sequence[Turn], parts: bool) -> list[dict[str, Any]]:
    """Turns for the chat template: lists of parts for models that see, plain text for others."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        if not parts:
            messages.append(_message(turn.role, "".join(one.text for one in turn.parts), False))
            continue
        content = [
            {"type": "text", "text": part.text} if part.type == "text" else {"type": part.type}
            for part in turn.parts
        ]
        messages.append({"role": turn.role, "content": content})
    return messages


def _message(role: str, text: str, parts: bool) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}] if parts else text}


def _row(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(int(value) for value in tensor[0].tolist())


def _padded(
    rows: Sequence[Sequence[int]], value: int, left: bool = False, width: int = 0
) -> torch.Tensor:
    longest = max(width, *(len(row) for row in rows))
    filled = []
    for row in rows:
        gap = [value] * (longest - len(row))
        filled.append([*gap, *row] if left else [*row, *gap])
    return torch.tensor(filled, dtype=torch.long)
