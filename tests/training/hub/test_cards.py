"""The card of a checkpoint: true, complete, without our paths and names, with code that runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from PIL import Image

from storage import checkpoints, evaluations, independent_results, jobs
from storage.independent_results import ResultKind
from storage.rows import Checkpoint, DatasetVersion, Job
from storage.workspace import Workspace
from training.hub import submission

pytestmark = [
    pytest.mark.usefixtures("waits"),
    # the Hub client's own upload
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
Push = Callable[[Checkpoint], Job]
Attend = Callable[[Job], Job]
Train = Callable[..., Checkpoint]
FIGURE = {"value": 0.729, "ci95": [0.615, 0.819], "n": 70, "labels": "ana"}


def test_nothing_published_names_this_machine_or_a_person(
    workspace: Workspace, hub: Any, train: Train, tiny_vlm: Path, tmp_path: Path, push: Push
) -> None:
    parent = train("round-1")
    child = train("round-2", parent=parent.id)
    push(child)
    everything = b"\n".join(data for _, data in hub.repo("org/aligned").head.files.values())
    secrets = (tiny_vlm, tmp_path, workspace.home, "ana", "secret", "/tmp")  # noqa: S108
    for secret in map(str, secrets):
        assert not re.search(rb"\b%s\b" % re.escape(secret.encode()).lstrip(b"/"), everything)
    config = json.loads(hub.repo("org/aligned").read("adapter_config.json"))
    assert config["base_model_name_or_path"] is None


def test_the_card_says_what_it_is_and_how_it_was_measured(
    workspace: Workspace, hub: Any, train: Train, dataset: DatasetVersion, push: Push
) -> None:
    parent = train("round-1")
    child = train("round-2", parent=parent.id)
    with workspace.ledger.write() as tx:
        other = jobs.submit(tx, kind="evaluate", spec={}, key="e")
        jobs.request_cancel(tx, other.id)
        evaluations.add(
            tx,
            job_id=other.id,
            checkpoint=child.id,
            dataset_version=dataset.id,
            split="all",
            metrics={"preference_accuracy": {**FIGURE, "value": 0.811}},
        )
        independent_results.add(
            tx,
            checkpoint=child.id,
            benchmark="po|pe",
            kind=ResultKind.OWN,
            metrics={"accuracy": {**FIGURE, "value": 0.861}, "items": 3, "f1/random": FIGURE},
            items="",
            digest="",
            source="job secret",
        )
    push(child)
    text = hub.repo("org/aligned").read("README.md")
    data = ModelCard(text).data
    assert (data.library_name, data.pipeline_tag) == ("peft", "image-text-to-text")
    assert {"dpo", "trl", "lora", "vision-language-model"} <= set(data.tags)
    [result] = [one for one in data.eval_results if one.metric_type == "preference_accuracy"]
    assert (result.metric_value, result.dataset_revision) == (0.729, dataset.digest)
    assert data.get("base_model") is None
    for said in (
        "base -> round-1 (DPO on v1) -> round-2 (DPO on v1)",
        "aligned with expert preferences by DPO on top of",
        "a model that is not on the Hub (`tiny`)",
        "| preference accuracy | 0.729 | 0.615 to 0.819 | 70 | one annotator | 0.600 |",
        "n/a (no pairs)",
        "| beta | 0.1 |",
        f"`{dataset.digest}`",
        "| preference accuracy | 0.811 |",
        "## Independent evaluation\n\nWith questions and labels of others",
        "| po\\|pe | here | accuracy | 0.861 | 0.615 to 0.819 | 70 |",
        "licence of the model underneath is not known",
    ):
        assert said in text
    # as a word: digests may hold these two digits
    assert not re.search(r"\bf1\b", text)


def test_the_card_of_a_checkpoint_of_sft_says_so_and_claims_no_preference(
    workspace: Workspace, hub: Any, train: Train, push: Push
) -> None:
    push(train("taught", stage="sft"))
    text = hub.repo("org/aligned").read("README.md")
    assert "sft" in ModelCard(text).data.tags
    assert "dpo" not in ModelCard(text).data.tags
    assert "taught good answers by supervised fine-tuning (SFT) on top of" in text
    assert "base -> taught (SFT on v1)" in text
    assert "answers taken as good by one annotator" in text
    assert "follows the preferences" not in text
    assert "KL is measured" not in text


def test_a_base_on_the_hub_and_a_published_dataset_are_linked(
    workspace: Workspace,
    hub: Any,
    train: Train,
    dataset: DatasetVersion,
    push: Push,
    attend: Attend,
) -> None:
    hub.licenses["org/base"] = "apache-2.0"
    attend(submission.submit_dataset(workspace, "v1", "org/pairs", private=True))
    made = train("round-1")
    with workspace.ledger.write() as tx:
        on_hub = checkpoints.add(
            tx,
            name="on-hub",
            job_id=made.job_id,
            parent=None,
            model="org/base",
            kind="adapter",
            path=made.path,
            dataset_version=dataset.id,
            config={},
            metrics={},
        )
    push(on_hub)
    text = hub.repo("org/aligned").read("README.md")
    data = ModelCard(text).data
    assert (data.base_model, data["base_model_relation"]) == ("org/base", "adapter")
    assert (data.license, data.datasets) == ("apache-2.0", ["org/pairs"])
    assert "## Independent evaluation\n\nNone. Every figure above rests on" in text
    assert "base_model:adapter:org/base" in data.tags
    assert f"org/pairs at revision `{hub.repo('org/pairs', 'dataset').head.oid}`" in text
    config = json.loads(hub.repo("org/aligned").read("adapter_config.json"))
    assert config["base_model_name_or_path"] == "org/base"


@pytest.mark.slow
def test_the_snippet_of_the_card_runs_on_what_was_pushed(
    workspace: Workspace, hub: Any, train: Train, tiny_vlm: Path, tmp_path: Path, push: Push
) -> None:
    parent = train("round-1")
    push(train("round-2", parent=parent.id))
    folder = tmp_path / "downloaded"
    for name, (_, data) in hub.repo("org/aligned").head.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    Image.new("RGB", (20, 20), (255, 0, 0)).save(folder / "picture.png")
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert 'subfolder="parents/1"' in code
    code = re.sub(r'BASE = "[^"]*"', f'BASE = "{tiny_vlm}"', code)
    code = re.sub(r'REPO = "[^"]*"', f'REPO = "{folder}"', code)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"HF_HUB_OFFLINE": "1", "PATH": "", "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n")
