"""An adapter merged into the weights underneath: a model of its own, shown to say the same.

The merged folder is loaded again and compared with the adapter on its base, on a prompt with a
picture where the model sees, before it gets its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from storage import checkpoints
from storage.errors import DamagedError, WrongInputError
from storage.ledger import Connection
from storage.rows import Part, Turn
from storage.workspace import Workspace
from training.jobs import starts
from training.jobs.starts import Start
from training.modeling import devices, model_facts, models, tuned
from training.modeling.encoding import Encoder
from training.modeling.models import Loaded
from training.modeling.videos import BrokenVideoError, Clip
from training.runs import manifest

# largest difference of a log-probability (nats) by the number format of the files
_TOLERANCE = {torch.float32: 1e-3}
_COARSE = 0.25
_PICTURE = "a picture to compare with"
_QUESTION = "Describe what you see, and say what is uncertain about it."


@dataclass(frozen=True)
class Merged:
    """What was written.

    Attributes:
        sha256: of all its files, as `training.runs.manifest.Manifest` counts it.
        difference: largest difference of a log-probability from the adapter on its base, nats.
    """

    folder: Path
    sha256: str
    dtype: str
    difference: float


def merge(
    workspace: Workspace,
    checkpoint: str,
    out: Path,
    say: Callable[[str], None] = lambda line: None,
) -> Merged:
    """Write a checkpoint with everything underneath it as one model in the folder `out`.

    The files have the number format of the model underneath.

    Raises:
        NotFoundError: no such checkpoint, or its files are gone.
        WrongInputError: it is no adapter, or `out` is there already.
        DamagedError: the merged model says something else than the adapter; nothing is left.
    """
    with workspace.ledger.read() as db:
        start = starts.resolve(db, checkpoints.get(db, checkpoint).id)
        location, adapters = starts.locate(db, workspace.home, start)
        facts = _facts(db, start)
    _check(checkpoint, adapters, out)
    for adapter in adapters:
        manifest.verify(Path(adapter))
    partial = out.absolute().with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        say("Merging.")
        dtype = _dtype_of(location)
        expected = _write(location, adapters, partial, dtype)
        say("Comparing the merged model with the adapter.")
        difference = _compare(partial, expected, dtype)
        if out.is_dir():
            out.rmdir()
        made = manifest.complete(partial, facts)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Merged(out.absolute(), made.sha256, str(dtype).removeprefix("torch."), difference)


def _check(checkpoint: str, adapters: Sequence[str], out: Path) -> None:
    if not adapters:
        raise WrongInputError(
            f"The checkpoint {checkpoint} has all its weights already; there is no adapter.",
            "Use its folder as it is; `pairwright checkpoint show` names it.",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WrongInputError(f"{out} is there already.", "Name a new folder.")


def _facts(db: Connection, start: Start) -> dict[str, Any]:
    line = [checkpoints.get(db, one) for one in start.checkpoints]
    return {
        "checkpoint": line[-1].id,
        "lineage": [
            {"name": one.name, "id": one.id, "form": one.kind, "dataset": one.dataset_version}
            for one in line
        ],
        tuned.STAGES: [one.config.get("stage", "dpo") for one in line],
    }


def _dtype_of(location: str) -> torch.dtype:
    """The number format of most weights underneath; float32 where it is no common one."""
    found = getattr(torch, model_facts.read(location).dtype or "float32", torch.float32)
    return found if found in (torch.bfloat16, torch.float16) else torch.float32


def _write(
    location: str, adapters: Sequence[str], folder: Path, dtype: torch.dtype
) -> torch.Tensor:
    """Save the merged model; returns what the last adapter says on its base."""
    device = devices.prepare()
    loaded = models.load(location, adapters[:-1], device=device)
    stacked = models.stacked(loaded.model, adapters[-1])
    expected = _said(Loaded(stacked.eval(), loaded.processor, loaded.tokenizer, loaded.sees))
    merged = stacked.merge_and_unload().to(dtype)
    merged.save_pretrained(folder)
    loaded.processor.save_pretrained(folder)
    return expected


def _compare(folder: Path, expected: torch.Tensor, dtype: torch.dtype) -> float:
    said = _said(models.load(str(folder), device=devices.prepare()))
    difference = float((said - expected).abs().max())
    most = _TOLERANCE.get(dtype, _COARSE)
    if not difference <= most:
        raise DamagedError(
            f"The merged model differs from the adapter by up to {difference:.3g} nats; rounding "
            f"explains {most:g}.",
            "Nothing was written. This model family is not merged correctly; please report it.",
        )
    return difference


@torch.no_grad()
def _said(loaded: Loaded) -> torch.Tensor:
    """Log-probabilities of every next token of a prompt: length x vocabulary, float32."""
    encoder = Encoder(loaded, _OnePicture())
    shown = (Part("image", media=_PICTURE),) if loaded.sees else ()
    turn = Turn("user", (*shown, Part("text", text=_QUESTION)))
    prompt = encoder.prompt((turn,))
    device = next(loaded.model.parameters()).device
    batch = {name: one.to(device) for name, one in encoder.collate_prompts([prompt]).items()}
    logits = loaded.model(**batch, use_cache=False).logits[0]
    return torch.log_softmax(logits.float(), dim=-1).cpu()


class _OnePicture:
    """A slope of colours, as large as a small photograph."""

    def open(self, name: str, /) -> Image.Image:
        red, green = (Image.linear_gradient("L").rotate(turn) for turn in (0, 90))
        return Image.merge("RGB", (red, green, Image.new("L", red.size, 128)))

    def clip(self, video: str, /) -> Clip:
        raise BrokenVideoError(video, "There are only pictures here.")
