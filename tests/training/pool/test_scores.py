"""Scores of unlabeled pairs: the same numbers as an evaluation's, kept while a job goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage import dataset_rows
from storage.errors import DamagedError
from storage.rows import Pair, PairView
from training.jobs.folder import JobFolder
from training.measuring import evaluation
from training.pool import pairs, run


@pytest.fixture
def other_model(tiny_vlm: Path, tmp_path: Path) -> Path:
    """The same architecture with weights of its own."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(tiny_vlm)
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    folder = tmp_path / "other"
    model.save_pretrained(folder)
    AutoProcessor.from_pretrained(tiny_vlm).save_pretrained(folder)
    return folder


@pytest.fixture
def pool(job: Callable[..., JobFolder], tiny_vlm: Path, other_model: Path) -> JobFolder:
    """A score job of the mixed pairs: the chosen answer is A, the reference another model."""
    folder = job("pool", kind="score")
    spec = folder.read_spec()
    assert spec.dataset is not None
    views = [
        PairView(Pair(row.pair_id, row.prompt.id, "", ""), row.prompt, row.chosen, row.rejected)
        for row in dataset_rows.read_parquet(Path(spec.dataset.path))
    ]
    pairs.write(folder.pairs_file, views)
    folder.write_spec(replace(spec, dataset=None, reference_model=str(other_model)))
    return folder


def test_pairs_with_videos_are_scored(
    job: Callable[..., JobFolder], examples: Any, world: Any
) -> None:
    video = world.video([(250, 10, 10), (10, 10, 250)])
    moving = examples.pair("Which?", "Red, then blue.", "Blue", video=video)
    folder = job("pool", examples=[moving], kind="score", video_frames=2)
    spec = folder.read_spec()
    assert spec.dataset is not None
    (row,) = dataset_rows.read_parquet(Path(spec.dataset.path))
    view = PairView(Pair(row.pair_id, row.prompt.id, "", ""), row.prompt, row.chosen, row.rejected)
    pairs.write(folder.pairs_file, [view])
    folder.write_spec(replace(spec, dataset=None))
    run.score(folder)
    (line,) = lines(folder.path / "scores.jsonl").values()
    assert line["a_logp"] < 0
    assert line["a_logp"] != line["b_logp"]


def lines(path: Path) -> dict[str, dict[str, Any]]:
    return {line["pair_id"]: line for line in map(json.loads, path.read_text().splitlines())}


def test_scores_are_those_of_an_evaluation_without_saying_which_answer_is_better(
    pool: JobFolder, job: Callable[..., JobFolder], other_model: Path
) -> None:
    run.score(pool)
    measured = job("measured", kind="evaluate")
    spec = measured.read_spec()
    measured.write_spec(replace(spec, split="all", reference_model=str(other_model)))
    evaluation.evaluate(measured)
    found, known = lines(pool.path / "scores.jsonl"), lines(measured.path / "scores.jsonl")
    assert found.keys() == known.keys()
    assert len(found) == 22
    for pair_id, line in found.items():
        for mine, theirs in (("a", "chosen"), ("b", "rejected")):
            assert line[f"{mine}_logp"] == pytest.approx(known[pair_id][f"{theirs}_logp"], abs=1e-4)
            assert line[f"reference_{mine}_logp"] == pytest.approx(
                known[pair_id][f"reference_{theirs}_logp"], abs=1e-4
            )
            assert line[f"{mine}_tokens"] == known[pair_id][f"{theirs}_tokens"]
    assert any(abs(line["a_logp"] - line["reference_a_logp"]) > 0.1 for line in found.values())
    result = pool.result()
    assert result is not None
    assert result.metrics == {"pairs": 22, "scored": 22}


def test_a_job_that_is_resumed_reads_what_it_had_computed(
    pool: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.score(pool)
    before = (pool.path / "scores.jsonl").read_bytes()
    calls: list[int] = []
    from training.modeling import logprobs

    answers = logprobs.answers
    monkeypatch.setattr(logprobs, "answers", lambda *given: (calls.append(1), answers(*given))[1])
    run.score(pool)
    assert (pool.path / "scores.jsonl").read_bytes() == before
    # one batch of each model is computed afresh to check what was kept
    assert len(calls) == 2


def test_damaged_pairs_are_said(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="cannot be read"):
        pairs.read(tmp_path / "pairs.jsonl")
    (tmp_path / "pairs.jsonl").write_text('{"pair_id": "x"}\n')
    with pytest.raises(DamagedError, match="Submit the job again"):
        pairs.read(tmp_path / "pairs.jsonl")
