"""Answers drawn with vLLM, which is faster on a GPU that it knows.

A prompt goes in as the tokens that the chat template writes, with its pictures beside them: vLLM
puts in as many picture tokens as the model wants. Every prompt has a seed of its own, so that a
resumed job does not depend on what was drawn before. vLLM itself promises equal answers only on the
same version and machine, and not where it puts other requests into the same step.
"""

from __future__ import annotations

import gc
import importlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from storage.errors import WrongInputError
from training.answers import engines
from training.jobs.folder import Answerer
from training.modeling import models
from training.modeling.encoding import EncodedPrompt, Encoder
from training.modeling.sources import Source
from training.settings.spec import SamplingSpec

# read when vLLM is imported: one process, which ends with the runner, and nothing told to anybody
_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
}
_SEEDS = 1_000_003


class VllmDrawing:
    """One model, asked with vLLM.

    Attributes:
        encoder: by the model's own processor; no weights are loaded for it.
    """

    def __init__(
        self, answerer: Answerer, settings: SamplingSpec, source: Source, merged: Path
    ) -> None:
        self._answerer = answerer
        self._settings = settings
        self._source = source
        self._merged = merged
        self._loaded, _ = models.load_processor(answerer.model)
        self._engine: Any = None
        self._parameters: Any = None
        self.encoder = Encoder(self._loaded, source)

    def begin(self, prompts: Sequence[EncodedPrompt]) -> None:
        """Load the model.

        Raises:
            WrongInputError: vLLM is not there, or a prompt has a video.
        """
        if any(prompt.clips for prompt in prompts):
            raise WrongInputError(
                "engine is vllm, which is not given videos here.", "Use engine transformers."
            )
        os.environ.update({name: os.environ.get(name, one) for name, one in _ENVIRONMENT.items()})
        try:
            vllm = importlib.import_module("vllm")
        except ImportError as error:
            raise engines.missing() from error
        location = merged(self._answerer, self._merged) if self._answerer.adapters else ""
        self._parameters = vllm.SamplingParams
        self._engine = vllm.LLM(
            **engine_arguments(location or self._answerer.model, self._settings, prompts)
        )

    def draw(
        self, prompts: Sequence[EncodedPrompt], lines: Sequence[int], number: int
    ) -> list[list[str]]:
        """`settings.answers` answers to every prompt; `lines` are their places in the file."""
        asked = [self._request(prompt) for prompt in prompts]
        styles = [self._parameters(**style(self._settings, line)) for line in lines]
        drawn = self._engine.generate(asked, styles, use_tqdm=False)
        texts = [[one.text.strip() for one in each.outputs] for each in drawn]
        return [repeated(each, self._settings) for each in texts]

    def end(self) -> None:
        """Free the device for the next model, and the disk of what was merged."""
        self._engine = None
        # the engine holds on to the device in circles of references
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        shutil.rmtree(self._merged, ignore_errors=True)

    def _request(self, prompt: EncodedPrompt) -> dict[str, Any]:
        # the template has written the special tokens already
        ids = self._loaded.tokenizer(prompt.text, add_special_tokens=False)["input_ids"]
        return request(ids, [self._source.open(name) for name in prompt.images])


def request(ids: Sequence[int], pictures: Sequence[Any]) -> dict[str, Any]:
    """A prompt as vLLM takes it: one place for every picture, not yet one for each of its parts."""
    shown = {"multi_modal_data": {"image": list(pictures)}} if pictures else {}
    return {"prompt_token_ids": list(ids), **shown}


def style(settings: SamplingSpec, line: int) -> dict[str, Any]:
    """How one prompt is answered, as arguments of SamplingParams.

    The answers of a prompt get seeds in a row, so that those of two lines never meet.
    """
    greedy = settings.temperature == 0
    return {
        "n": 1 if greedy else settings.answers,
        "temperature": settings.temperature,
        "top_p": 1.0 if greedy else settings.top_p,
        # nothing of the model's own habits, as with transformers
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "max_tokens": settings.max_new_tokens,
        "seed": settings.seed * _SEEDS + line * settings.answers,
        "skip_special_tokens": True,
    }


def engine_arguments(
    location: str, settings: SamplingSpec, prompts: Sequence[EncodedPrompt]
) -> Mapping[str, Any]:
    """How the model is loaded: safetensors only and no code of a model repository."""
    most = max((len(prompt.images) for prompt in prompts), default=0)
    return {
        "model": location,
        "dtype": settings.dtype,
        "seed": settings.seed,
        "load_format": "safetensors",
        "trust_remote_code": False,
        **({"limit_mm_per_prompt": {"image": most}} if most else {}),
    }


def repeated(texts: Sequence[str], settings: SamplingSpec) -> list[str]:
    """A greedy answer is drawn once and is every answer."""
    return list(texts) * (settings.answers if settings.temperature == 0 else 1)


def merged(answerer: Answerer, folder: Path) -> str:
    """A model with its adapters merged in, as a folder; one that is whole is taken as it is."""
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        # not on the device, which vLLM takes whole
        loaded = models.load(answerer.model, answerer.adapters, device=torch.device("cpu"))
        loaded.model.save_pretrained(partial)
        loaded.processor.save_pretrained(partial)
        partial.rename(folder)
    return str(folder)
