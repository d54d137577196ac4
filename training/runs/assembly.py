"""What a run works with, put together: policy, encoded pairs, trainer, and its way of computing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from storage import identity
from training.jobs.folder import JobFolder, RunSpec
from training.jobs.journal import Journal
from training.modeling import devices, inputs, rows, vision_features
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.vision_features import VisionFeatures
from training.runs import sharing, trainer
from training.runs.ranks import ALONE, Ranks
from training.runs.reference_scores import Heartbeat
from training.runs.shared_prompts import unwrapped
from training.runs.sharing import Sharing
from training.runs.trainer import PairCollator, PairTrainer
from training.runs.watch import HOLDOUT
from training.settings import division
from training.settings.spec import DPOSpec


@dataclass(frozen=True)
class Run:
    """Everything that a run holds on to."""

    folder: JobFolder
    journal: Journal
    spec: RunSpec
    settings: DPOSpec
    device: torch.device
    resumed: Path | None
    ranks: Ranks = ALONE


@dataclass(frozen=True)
class Assembly:
    """See the module.

    Attributes:
        made: the trainer; its policy has the adapter that is trained.
        collator: holds the training pairs and the way they are computed.
        heldout: the pairs that the policy is measured on, maybe none.
    """

    loaded: Loaded
    encoder: Encoder
    made: PairTrainer
    collator: PairCollator
    heldout: tuple[EncodedPair, ...]

    @property
    def pairs(self) -> tuple[EncodedPair, ...]:
        return tuple(self.collator.pairs)

    @property
    def sharing(self) -> Sharing:
        return self.collator.sharing


def assemble(run: Run) -> Assembly:
    """Load, encode, build the trainer, and choose whether prompts are shared.

    Raises PairwrightError when the model, the dataset or a setting cannot be used.
    """
    loaded = load_policy(run)
    encoder = inputs.encoder_of(run.folder, run.spec, run.settings, loaded)
    pairs, heldout = _encode(run, encoder)
    inputs.require_pairs(pairs, "train", inputs.dataset_of(run.spec))
    collator = PairCollator(encoder, pairs)
    dtype = devices.dtype_of(run.settings.dtype, run.device, merges=bool(run.spec.adapters))
    made = trainer.build(run.settings, loaded, collator, run.folder.checkpoints, dtype, run.ranks)
    collator.sharing = run.ranks.decide(lambda: sharing.choose(made.model, encoder, pairs))
    run.journal.note(collator.sharing.note)
    say_division(run, len(pairs))
    assembly = Assembly(loaded, encoder, made, collator, heldout)
    if run.settings.vision_cache and run.spec.kind == "train":
        run.journal.note(_keep_features(run, assembly))
    return assembly


def say_division(run: Run, pairs: int) -> None:
    """Say how several processes share an update."""
    if run.ranks.count > 1:
        for note in division.notes(run.settings, pairs):
            run.journal.note(note)


def heartbeat(run: Run, phase: str) -> Heartbeat:
    """What long loops call: says how far they are, and stops the run when it was asked to."""

    def beat(done: int, total: int) -> None:
        run.journal.check_stop()
        run.journal.progress(phase, done, total)

    return beat


def _keep_features(run: Run, assembly: Assembly) -> str:
    """Have pictures go through the vision tower once and for all; what the run's page says."""
    attention, inner = assembly.sharing.attention, unwrapped(assembly.made.model)
    if attention is None:
        return "vision_cache is not used: it needs shared prompts."
    if any(one.requires_grad for _, one in vision_features.outside_decoder(inner)):
        return "vision_cache is not used: the vision tower is trained."
    name = {
        "tower": vision_features.fingerprint(inner),
        "pictures": inputs.pictures_fingerprint(assembly.loaded.processor, run.settings.max_pixels),
        "dtype": str(inner.dtype),
    }
    everything = (*assembly.pairs, *assembly.heldout)
    if any(pair.prompt.clips for pair in everything):
        return "vision_cache is not used: it keeps pictures, and the model takes videos as videos."
    folder = run.folder.cache_of(run.spec) / "vision" / identity.digest(name)
    kept, encoder = VisionFeatures(folder), assembly.encoder
    prompts = {
        pair.prompt.images: partial(encoder.media, [pair.prompt])
        for pair in everything
        if pair.prompt.images
    }
    try:
        with run.ranks.first_alone():
            computed = vision_features.fill(kept, prompts, inner, heartbeat(run, "reference"))
    except OSError as error:
        return f"vision_cache is not used: its files cannot be written ({error.strerror})."
    encoder.features = kept
    reason = sharing.disagreement(assembly.made.model, encoder, everything, attention)
    if reason:
        encoder.features = None
        return f"vision_cache is not used: {reason}."
    return (
        f"The vision tower saw the pictures of {computed:,} prompts; what it made of those of "
        f"{len(prompts) - computed:,} was kept by earlier jobs."
    )


def load_policy(run: Run) -> Loaded:
    """What the run starts from, or goes on with."""
    if run.resumed is None or run.settings.method == "lora":
        return inputs.load_policy(run.spec, run.settings, run.device)
    full = replace(run.spec, model=str(run.resumed), adapters=())
    return inputs.load_policy(full, run.settings, run.device)


def _encode(run: Run, encoder: Encoder) -> tuple[tuple[EncodedPair, ...], tuple[EncodedPair, ...]]:
    """Training pairs (at most max_pairs) and held-out pairs, with notes on what is left out."""
    everything = inputs.read_rows(run.spec)
    settings = run.settings
    train_rows = rows.of_split(everything, "train")
    chosen = rows.select(train_rows, settings.max_pairs, settings.seed)
    heldout = rows.select(rows.of_split(everything, HOLDOUT))
    pairs = inputs.encoded(encoder, chosen, settings, run.journal, "train")
    return pairs, inputs.encoded(encoder, heldout, settings, run.journal, HOLDOUT)
