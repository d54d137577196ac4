"""Answers drawn from a model: batches of similar length, each repeatable by its own seed.

The batches are laid out over the whole file of prompts before anything is drawn. A job that is
resumed skips the batches it has and draws the others as if it had never stopped: the same seed
gives the same answers on the same machine, whether or not the job was interrupted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import GenerationConfig

from storage import pictures as stored_pictures
from storage.errors import WrongInputError
from training import devices, models, prompts
from training.encoding import EncodedPrompt, Encoder
from training.folder import JobFolder, RunSpec
from training.journal import Journal, StopRequestedError
from training.models import Loaded
from training.pictures import shrink
from training.prompts import AskedPrompt
from training.spec import SamplingSpec, parse_sampling


@dataclass(frozen=True)
class FileSource:
    """Pictures by path, at most `max_pixels` large, upright as an import would store them."""

    max_pixels: int | None

    def open(self, path: str) -> Image.Image:
        """Raises WrongInputError when the file is no picture that can be used."""
        try:
            picture = stored_pictures.open_picture(Path(path).read_bytes())
        except (OSError, WrongInputError) as error:
            raise WrongInputError(f"{path} is no picture that can be used ({error})") from error
        return shrink(picture, self.max_pixels)


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
    device = devices.prepare()
    dtype = devices.dtype_of(settings.dtype, device, merges=bool(spec.adapters))
    loaded = models.load(spec.model, spec.adapters, device=device, dtype=dtype)
    encoder = Encoder(loaded, FileSource(settings.max_pixels))
    batches = _batches(_encoded(encoder, asked, journal), settings)
    done = _mended(folder.samples_file)
    generation = _generation(loaded, settings)
    drawn = 0
    with folder.samples_file.open("a", encoding="utf-8") as out:
        for number, batch in enumerate(batches):
            journal.check_stop()
            journal.progress("sampling", drawn, len(asked), 0)
            if any(one.prompt.line not in done for one in batch):
                texts = _draw(loaded, encoder, batch, generation, settings, number)
                lines = [
                    _line(one.prompt, texts[at], settings)
                    for at, one in enumerate(batch)
                    if one.prompt.line not in done
                ]
                out.write("".join(lines))
                out.flush()
                os.fsync(out.fileno())
            drawn += len(batch)
    journal.progress("sampling", drawn, len(asked))
    folder.finish(None, None, {"prompts": len(asked), "answers": len(asked) * settings.answers})


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
            found.append(_Asked(prompt, encoder.prompt(prompt.turns, prompt.images)))
        except WrongInputError as error:
            raise WrongInputError(
                f"The model cannot be asked the prompt in line {prompt.line}: {error.what}.",
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
    batch: Sequence[_Asked],
    generation: GenerationConfig,
    settings: SamplingSpec,
    number: int,
) -> list[list[str]]:
    """`settings.answers` answers to every prompt of batch `number`."""
    rows = [one.encoded for one in batch for _ in range(settings.answers)]
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
    return [texts[at * count : (at + 1) * count] for at in range(len(batch))]


def _line(prompt: AskedPrompt, answers: list[str], settings: SamplingSpec) -> str:
    record = {
        "id": prompt.id,
        "line": prompt.line,
        "prompt": prompt.as_json(),
        "answers": answers,
        "sampling": settings.resolved(),
    }
    return json.dumps(record, ensure_ascii=False) + "\n"


def _mended(path: Path) -> set[int]:
    """The prompts' lines that have answers already; a half line at the end is cut off."""
    if not path.exists():
        return set()
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    return {int(json.loads(line)["line"]) for line in whole.splitlines()}
