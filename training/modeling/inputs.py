"""What training and evaluation start from: the job's dataset, models and encoded pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from storage import identity
from storage.errors import WrongInputError
from training.jobs.folder import DatasetRef, JobFolder, RunSpec
from training.jobs.journal import Journal
from training.modeling import devices, formats, models, rows, weights
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.modeling.rows import PairRow, Selection
from training.runs.reference_scores import KeptScores
from training.settings.spec import DPOSpec

# where weights are, and the adapters to put on them, parent first
Place = tuple[str, tuple[str, ...]]

# a job's own, where jobs share none
CACHE = "cache"


def dataset_of(spec: RunSpec) -> DatasetRef:
    """The job's dataset version. Raises WrongInputError when it names none."""
    if spec.dataset is None:
        raise WrongInputError(
            f"The {spec.kind} job names no dataset version.",
            "Give one with --dataset; `pairwright dataset list` shows them.",
        )
    return spec.dataset


def read_rows(spec: RunSpec) -> list[PairRow]:
    return rows.read(dataset_of(spec))


def load_policy(spec: RunSpec, settings: DPOSpec, device: torch.device) -> Loaded:
    """The model that the job starts from, or evaluates."""
    formats.check(settings, device, spec.kind, spec.adapters)
    dtype = devices.dtype_of(settings.dtype, device, merges=bool(spec.adapters))
    if spec.kind == "train" and settings.method == "full":
        # updates of full fine-tuning are smaller than a bfloat16 step
        dtype = torch.float32
    four_bits = settings.quantize == formats.FOUR_BITS
    return models.load(spec.model, spec.adapters, device=device, dtype=dtype, four_bits=four_bits)


def load_reference(spec: RunSpec, like: Loaded, device: torch.device) -> Loaded:
    """The reference as a model of its own, in the number format of the policy."""
    return load_as(reference_of(spec), like, device)


def load_as(place: Place, like: Loaded, device: torch.device) -> Loaded:
    """Another model in the number format of this one."""
    location, adapters = place
    four_bits = bool(getattr(like.model, "is_loaded_in_4bit", False))
    return models.load(
        location, adapters, device=device, dtype=like.model.dtype, four_bits=four_bits
    )


def reference_of(spec: RunSpec) -> Place:
    return spec.reference_model or spec.model, spec.reference_adapters or ()


def starts_as_reference(spec: RunSpec) -> bool:
    """Whether the reference is what the job starts from."""
    return reference_of(spec) == (spec.model, spec.adapters)


def encoder_of(spec: RunSpec, settings: DPOSpec, loaded: Loaded) -> Encoder:
    source = PictureSource(spec.media_url, settings.max_pixels)
    return Encoder(loaded, source, settings.train_on_thought)


def kept_scores(
    folder: JobFolder,
    spec: RunSpec,
    settings: DPOSpec,
    loaded: Loaded,
    *,
    shared: bool,
    reference: Place | None = None,
) -> KeptScores:
    """Where the scores of the job's reference are kept: a folder named by all they depend on.

    That is the weights, what becomes of a picture, the number format and the way of computing;
    tokens and pictures name each pair in it. `reference` is the location and the adapters of
    another model than the job's reference.
    """
    location, adapters = reference or reference_of(spec)
    cache = cache_of(folder, spec)
    found = weights.digest(location, adapters, cache)
    if found is None:
        # what cannot be named cannot be found again by another job
        cache, found = folder.path / CACHE, "\n".join((location, *adapters))
    name = {
        "weights": found,
        "pictures": pictures_fingerprint(loaded.processor, settings.max_pixels),
        "dtype": str(loaded.model.dtype),
        **({} if settings.quantize == "none" else {"quantize": settings.quantize}),
        "attention": str(loaded.model.config._attn_implementation),
        "device": next(loaded.model.parameters()).device.type,
        "prompts": "shared" if shared else "one for each answer",
    }
    return KeptScores(cache / "reference" / identity.digest(name))


def cache_of(folder: JobFolder, spec: RunSpec) -> Path:
    return Path(spec.cache) if spec.cache else folder.path / CACHE


def pictures_fingerprint(processor: Any, max_pixels: int | None) -> str:
    """A hash of what becomes of a picture before the model sees it."""
    pictures = getattr(processor, "image_processor", None)
    config = {} if pictures is None else pictures.to_dict()
    written = json.dumps(config, sort_keys=True, default=str)
    return identity.digest([written, max_pixels])


def encoded(
    encoder: Encoder, selection: Selection, settings: DPOSpec, journal: Journal, what: str
) -> tuple[EncodedPair, ...]:
    """Encode a selection and say, per reason, how many of its pairs are left out or shortened."""

    def heartbeat(done: int) -> None:
        journal.check_stop()
        journal.progress("loading", done, len(selection.rows))

    result = encoder.encode(
        selection.rows, settings.max_context_length, settings.overlength, heartbeat
    )
    say_counts(journal, what, selection.excluded)
    say_counts(journal, what, result.counts)
    return result.pairs


def require_pairs(pairs: Sequence[EncodedPair], split: str, dataset: DatasetRef) -> None:
    """Raises WrongInputError when no pair of the split is left to use."""
    if not pairs:
        raise WrongInputError(
            f"The dataset version {dataset.version} has no {split} pairs that can be used.",
            "The job's notes say why pairs were left out; add pairs or change the settings.",
        )


def say_counts(journal: Journal, what: str, counts: Mapping[str, int]) -> None:
    """Say, per reason, how many pairs are left out or shortened."""
    for reason, count in sorted(counts.items()):
        verb = "" if reason.startswith("shortened") else "left out: "
        journal.note(f"{count} of the {what} pairs {verb}{reason}.")
