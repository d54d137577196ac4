"""Drawing answers: repeatable by seed, resumable, and the likeliest answer at temperature 0."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from storage import samples
from storage.errors import NotFoundError, WrongInputError
from storage.rows import Source
from storage.workspace import Workspace
from training.answers import prompts, sampling
from training.answers.sampling import FileSource
from training.jobs.folder import Answerer, JobFolder, RunSpec
from training.jobs.journal import Journal
from training.modeling import models

MakeSampling = Callable[..., JobFolder]


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Nine prompts with no, one and two pictures."""
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (30, 20), colour).save(tmp_path / f"{name}.png")
    lines = []
    for number in range(9):
        pictures = [[], ["red.png"], ["blue.png", "red.png"]][number % 3]
        text = "<image>" * len(pictures) + f"Question {number}" + "?" * number
        messages = [{"role": "user", "content": text}]
        if number == 4:
            messages.insert(0, {"role": "system", "content": "Be brief."})
        record = {"messages": messages, "images": pictures, "category": "c", "id": f"p{number}"}
        lines.append(json.dumps(record) + "\n")
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def sampling_job(asked: Path, tiny_vlm: Path, tmp_path: Path) -> MakeSampling:
    def make(
        name: str, model: Path = tiny_vlm, several: tuple[Answerer, ...] = (), **settings: Any
    ) -> JobFolder:
        folder = JobFolder(tmp_path / name)
        quick = {"max_new_tokens": 6, "batch_size": 4, "seed": 7}
        folder.write_spec(
            RunSpec(
                job=name,
                attempt=1,
                kind="sample",
                settings=quick | settings,
                model=str(model),
                prompts=str(asked),
                answerers=several,
            )
        )
        return folder

    return make


def lines_of(folder: JobFolder) -> list[dict[str, Any]]:
    lines = folder.samples_file.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def answers_of(folder: JobFolder) -> dict[str, list[str]]:
    return {line["id"]: line["answers"] for line in lines_of(folder)}


def test_every_prompt_gets_its_answers_and_the_batch_takes_them(
    sampling_job: MakeSampling, workspace: Workspace
) -> None:
    folder = sampling_job("s1")
    sampling.sample(folder)
    result = folder.result()
    assert result is not None
    assert (result.state, result.metrics) == ("succeeded", {"prompts": 9, "answers": 18})
    assert sorted(answers_of(folder)) == [f"p{number}" for number in range(9)]
    assert all(len(answers) == 2 for answers in answers_of(folder).values())
    report = samples.add_samples(
        workspace, folder.samples_file, batch="b", source=Source("checkpoint", "c1")
    )
    assert not report.rejected
    assert report.added + report.identical == 9


def test_the_same_seed_gives_the_same_answers_and_another_one_others(
    sampling_job: MakeSampling,
) -> None:
    folders = [sampling_job("s1"), sampling_job("s2"), sampling_job("s3", seed=8)]
    for folder in folders:
        sampling.sample(folder)
    first, again, other = (answers_of(folder) for folder in folders)
    assert first == again
    assert first != other


def test_a_sampling_that_was_killed_goes_on_with_the_same_answers(
    sampling_job: MakeSampling,
) -> None:
    straight, folder = sampling_job("s1"), sampling_job("s2")
    sampling.sample(straight)
    whole = straight.samples_file.read_bytes().splitlines(keepends=True)
    # three prompts done, in the middle of a batch, and half a line
    folder.samples_file.write_bytes(b"".join(whole[:3]) + whole[3][:25])
    sampling.sample(folder)
    assert folder.samples_file.read_bytes() == straight.samples_file.read_bytes()


