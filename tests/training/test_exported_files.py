"""What `dataset export` writes trains in stock TRL as it is: nothing of ours stands between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from storage import exports, prompts
from storage import media as medias
from storage import pictures as stored_pictures
from storage.rows import DatasetRow, Part, Turn
from storage.workspace import Workspace

# a very small model leaves fields of its processor alone that other families need
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def _picture(workspace: Workspace, path: Path, colour: tuple[int, int, int]) -> str:
    Image.new("RGB", (20, 20), colour).save(path)
    found, data = stored_pictures.normalize(path.read_bytes())
    workspace.media.put(data, found)
    with workspace.ledger.write() as tx:
        medias.add(tx, found)
    return found.id


def _row(number: int, pictures: list[str]) -> DatasetRow:
    parts = [Part("text", f"No. {number}: which colour?")]
    parts += [Part("image", media=media_id) for media_id in pictures]
    prompt = prompts.build([Turn("user", tuple(parts))], "colour")
    return DatasetRow(f"{number:064d}", prompt, "It is red.", "Blue", "oracle", 1, 0.75, "")


@pytest.fixture
def seen(workspace: Workspace, tmp_path: Path) -> list[DatasetRow]:
    """Rows with one picture, with two, and with none."""
    red = _picture(workspace, tmp_path / "red.png", (255, 0, 0))
    blue = _picture(workspace, tmp_path / "blue.png", (0, 0, 255))
    return [_row(1, [red]), _row(2, [blue, red]), _row(3, []), _row(4, [blue])]


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """`steps(model, processor, rows)` trains one epoch in stock TRL; returns the steps made."""
    from trl import DPOConfig, DPOTrainer

    def train(model: Any, processor: Any, rows: Any) -> int:
        trainer = DPOTrainer(
            model=model,
            args=DPOConfig(
                output_dir=str(tmp_path / "trained"),
                per_device_train_batch_size=2,
                num_train_epochs=1,
                max_length=None,
                report_to=[],
                save_strategy="no",
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                disable_tqdm=True,
            ),
            processing_class=processor,
            train_dataset=rows,
        )
        trainer._send_telemetry = lambda: None
        trainer.train()
        losses = [
            entry["train_loss"] for entry in trainer.state.log_history if "train_loss" in entry
        ]
        assert losses
        assert losses[0] > 0
        return int(trainer.state.global_step)

    return train


def _seeing(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    return AutoModelForImageTextToText.from_pretrained(folder), AutoProcessor.from_pretrained(
        folder
    )


def test_the_trl_format_trains_a_model_that_sees(
    workspace: Workspace,
    seen: list[DatasetRow],
    tiny_vlm: Path,
    steps: Callable[..., int],
    tmp_path: Path,
) -> None:
    made = exports.export_rows(workspace, seen, "trl", tmp_path / "out")
    rows = datasets.load_dataset(str(made.folder))["train"]
    assert steps(*_seeing(tiny_vlm), rows) == 2


def test_dpo_json_trains_a_model_that_sees(
    workspace: Workspace,
    seen: list[DatasetRow],
    tiny_vlm: Path,
    steps: Callable[..., int],
    tmp_path: Path,
) -> None:
    made = exports.export_rows(workspace, seen, "dpo-json", tmp_path / "out")
    rows = datasets.load_dataset(str(made.folder))["train"]
    rows = rows.map(lambda row: {"images": [str(made.folder / name) for name in row["images"]]})
    rows = rows.cast_column("images", datasets.List(datasets.Image()))
    assert steps(*_seeing(tiny_vlm), rows) == 2


def test_triples_train_a_model_of_texts(
    workspace: Workspace, tiny_text_model: Path, steps: Callable[..., int], tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    made = exports.export_rows(
        workspace, [_row(number, []) for number in range(4)], "triples", tmp_path / "out"
    )
    rows = datasets.load_dataset(str(made.folder))["train"]
    model = AutoModelForCausalLM.from_pretrained(tiny_text_model)
    tokenizer = AutoTokenizer.from_pretrained(tiny_text_model)
    assert steps(model, tokenizer, rows) == 2
