"""A full fine-tune on the Hub: the pushed files alone are a model that loads again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from storage import checkpoints, jobs, models
from storage.rows import Checkpoint, DatasetVersion, Job
from storage.workspace import Workspace
from training.jobs import starts
from training.jobs.folder import JobFolder
from training.runs import dpo

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
FORBIDDEN = ("training_args", "optimizer", "scheduler", "rng_state", "trainer_state", "MANIFEST")


@pytest.fixture
def trained(
    workspace: Workspace,
    dataset: DatasetVersion,
    job: Callable[..., JobFolder],
    tiny_vlm: Path,
    examples: Any,
) -> Checkpoint:
    """A real full training of two steps, recorded with all that it saved."""
    settings = {"method": "full", "epochs": 2, "early_stop": False, "learning_rate": 2e-3}
    run = job(examples=examples.mixed(4, 2), **settings)
    dpo.train(run)
    result = run.result()
    assert result is not None
    assert result.kind == "full"
    shutil.copytree(run.path / (result.checkpoint or ""), workspace.checkpoints_folder / "full")
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(tiny_vlm))
        row = jobs.submit(tx, kind="train", spec={}, key="full")
        jobs.request_cancel(tx, row.id)
        return checkpoints.add(
            tx,
            name="all-weights",
            job_id=row.id,
            parent=None,
            model=starts.resolve(tx, "tiny").model,
            kind="full",
            path="checkpoints/full",
            dataset_version=dataset.id,
            config={"method": "full", "beta": 0.1},
            metrics=dict(result.metrics),
        )


def test_a_full_fine_tune_loads_again_from_what_was_pushed(
    workspace: Workspace,
    hub: Any,
    trained: Checkpoint,
    push: Callable[[Checkpoint], Job],
    tiny_vlm: Path,
    tmp_path: Path,
) -> None:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    kept = {path.name for path in (workspace.home / trained.path).iterdir()}
    assert {"optimizer.pt", "trainer_state.json"} <= kept
    push(trained)
    files = hub.repo("org/aligned").head.files
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(files)
    assert not [name for name in files if name.startswith(FORBIDDEN) or name.endswith(".bin")]
    there = tmp_path / "downloaded"
    there.mkdir()
    for name, (_, data) in files.items():
        (there / name).write_bytes(data)

    def said(folder: Path) -> torch.Tensor:
        with torch.no_grad():
            model = AutoModelForImageTextToText.from_pretrained(folder).eval()
            return model(input_ids=torch.arange(40, 60)[None]).logits

    ours = said(workspace.home / trained.path)
    assert said(there).equal(ours)
    assert not said(tiny_vlm).allclose(ours)
    question = [{"role": "user", "content": [{"type": "text", "text": "Which colour?"}]}]
    words = [
        AutoProcessor.from_pretrained(folder).apply_chat_template(question, tokenize=False)
        for folder in (there, tiny_vlm)
    ]
    assert words[0] == words[1] != ""
    card = ModelCard.load(there / "README.md").data
    assert (card.library_name, card.pipeline_tag) == ("transformers", "image-text-to-text")
