"""What training and evaluation start from: the job's dataset, models and encoded pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from storage import identity
from storage.errors import WrongInputError
from training.jobs.folder import CACHE, DatasetRef, JobFolder, RunSpec
from training.jobs.journal import Journal
from training.modeling import devices, formats, models, rows, showing, sources, weights
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.rows import PairRow, Selection
from training.modeling.sources import PictureSource
from training.modeling.videos import VideoSettings
from training.runs.reference_scores import KeptScores
from training.settings.spec import DPOSpec

# where weights are, and the adapters to put on them, parent first
Place = tuple[str, tuple[str, ...]]

# broken videos that a note names
_NAMED = 5


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


def source_of(folder: JobFolder, spec: RunSpec, settings: VideoSettings) -> PictureSource:
    """The pictures and the frames of videos that the job sees."""
    return sources.stored(spec.media_url, folder.cache_of(spec), settings)


def encoder_of(folder: JobFolder, spec: RunSpec, settings: DPOSpec, loaded: Loaded) -> Encoder:
    return Encoder(loaded, source_of(folder, spec, settings), settings.train_on_thought)


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
    cache = folder.cache_of(spec)
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


def pictures_fingerprint(processor: Any, max_pixels: int | None) -> str:
    """A hash of what becomes of a picture or a video before the model sees it."""
    pictures = getattr(processor, "image_processor", None)
    config = {} if pictures is None else pictures.to_dict()
    told = [json.dumps(config, sort_keys=True, default=str), max_pixels]
    if showing.takes_videos(processor):
        videos = processor.video_processor.to_dict()
        told.append(json.dumps(videos, sort_keys=True, default=str))
    return identity.digest(told)


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
    _name_broken(journal, result.broken)
    return result.pairs


def require_pairs(pairs: Sequence[EncodedPair], split: str, dataset: DatasetRef) -> None:
    """Raises WrongInputError when no pair of the split is left to use."""
    if not pairs:
        raise WrongInputError(
            f"The dataset version {dataset.version} has no {split} pairs that can be used.",
            "The job's notes say why pairs were left out; add pairs or change the settings.",
        )


def _name_broken(journal: Journal, broken: Mapping[str, str]) -> None:
    """Name the videos that cannot be decoded: the first ones in a note, all of them in the log."""
    told = [f"{video[:12]} ({why.rstrip('.')})" for video, why in sorted(broken.items())]
    if not told:
        return
    for one in told:
        print(f"Video that cannot be decoded: {one}")
    more = f"; and {len(told) - _NAMED} more, in the log" if len(told) > _NAMED else ""
    journal.note(f"Videos that cannot be decoded: {'; '.join(told[:_NAMED])}{more}.")


def say_counts(journal: Journal, what: str, counts: Mapping[str, int]) -> None:
    """Say, per reason, how many pairs are left out or shortened."""
    for reason, count in sorted(counts.items()):
        verb = "" if reason.startswith("shortened") else "left out: "
        journal.note(f"{count} of the {what} pairs {verb}{reason}.")
