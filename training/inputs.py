"""What training and evaluation start from: the job's dataset, models and encoded pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from storage.errors import WrongInputError
from training import devices, models, rows
from training.encoding import EncodedPair, Encoder
from training.folder import DatasetRef, RunSpec
from training.journal import Journal
from training.models import Loaded
from training.pictures import PictureSource
from training.rows import PairRow, Selection
from training.spec import DPOSpec


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
    dtype = devices.dtype_of(settings.dtype, device, merges=bool(spec.adapters))
    if spec.kind == "train" and settings.method == "full":
        # updates of full fine-tuning are smaller than a bfloat16 step
        dtype = torch.float32
    return models.load(spec.model, spec.adapters, device=device, dtype=dtype)


def load_reference(spec: RunSpec, like: Loaded, device: torch.device) -> Loaded:
    """The reference as a model of its own, in the number format of the policy."""
    adapters = spec.reference_adapters or ()
    location = spec.reference_model or spec.model
    return models.load(location, adapters, device=device, dtype=like.model.dtype)


def starts_as_reference(spec: RunSpec) -> bool:
    """Whether the reference is what the job starts from."""
    location = spec.reference_model or spec.model
    return location == spec.model and (spec.reference_adapters or ()) == spec.adapters


def encoder_of(spec: RunSpec, settings: DPOSpec, loaded: Loaded) -> Encoder:
    return Encoder(loaded, PictureSource(spec.media_url, settings.max_pixels))


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
    _say_counts(journal, what, selection.excluded)
    _say_counts(journal, what, result.counts)
    return result.pairs


def require_pairs(pairs: Sequence[EncodedPair], split: str, dataset: DatasetRef) -> None:
    """Raises WrongInputError when no pair of the split is left to use."""
    if not pairs:
        raise WrongInputError(
            f"The dataset version {dataset.version} has no {split} pairs that can be used.",
            "The job's notes say why pairs were left out; add pairs or change the settings.",
        )


def _say_counts(journal: Journal, what: str, counts: Mapping[str, int]) -> None:
    for reason, count in sorted(counts.items()):
        verb = "" if reason.startswith("shortened") else "left out: "
        journal.note(f"{count} of the {what} pairs {verb}{reason}.")