def test_a_sampling_that_is_asked_to_stop_stops(
    sampling_job: MakeSampling, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sampling_job("s1")
    said = Journal.progress

    def stop_when_drawing(self: Journal, phase: str, *numbers: int) -> None:
        said(self, phase, *numbers)
        folder.stop_requested = phase == "sampling" and numbers[0] > 0

    monkeypatch.setattr(Journal, "progress", stop_when_drawing)
    sampling.sample(folder)
    result = folder.result()
    assert result is not None
    assert result.state == "stopped"
    assert 0 < len(lines_of(folder)) < 9


def test_temperature_zero_takes_the_likeliest_token_every_time(
    sampling_job: MakeSampling, asked: Path, tiny_vlm: Path
) -> None:
    folder = sampling_job("s1", temperature=0, answers=1, batch_size=9)
    sampling.sample(folder)
    loaded = models.load(str(tiny_vlm), device=torch.device("cpu"))
    encoder = sampling.Encoder(loaded, FileSource(None))
    drawn = answers_of(folder)
    for prompt in prompts.read(asked, asked.parent)[:6]:
        encoded = encoder.prompt(prompt.turns)
        ids = list(encoded.ids)
        for _ in range(6):
            with torch.no_grad():
                output = loaded.model(input_ids=torch.tensor([ids]), **encoder.media([encoded]))
            ids.append(int(output.logits[0, -1].argmax()))
            if ids[-1] == loaded.tokenizer.eos_token_id:
                break
        text = loaded.tokenizer.decode(ids[len(encoded.ids) :], skip_special_tokens=True)
        assert drawn[prompt.id] == [text.strip()]


def test_a_text_only_model_cannot_be_asked_about_pictures(
    sampling_job: MakeSampling, tiny_text_model: Path
) -> None:
    with pytest.raises(WrongInputError, match="prompt in line 2: has a picture"):
        sampling.sample(sampling_job("s1", model=tiny_text_model))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "Line 1 of p.jsonl: Not valid JSON"),
        ("[]", "Line 1 of p.jsonl: A JSON list"),
        ('{"messages": 3}', "no list of messages"),
        ('{"messages": [{"role": "user", "content": " "}]}', "content of message 1 is empty"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "expected 'user'"),
        ('{"messages": [{"role": "user", "content": "<image>"}]}', "stands 1 times"),
        (
            '{"messages": [{"role": "user", "content": "<image>a"}], "images": ["../x.png"]}',
            "could lead out of the root",
        ),
        (
            '{"messages": [{"role": "user", "content": "<image>a"}], "images": ["x.png"]}',
            "was not found",
        ),
        (
            '{"messages": [{"role": "user", "content": "a"}], "videos": ["x.mp4"]}',
            "<video> stands 0 times in the user's messages, but 'videos' names 1",
        ),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named_by_its_line(
    tmp_path: Path, line: str, what: str
) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(WrongInputError, match=what):
        prompts.read(path, tmp_path)


def test_a_missing_or_empty_file_of_prompts_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file of prompts"):
        prompts.read(tmp_path / "none.jsonl", tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n\n", encoding="utf-8")
    with pytest.raises(WrongInputError, match="holds no prompts"):
        prompts.read(tmp_path / "empty.jsonl", tmp_path)


def test_a_picture_that_is_none_is_refused(sampling_job: MakeSampling, asked: Path) -> None:
    (asked.parent / "red.png").write_bytes(b"no picture")
    with pytest.raises(WrongInputError, match=r"red\.png"):
        sampling.sample(sampling_job("s1"))


@pytest.fixture
def other_model(tiny_vlm: Path, tmp_path: Path) -> Path:
    """The tiny model with the rows of its head moved on: it says other things."""
    folder = shutil.copytree(tiny_vlm, tmp_path / "other")
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "lm_head" in name)
    weights[name] = weights[name].roll(40, dims=0).contiguous()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_several_models_answer_the_same_prompts_and_every_answer_says_whose_it_is(
    sampling_job: MakeSampling, tiny_vlm: Path, other_model: Path
) -> None:
    alone = [
        sampling_job(f"alone-{number}", model=model, answers=1)
        for number, model in enumerate((tiny_vlm, other_model))
    ]
    for folder in alone:
        sampling.sample(folder)
    several = (Answerer("c1", str(tiny_vlm)), Answerer("c2", str(other_model)))
    both = sampling_job("both", several=several, answers=1)
    # killed after the first model and three prompts of the second, in the middle of a line
    (both.path / "samples-0.jsonl").write_bytes(alone[0].samples_file.read_bytes())
    whole = alone[1].samples_file.read_bytes().splitlines(keepends=True)
    (both.path / "samples-1.jsonl").write_bytes(b"".join(whole[:3]) + whole[3][:20])
    sampling.sample(both)
    first, second = (answers_of(folder) for folder in alone)
    assert first != second
    assert answers_of(both) == {name: first[name] + second[name] for name in first}
    assert {tuple(line["by"]) for line in lines_of(both)} == {("c1", "c2")}
    result = both.result()
    assert result is not None
    assert result.metrics == {"prompts": 9, "answers": 18}
