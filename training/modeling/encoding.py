"""Pairs as tokens and pictures: encoded once, then put together into the batches TRL expects.

The chat template and the split into prompt and answer are TRL's own, so that our log-probabilities
and TRL's are over the same tokens: an answer is what the template writes after the prompt, its end
of turn included. A batch holds all chosen sequences, then all rejected ones, padded on the right.
Prompts without pictures and with any number of them mix freely in one batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jinja2 import TemplateError
from trl.data_utils import apply_chat_template

from storage.errors import WrongInputError
from storage.rows import Turn
from training.modeling import cross_attention, pictures, showing, thoughts
from training.modeling.models import Loaded
from training.modeling.pictures import PreparedPictures
from training.modeling.rows import PairRow
from training.modeling.showing import Shown
from training.modeling.sources import Source
from training.modeling.videos import BrokenVideoError, Clip
from training.modeling.vision_features import VisionFeatures

Batch = dict[str, torch.Tensor]

# entries of a processor's output that have one value per token
_PER_TOKEN = ("token_type_ids", "mm_token_type_ids")
# entries of a batch that say what is learned, and are nothing to a model
MASKS = frozenset({"completion_mask", "answer_mask"})
_TEXT = ("input_ids", "attention_mask", "labels", cross_attention.NAME, *_PER_TOKEN)
# processors of families whose prompt sees itself in both directions: types tell it from answers
_BOTH_WAYS = ("PaliGemmaProcessor",)
# where processors name the tokens that stand for pictures and videos
_MARKERS = ("image_token", "video_token", "boi_token", "eoi_token", "fake_image_token")

# prompts with which joining pictures is checked: two of each number of pictures, at most this many
_JOIN_SAMPLES = 6

OVERLENGTH = "longer than max_context_length"
TRUNCATED = "shortened to max_context_length"
NO_PICTURES = "has a picture, which this text-only model cannot see"
NO_VIDEOS = "has a video, which this text-only model cannot see"
NEEDS_PICTURE = "has no picture, which this model cannot do without"
REFUSED = "refused by the model's chat template"
ALL_THOUGHT = "nothing of it but a thought, with train_on_thought false"
UNPLACED = "has a thought, and the tokenizer does not say where its tokens stand"
MARKER = "its text contains a word that stands for a picture in this model"


@dataclass(frozen=True)
class EncodedPrompt:
    """Token ids of a prompt, its per-token extras (same length), and what it shows.

    `images` are pictures and frames shown as pictures, `clips` videos that stay videos; `looks` see
    `cross_attention`.
    """

    ids: tuple[int, ...]
    extras: Mapping[str, tuple[int, ...]]
    images: tuple[str, ...]
    text: str
    clips: tuple[Clip, ...] = ()
    looks: torch.Tensor | None = field(default=None, compare=False)

    @property
    def shown(self) -> tuple[str, ...]:
        """Everything that is seen, by name: equal for prompts that show the same."""
        return self.images + tuple(f"frame {name}" for clip in self.clips for name in clip.frames)


@dataclass(frozen=True)
class EncodedPair:
    """A row with the token ids of its prompt and answers.

    `thoughts` are the positions in either answer of tokens that are read and do not count.
    """

    row: PairRow
    prompt: EncodedPrompt
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    thoughts: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @property
    def chosen_tokens(self) -> int:
        """Tokens of the chosen answer that count."""
        return len(self.chosen) - len(self.thoughts[0])

    @property
    def rejected_tokens(self) -> int:
        return len(self.rejected) - len(self.thoughts[1])

    @property
    def length(self) -> int:
        """Tokens of the longer of its two sequences."""
        return len(self.prompt.ids) + max(len(self.chosen), len(self.rejected))


@dataclass(frozen=True)
class EncodedRows:
    """Pairs that can be used, and reason -> number of pairs that were changed or left out.

    `broken` says for each video that cannot be decoded why.
    """

    pairs: tuple[EncodedPair, ...]
    counts: Mapping[str, int]
    broken: Mapping[str, str]


class Encoder:
    """Encodes for one model. `features` are set when those of its pictures are kept.

    Without `with_thoughts` what stands between `<think>` and `</think>` does not count.
    """

    def __init__(self, loaded: Loaded, source: Source, with_thoughts: bool = True) -> None:
        self._with_thoughts = with_thoughts
        self._processor = loaded.processor
        self._tokenizer = loaded.tokenizer
        self._sees = loaded.sees
        self._source = source
        self._prepared = PreparedPictures()
        names = (getattr(loaded.processor, name, None) for name in _MARKERS)
        self._markers = tuple({name for name in names if isinstance(name, str) and name})
        self._joins = True
        self._whole_videos = showing.takes_videos(loaded.processor)
        self._both_ways = type(loaded.processor).__name__ in _BOTH_WAYS
        self.features: VisionFeatures | None = None
        self.picture_tokens = showing.picture_tokens(loaded)
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
        broken: dict[str, str] = {}
        pairs: list[EncodedPair] = []
        for number, row in enumerate(rows):
            progress(number)
            try:
                pair, reason = self._fitting(self._pair(row), limit, overlength)
            except WrongInputError as error:
                pair, reason = None, error.what
                if isinstance(error, BrokenVideoError):
                    broken[error.video] = error.why
            if reason:
                counts[reason] += 1
            if pair is not None:
                pairs.append(pair)
        pairs, unlike = cross_attention.alike(pairs)
        counts.update(unlike)
        self.check_joining([pair.prompt for pair in pairs])
        return EncodedRows(tuple(pairs), dict(counts), broken)

    def prompt(self, turns: Sequence[Turn]) -> EncodedPrompt:
        """Encode a prompt alone, up to where the answer begins.

        Raises WrongInputError when the model cannot take it, with the reason as message.
        """
        seen = self._shown(turns)
        text = self._templated({"prompt": showing.messages(seen.turns, self._sees)})["prompt"]
        return self._prompt_of(text, seen)

    def length(self, row: PairRow) -> int:
        """Tokens of the longer of a row's two sequences, picture tokens included.

        Raises WrongInputError when the model cannot take it, with the reason as message.
        """
        return self._pair(row).length

    def collate(self, pairs: Sequence[EncodedPair], pictures_once: bool = False) -> Batch:
        """Pairs as one TRL batch: `input_ids`, `attention_mask`, `completion_mask` and pictures.

        Where a thought does not count, `answer_mask` has all tokens of the answers.

        Pictures are those of both rows of a pair, or once per pair for rows with one prompt; then
        as features where these are kept.
        """
        prompts = [pair.prompt for pair in pairs] * 2
        answers = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
        silent = [pair.thoughts[0] for pair in pairs] + [pair.thoughts[1] for pair in pairs]
        batch = self._sequences(prompts, answers, silent)
        if not pictures_once:
            return batch | self.media(prompts)
        seen = prompts[: len(pairs)]
        if self.features is None:
            return batch | self.media(seen)
        return batch | self.features.joined(prompt.shown for prompt in seen)

    def collate_chosen(self, pairs: Sequence[EncodedPair]) -> Batch:
        """The chosen answers alone, as `collate` has them: one row and its pictures per pair."""
        prompts, answers = [pair.prompt for pair in pairs], [pair.chosen for pair in pairs]
        batch = self._sequences(prompts, answers, [pair.thoughts[0] for pair in pairs])
        batch.pop("answer_mask", None)
        return batch | self.media(prompts)

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
        cross_attention.require_alike(prompts)
        samples: dict[tuple[int, bool], EncodedPrompt] = {}
        for index, prompt in enumerate(prompts):
            samples.setdefault((len(prompt.shown), bool(index % 2)), prompt)
        some = [samples[key] for key in sorted(samples)][:_JOIN_SAMPLES]
        if self._joins and any(prompt.shown for prompt in some):
            alone = pictures.join([self._prepared_of(one) for one in some if one.shown])
            self._joins = pictures.same(alone, self._together(some))

    def media(self, prompts: Sequence[EncodedPrompt]) -> Batch:
        """The pictures of these prompts in order, as the model takes them; {} without any."""
        seeing = [prompt for prompt in prompts if prompt.shown]
        if not seeing:
            return {}
        if not self._joins:
            return self._together(prompts)
        return pictures.join([self._prepared_of(prompt) for prompt in seeing])

    def _sequences(
        self,
        prompts: Sequence[EncodedPrompt],
        answers: Sequence[tuple[int, ...]],
        silent: Sequence[tuple[int, ...]],
    ) -> Batch:
        """Prompts with their answers as rows, without pictures."""
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
        if any(silent):
            batch["answer_mask"] = batch["completion_mask"].clone()
            for row, (prompt, thought) in enumerate(zip(prompts, silent, strict=True)):
                batch["completion_mask"][row, [len(prompt.ids) + at for at in thought]] = 0
        return batch | self._extras(prompts, batch["input_ids"].shape[1])

    def _prepared_of(self, prompt: EncodedPrompt) -> pictures.Tensors:
        def prepare() -> pictures.Tensors:
            return self._together([prompt])

        return self._prepared.get(prompt.shown, prepare)

    def _together(self, prompts: Sequence[EncodedPrompt]) -> Batch:
        seen = showing.opened(
            self._source, [one.images for one in prompts], [one.clips for one in prompts]
        )
        output = self._processed([one.text for one in prompts], seen)
        return pictures.tensors_of(output, _TEXT)

    def _fitting(
        self, pair: EncodedPair, limit: int | None, overlength: str
    ) -> tuple[EncodedPair | None, str]:
        if limit is None or pair.length <= limit:
            return pair, ""
        room = limit - len(pair.prompt.ids)
        short = replace(
            pair,
            chosen=pair.chosen[:room],
            rejected=pair.rejected[:room],
            thoughts=(_below(pair.thoughts[0], room), _below(pair.thoughts[1], room)),
        )
        # a prompt is never cut, its picture tokens least of all
        if overlength == "drop" or room < 1 or short.chosen == short.rejected:
            return None, OVERLENGTH
        if not short.chosen_tokens or not short.rejected_tokens:
            return None, OVERLENGTH
        return short, TRUNCATED

    def _pair(self, row: PairRow) -> EncodedPair:
        seen = self._shown(row.turns)
        for answer in (row.chosen, row.rejected):
            if any(marker in answer for marker in self._markers):
                raise WrongInputError(MARKER)
        written = self._templated(
            {
                "prompt": showing.messages(seen.turns, self._sees),
                "chosen": [showing.message("assistant", row.chosen, self._sees)],
                "rejected": [showing.message("assistant", row.rejected, self._sees)],
            }
        )
        prompt = self._prompt_of(written["prompt"], seen)
        chosen, rejected = (
            self._answer(prompt.text, written[side]) for side in ("chosen", "rejected")
        )
        return EncodedPair(row, prompt, chosen[0], rejected[0], (chosen[1], rejected[1]))

    def _answer(self, prompt: str, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids of an answer, and the positions of those that do not count."""
        found = [] if self._with_thoughts else thoughts.spans(prompt, text)
        if not found:
            return self._tokens(text), ()
        if not self._tokenizer.is_fast:
            raise WrongInputError(UNPLACED)
        said = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = tuple(said["input_ids"])
        thought = thoughts.positions(said["offset_mapping"], found)
        if len(thought) == len(ids):
            raise WrongInputError(ALL_THOUGHT)
        return ids, thought

    def _shown(self, turns: Sequence[Turn]) -> Shown:
        parts = [part for turn in turns for part in turn.parts]
        if not self._sees and any(part.media for part in parts):
            has_video = any(part.type == "video" for part in parts)
            raise WrongInputError(NO_VIDEOS if has_video else NO_PICTURES)
        if any(marker in part.text for part in parts for marker in self._markers):
            raise WrongInputError(MARKER)
        return showing.shown(turns, self._source, self._whole_videos)

    def _templated(self, example: dict[str, Any]) -> dict[str, str]:
        try:
            return dict(apply_chat_template(example, self._processor))
        except (TemplateError, ValueError) as error:
            raise WrongInputError(f"{REFUSED} ({str(error)[:120]})") from error

    def _prompt_of(self, text: str, seen: Shown) -> EncodedPrompt:
        if not seen.images and self._both_ways:
            raise WrongInputError(NEEDS_PICTURE)
        if not seen.images and not seen.clips:
            return EncodedPrompt(self._tokens(text), {}, (), text)
        output = self._processed([text], showing.opened(self._source, [seen.images], [seen.clips]))
        extras = {name: _row(output[name]) for name in _PER_TOKEN if name in output}
        ids, looks = _row(output["input_ids"]), cross_attention.of(output)
        made = EncodedPrompt(ids, extras, seen.images, text, seen.clips, looks)
        self._prepared.put(made.shown, pictures.tensors_of(output, _TEXT))
        return made

    def _processed(self, texts: list[str], seen: Mapping[str, Any]) -> Mapping[str, Any]:
        output: Mapping[str, Any] = self._processor(
            text=texts,
            padding=True,
            return_tensors="pt",
            # the template has written them already
            add_special_tokens=False,
            **seen,
        )
        return output

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _extras(self, prompts: Sequence[EncodedPrompt], width: int, left: bool = False) -> Batch:
        """Per-token extras; over answers and padding 0 (text), or 1 where 0 means the prompt."""
        names = {name for prompt in prompts for name in prompt.extras}
        found = {}
        for name in sorted(names):
            rows = [one.extras.get(name, (0,) * len(one.ids)) for one in prompts]
            found[name] = _padded(rows, int(self._both_ways), left=left, width=width)
        return found | cross_attention.rows(prompts, width, left)


def _below(positions: Sequence[int], room: int) -> tuple[int, ...]:
    return tuple(at for at in positions if at < room)


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
