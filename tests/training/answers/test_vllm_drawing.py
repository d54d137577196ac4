"""Sampling with vLLM: refused where it is missing, and what it is asked where it is there.

vLLM runs on GPUs only. Here a package of that name stands in its place, which writes down what it
is given: what is tested is our side of the border, not vLLM's.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import jobs
from storage.errors import WrongInputError
from storage.workspace import Workspace
from training.answers import engines, sampling, vllm_drawing
from training.jobs import submission
from training.jobs.folder import JobFolder, RunSpec
from training.modeling import models
from training.settings.spec import parse_sampling

STANDING_IN = """
import json, pathlib
SAID = pathlib.Path(__file__).with_name("said.jsonl")

class SamplingParams:
    def __init__(self, **given):
        self.given = given

class Text:
    def __init__(self, text):
        self.text = text

class Output:
    def __init__(self, outputs):
        self.outputs = outputs

class LLM:
    def __init__(self, **given):
        self.say({"loaded": given})

    def say(self, told):
        with SAID.open("a") as file:
            file.write(json.dumps(told) + "\\n")

    def generate(self, prompts, styles, use_tqdm):
        found = []
        for prompt, style in zip(prompts, styles, strict=True):
            pictures = prompt.get("multi_modal_data", {}).get("image", [])
            sizes = [picture.size for picture in pictures]
            self.say({"ids": prompt["prompt_token_ids"], "sizes": sizes, **style.given})
            seeds = range(style.given["seed"], style.given["seed"] + style.given["n"])
            found.append(Output([Text(f" answer {seed} ") for seed in seeds]))
        return found
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """vLLM is there; what it was told."""
    package = tmp_path / "packages" / "vllm"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STANDING_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    # put back at the end, whatever the drawing sets
    for name in ("VLLM_ENABLE_V1_MULTIPROCESSING", "VLLM_NO_USAGE_STATS", "VLLM_DO_NOT_TRACK"):
        monkeypatch.setenv(name, "0")
    yield package / "said.jsonl"
    sys.modules.pop("vllm", None)


@pytest.fixture
def make_job(tmp_path: Path, tiny_vlm: Path) -> Callable[..., JobFolder]:
    """A sampling of five prompts, every second one with a picture, by vLLM."""
    Image.new("RGB", (30, 20), (255, 0, 0)).save(tmp_path / "red.png")
    records = [
        {
            "messages": [{"role": "user", "content": "<image>" * (at % 2) + f"Which? {at}"}],
            "images": ["red.png"] * (at % 2),
        }
        for at in range(5)
    ]
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")

    def make(name: str, **settings: Any) -> JobFolder:
        folder = JobFolder(tmp_path / name)
        asked = {"engine": "vllm", "batch_size": 4, "seed": 7, **settings}
        folder.write_spec(
            RunSpec(name, 1, "sample", asked, model=str(tiny_vlm), prompts=str(prompts))
        )
        return folder

    return make


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
def test_an_engine_that_is_not_installed_is_refused_before_anything_waits(
    workspace: Workspace, tiny_model: str, make_job: Callable[..., JobFolder], tmp_path: Path
) -> None:
    make_job("s1")
    with pytest.raises(WrongInputError, match="the package vllm is not installed") as refused:
        submission.submit_sampling(
            workspace,
            start_from=tiny_model,
            prompts=tmp_path / "prompts.jsonl",
            batch="b",
            settings={"engine": "vllm"},
        )
    assert "pip install vllm" in refused.value.next_step
    with workspace.ledger.read() as db:
        assert jobs.listed(db) == []
    with pytest.raises(WrongInputError, match="the package vllm is not installed"):
        sampling.sample(make_job("s2"))
    with pytest.raises(WrongInputError, match="engine is 'other'; possible is transformers"):
        parse_sampling({"engine": "other"})


def test_every_prompt_goes_in_with_its_pictures_and_a_seed_of_its_own(
    said: Path, make_job: Callable[..., JobFolder], tiny_vlm: Path
) -> None:
    engines.check("vllm")
    folder = make_job("s1")
    sampling.sample(folder)
    loaded, *asked = read(said)
    assert loaded["loaded"] == {
        "model": str(tiny_vlm),
        "dtype": "auto",
        "seed": 7,
        "load_format": "safetensors",
        "trust_remote_code": False,
        "limit_mm_per_prompt": {"image": 1},
    }
    assert sorted(one["sizes"] for one in asked) == [[], [], [], [[30, 20]], [[30, 20]]]
    style = {"n": 2, "temperature": 1.0, "top_p": 1.0, "top_k": -1, "max_tokens": 256}
    assert all(one.items() >= style.items() for one in asked)
    # two answers each, so that seeds lie two apart and never meet
    assert sorted(one["seed"] for one in asked) == [7 * 1_000_003 + 2 * at for at in range(1, 6)]
    lines = read(folder.samples_file)
    assert {one["sampling"]["engine"] for one in lines} == {"vllm"}
    first = next(one for one in lines if one["line"] == 1)
    assert first["answers"] == ["answer 7000023", "answer 7000024"]


def test_a_picture_has_one_place_in_the_tokens_as_the_template_writes_it(
    said: Path, make_job: Callable[..., JobFolder], tiny_vlm: Path
) -> None:
    sampling.sample(make_job("s1"))
    _, *asked = read(said)
    loaded, _ = models.load_processor(str(tiny_vlm))
    place = loaded.tokenizer.convert_tokens_to_ids(loaded.processor.image_token)
    assert [one["ids"].count(place) == len(one["sizes"]) for one in asked] == [True] * 5


def test_a_job_that_was_killed_goes_on_with_the_same_answers(
    said: Path, make_job: Callable[..., JobFolder]
) -> None:
    straight, folder = make_job("s1"), make_job("s2")
    sampling.sample(straight)
    whole = straight.samples_file.read_bytes().splitlines(keepends=True)
    folder.samples_file.write_bytes(b"".join(whole[:3]) + whole[3][:25])
    sampling.sample(folder)
    assert folder.samples_file.read_bytes() == straight.samples_file.read_bytes()


def test_without_chance_an_answer_is_drawn_once_and_the_record_of_the_other_engine_says_so() -> (
    None
):
    settings = parse_sampling({"temperature": 0, "answers": 3, "engine": "vllm"})
    assert vllm_drawing.style(settings, 1)["n"] == 1
    assert vllm_drawing.repeated(["Red."], settings) == ["Red."] * 3
    assert parse_sampling({}).resolved()["engine"] == "transformers"
