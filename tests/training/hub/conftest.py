"""The fake Hub, a client that finds it and does not wait between tries, and things to push."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import close_session, constants
from huggingface_hub.utils import _http
from PIL import Image

from storage import checkpoints, dataset_versions, jobs, models, prompts
from storage import media as medias
from storage import pictures as stored_pictures
from storage.rows import Checkpoint, DatasetRow, DatasetVersion, Job, Part, Turn
from storage.workspace import Workspace
from training.hub import publishing, submission
from training.jobs import ingestion, preparation, starts
from training.jobs.folder import JobFolder
from training.runs import manifest

HERE = Path(__file__).parent
FIGURE = {"value": 0.729, "ci95": [0.615, 0.819], "n": 70, "labels": "ana"}
METRICS = {
    "preference_accuracy": FIGURE,
    "start_preference_accuracy": {**FIGURE, "value": 0.6},
    "reward_accuracy": {**FIGURE, "labels": "consensus", "reference": "base"},
    "kl_per_token": {"value": None, "ci95": None, "n": 0, "labels": "ana", "reason": "no pairs"},
}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_hub_of_tests", HERE / "fake_hub.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by its name
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fake_hub = _load()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A Hub of this test, and an environment in which the client finds it with a token."""
    with fake_hub.serving() as serving:
        monkeypatch.setenv("HF_ENDPOINT", serving.url)
        monkeypatch.setenv("HF_TOKEN", fake_hub.TOKEN)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        # read when the client was imported
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        yield serving
        close_session()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client's own retries waited; they pass at once."""
    waited: list[float] = []
    clock = SimpleNamespace(sleep=waited.append, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(_http, "time", clock)
    return waited


def _row(number: int, picture: str) -> DatasetRow:
    parts = (Part("text", f"No. {number}: which colour?"), Part("image", media=picture))
    prompt = prompts.build([Turn("user", parts)], "colour")
    return DatasetRow(f"{number:064d}", prompt, "It is red.", "Blue", "ana", 1, 0.75, "")


@pytest.fixture
def dataset(workspace: Workspace, tmp_path: Path) -> DatasetVersion:
    rows = []
    for number in range(6):
        Image.new("RGB", (20, 20), (40 * number, 0, 0)).save(tmp_path / "picture.png")
        found, data = stored_pictures.normalize((tmp_path / "picture.png").read_bytes())
        workspace.media.put(data, found)
        with workspace.ledger.write() as tx:
            medias.add(tx, found)
        rows.append(_row(number, found.id))
    return dataset_versions.write(
        workspace,
        rows,
        labels="ana",
        policy={"labels": "votes", "batch": "secret customer", "min_votes": 1},
        excluded={"tie": 3},
        holdout=0.3,
        seed=0,
    )


def _adapter(workspace: Workspace, model: Path, name: str) -> Path:
    """A LoRA of random values on the tiny model, whole, with what must never leave."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForImageTextToText

    from training.modeling.models import lora, quiet_peft

    torch.manual_seed(len(name))
    loaded = AutoModelForImageTextToText.from_pretrained(model)
    with quiet_peft():
        tuned = get_peft_model(loaded, lora(loaded, 4, "decoder"))
    for parameter in tuned.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.5)
    folder = workspace.checkpoints_folder / f"{name}.partial"
    tuned.save_pretrained(folder)
    (folder / "ref").mkdir()
    shutil.copyfile(
        folder / "adapter_model.safetensors", folder / "ref" / "adapter_model.safetensors"
    )
    for forbidden in ("training_args.bin", "optimizer.pt", "rng_state.pth", "trainer_state.json"):
        (folder / forbidden).write_bytes(b"never")
    manifest.complete(folder, {"step": 1})
    return workspace.checkpoints_folder / name


@pytest.fixture
def train(
    workspace: Workspace, dataset: DatasetVersion, tiny_vlm: Path
) -> Callable[..., Checkpoint]:
    """Record checkpoints as a training does, without one: `train("round-1", parent=...)`."""
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(tiny_vlm))

    def make(name: str, parent: str | None = None, stage: str = "dpo", **hub: Any) -> Checkpoint:
        path = _adapter(workspace, tiny_vlm, f"c{name}")
        config = {"stage": stage, "beta": 0.1, "task_name": "secret task", "hub": hub}
        with workspace.ledger.write() as tx:
            start = starts.resolve(tx, parent or "tiny").as_json()
            settings = {**config, "method": "lora", "model_name": name}
            spec = {"settings": settings, "start": start, "dataset": dataset.id}
            job = jobs.submit(tx, kind="train", spec=spec, key=name)
            jobs.request_cancel(tx, job.id)
            return checkpoints.add(
                tx,
                checkpoint_id=f"c{job.id}",
                name=name,
                job_id=job.id,
                parent=parent,
                model=str(tiny_vlm),
                kind="adapter",
                path=f"checkpoints/{path.name}",
                dataset_version=dataset.id,
                config=config,
                metrics=METRICS,
            )

    return make


@pytest.fixture
def attend(workspace: Workspace) -> Callable[[Job], Job]:
    """What worker and runner do with the next job, in this process."""

    def run(submitted: Job) -> Job:
        return _attend(workspace, submitted)

    return run


def _attend(workspace: Workspace, submitted: Job) -> Job:
    with workspace.ledger.write() as tx:
        job = jobs.claim(tx, worker="here")
    assert job is not None
    assert job.id == submitted.id
    folder = JobFolder(workspace.jobs_folder / job.id)
    preparation.make_ready(workspace, job, folder)
    publishing.publish(folder)
    result = folder.result()
    assert result is not None
    record = ingestion.take_over(workspace, job, folder, result)
    with workspace.ledger.write() as tx:
        record(tx)
        return jobs.get(tx, job.id)


@pytest.fixture
def push(workspace: Workspace, attend: Callable[[Job], Job]) -> Callable[[Checkpoint], Job]:
    """Push a checkpoint to `org/aligned`."""

    def submit(checkpoint: Checkpoint) -> Job:
        job = submission.submit_checkpoint(workspace, checkpoint.name, "org/aligned", private=True)
        return attend(job)

    return submit
