"""Answers drawn from models: batches of similar length, each repeatable by its own seed.

The batches are laid out over the whole file of prompts before anything is drawn. A job that is
resumed skips the batches it has and draws the others as if it had never stopped: the same seed
gives the same answers on the same machine, whether or not the job was interrupted. Where several
models answer the same prompts, one is asked after the other and each leaves a file of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from transformers import GenerationConfig

from storage import pictures as stored_pictures
from storage.errors import WrongInputError
from training.answers import engines, prompts
from training.answers.prompts import AskedPrompt
from training.jobs import appending
from training.jobs.folder import Answerer, JobFolder, RunSpec
from training.jobs.journal import Journal, StopRequestedError
from training.modeling import devices, models
from training.modeling.encoding import EncodedPrompt, Encoder
from training.modeling.models import Loaded
from training.modeling.scaling import shrink
from training.modeling.videos import BrokenVideoError, Clip, Videos, of_job
from training.settings.spec import SamplingSpec, parse_sampling


@dataclass(frozen=True)
class FileSource:
    """Pictures by path, at most `max_pixels` large, upright as an import would store them.

    Frames of videos by path, too, where `videos` keeps them.
    """

    max_pixels: int | None
    videos: Videos | None = None

    def clip(self, path: str) -> Clip:
        """Raises BrokenVideoError when no frame of the file can be had."""
        if self.videos is None:
            raise BrokenVideoError(path, "There is no place to keep its frames.")
        try:
            with Path(path).open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BrokenVideoError(path, f"It cannot be read: {error.strerror}.") from error
        return self.videos.clip(content, lambda: Path(path).open("rb"))

    def open(self, path: str) -> Image.Image:
        """A picture, or a frame of a clip that was asked for.

        Raises WrongInputError when the file is no picture that can be used.
        """
        if self.videos is not None and (frame := self.videos.open(path)) is not None:
            return frame
        try:
            picture = stored_pictures.open_picture(Path(path).read_bytes())
        except (OSError, WrongInputError) as error:
            raise WrongInputError(f"{path} is no picture that can be used ({error})") from error
        return shrink(picture, self.max_pixels)


@dataclass
class _Progress:
    """Prompts answered so far, of all that every model has to answer."""

    journal: Journal
    total: int
    done: int = 0

    def say(self) -> None:
        self.journal.check_stop()
        self.journal.progress("sampling", self.done, self.total, 0)


class Drawing(Protocol):
    """What draws answers of one model; the settings name which."""

    encoder: Encoder

    def begin(self, prompts: Sequence[EncodedPrompt], /) -> None: ...

    def draw(
        self, prompts: Sequence[EncodedPrompt], lines: Sequence[int], number: int, /
    ) -> list[list[str]]: ...

    def end(self) -> None: ...


@dataclass(frozen=True)
class _Asked:
    prompt: AskedPrompt
    encoded: EncodedPrompt


def sample(folder: JobFolder) -> None:
    """Do a `sample` job: `samples.jsonl`, one line per prompt with its answers.

    Temperature 0 with one answer is the greedy answer. Raises PairwrightError when the model, the
    prompts or a picture cannot be used.
    """
    journal = Journal(folder)
    try:
        _sample(folder, journal)
    except StopRequestedError:
        folder.stop()


def _sample(folder: JobFolder, journal: Journal) -> None:
    spec = folder.read_spec()
    settings = parse_sampling(spec.settings)
    asked = _read_prompts(spec)
    answerers = spec.answerers or (Answerer("", spec.model, spec.adapters),)
    progress = _Progress(journal, len(asked) * len(answerers))
    source = FileSource(settings.max_pixels, of_job(folder.cache_of(spec), settings))
    files = [folder.samples_file]
    if len(answerers) > 1:
        files = [folder.path / f"samples-{number}.jsonl" for number in range(len(answerers))]
    for answerer, path in zip(answerers, files, strict=True):
        _answer(answerer, asked, settings, path, progress, source)
    if len(answerers) > 1:
        _join(folder.samples_file, files, [one.name for one in answerers])
    journal.progress("sampling", progress.total, progress.total)
    folder.finish(None, None, {"prompts": len(asked), "answers": progress.total * settings.answers})


def _answer(
    answerer: Answerer,
    asked: Sequence[AskedPrompt],
    settings: SamplingSpec,
    path: Path,
    progress: _Progress,
    source: FileSource,
) -> None:
    """Let one model answer what it has not answered yet, a line of the file per prompt."""
    done = {int(line["line"]) for line in appending.mended(path)}
    if len(done) == len(asked):
        progress.done += len(asked)
        return
    drawing = _drawing(answerer, settings, source, path.with_suffix(".merged"))
    encoded = _encoded(drawing.encoder, asked, progress.journal)
    try:
        _draw_all(drawing, encoded, done, path, settings, progress)
    finally:
        drawing.end()


def _draw_all(
    drawing: Drawing,
    encoded: Sequence[_Asked],
    done: Collection[int],
    path: Path,
    settings: SamplingSpec,
    progress: _Progress,
) -> None:
    batches = _batches(encoded, settings)
    drawing.begin([one.encoded for one in encoded])
    for number, batch in enumerate(batches):
        progress.say()
        if any(one.prompt.line not in done for one in batch):
            texts = drawing.draw(
                [one.encoded for one in batch], [one.prompt.line for one in batch], number
            )
            answered = zip(batch, texts, strict=True)
            appending.append(
                path,
                [
                    _line(one.prompt, answers, settings)
                    for one, answers in answered
                    if one.prompt.line not in done
                ],
            )
        progress.done += len(batch)


def _drawing(
    answerer: Answerer, settings: SamplingSpec, source: FileSource, merged: Path
) -> Drawing:
    if settings.engine == engines.VLLM:
        engines.check(settings.engine)
        from training.answers.vllm_drawing import VllmDrawing

        return VllmDrawing(answerer, settings, source, merged)
    return TransformersDrawing(answerer, settings, source)


class TransformersDrawing:
    """One model, asked in this process."""

    def __init__(self, answerer: Answerer, settings: SamplingSpec, source: FileSource) -> None:
        device = devices.prepare()
        dtype = devices.dtype_of(settings.dtype, device, merges=bool(answerer.adapters))
        self._loaded = models.load(answerer.model, answerer.adapters, device=device, dtype=dtype)
        self._settings = settings
        self._generation = _generation(self._loaded, settings)
        self.encoder = Encoder(self._loaded, source)

    def begin(self, prompts: Sequence[EncodedPrompt]) -> None:
        """Nothing is missing."""

    def draw(
        self, prompts: Sequence[EncodedPrompt], lines: Sequence[int], number: int
    ) -> list[list[str]]:
        """`settings.answers` answers to every prompt of batch `number`."""
        return _draw(
            *(self._loaded, self.encoder, prompts, self._generation, self._settings, number)
        )

    def end(self) -> None:
        """What it holds goes with it."""


def _join(path: Path, files: Sequence[Path], names: Sequence[str]) -> None:
    """One line per prompt with the answers of all models, and `by`, who gave each."""
    answered = [{one["line"]: one for one in appending.mended(file)} for file in files]
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    appending.append(
        temporary,
        (
            first
            | {
                "answers": [text for one in answered for text in one[line]["answers"]],
                "by": [
                    name
                    for name, one in zip(names, answered, strict=True)
                    for _ in one[line]["answers"]
                ],
            }
            for line, first in answered[0].items()
        ),
    )
    temporary.replace(path)


def _read_prompts(spec: RunSpec) -> list[AskedPrompt]:
    if not spec.prompts:
        raise WrongInputError("The job names no file of prompts.", "Give one with --prompts.")
    path = Path(spec.prompts)
    return prompts.read(path, Path(spec.pictures_root) if spec.pictures_root else path.parent)


def _encoded(encoder: Encoder, asked: Sequence[AskedPrompt], journal: Journal) -> list[_Asked]:
    found = []
    for number, prompt in enumerate(asked):
        journal.check_stop()
        journal.progress("loading", number, len(asked))
        try:
            found.append(_Asked(prompt, encoder.prompt(prompt.turns)))
        except WrongInputError as error:
            why = f": {error.why.rstrip('.')}" if isinstance(error, BrokenVideoError) else ""
            raise WrongInputError(
                f"The model cannot be asked the prompt in line {prompt.line}: {error.what}{why}.",
                "Correct or remove the line, or choose another model.",
            ) from error
    encoder.check_joining([one.encoded for one in found])
    return found


def _batches(asked: Sequence[_Asked], settings: SamplingSpec) -> list[list[_Asked]]:
    """Prompts of similar length together, as many as give `batch_size` answers at a time."""
    size = max(1, settings.batch_size // settings.answers)
    order = sorted(asked, key=lambda one: (len(one.encoded.ids), one.prompt.line))
    return [order[start : start + size] for start in range(0, len(order), size)]


def _generation(loaded: Loaded, settings: SamplingSpec) -> GenerationConfig:
    """The model's own end tokens, and nothing of its sampling habits: top_k is off."""
    own = loaded.model.generation_config
    ends = own.eos_token_id if own.eos_token_id is not None else loaded.tokenizer.eos_token_id
    style: dict[str, Any] = {"do_sample": False}
    if settings.temperature > 0:
        style = {
            "do_sample": True,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "top_k": 0,
        }
    return GenerationConfig(
        max_new_tokens=settings.max_new_tokens,
        eos_token_id=ends,
        bos_token_id=own.bos_token_id,
        pad_token_id=loaded.tokenizer.pad_token_id,
        use_cache=True,
        **style,
    )


@torch.inference_mode()
def _draw(
    loaded: Loaded,
    encoder: Encoder,
    prompts: Sequence[EncodedPrompt],
    generation: GenerationConfig,
    settings: SamplingSpec,
    number: int,
) -> list[list[str]]:
    rows = [prompt for prompt in prompts for _ in range(settings.answers)]
    torch.manual_seed(settings.seed * 1_000_003 + number)
    inputs = {
        name: value.to(loaded.model.device) for name, value in encoder.collate_prompts(rows).items()
    }
    output = loaded.model.generate(**inputs, generation_config=generation)
    fresh = output[:, inputs["input_ids"].shape[1] :]
    texts = [
        text.strip() for text in loaded.tokenizer.batch_decode(fresh, skip_special_tokens=True)
    ]
    count = settings.answers
    return [texts[at * count : (at + 1) * count] for at in range(len(prompts))]


def _line(prompt: AskedPrompt, answers: list[str], settings: SamplingSpec) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "line": prompt.line,
        "prompt": prompt.as_json(),
        "answers": answers,
        "sampling": settings.resolved(),
    }
