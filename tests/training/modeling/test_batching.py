"""A batch that does not fit: halved until it does, with the same pairs in every update."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from storage.errors import PairwrightError
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import batching
from training.runs import assembly, dpo
from training.settings.spec import parse_spec


def a_device_that_holds(rows: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every trained forward of more rows raises what CUDA raises; returns the rows seen."""
    build, seen = assembly.trainer.build, list[int]()

    def refuse(module: Any, given: Any, named: Any) -> None:
        if module.training:
            seen.append(len(named["input_ids"]))
            if seen[-1] > rows:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def built(*words: Any) -> Any:
        made = build(*words)
        made.model.register_forward_pre_hook(refuse, with_kwargs=True)
        return made

    monkeypatch.setattr(assembly.trainer, "build", built)
    return seen


def test_a_run_whose_batches_do_not_fit_learns_the_same_with_smaller_ones(
    job: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = job("wide", epochs=1, batch_size=4, gradient_accumulation_steps=2)
    dpo.train(wide)
    seen = a_device_that_holds(2, monkeypatch)
    narrow = job("narrow", epochs=1, batch_size=4, gradient_accumulation_steps=2)
    dpo.train(narrow)
    assert seen[0] == 4
    assert set(seen[1:]) == {2}
    assert any("goes on with 2, still 8 pairs an update" in note for note in Journal(narrow).notes)
    ours, theirs = Journal(narrow).metrics_of("train"), Journal(wide).metrics_of("train")
    assert list(ours) == list(theirs)
    for step in theirs:
        assert ours[step]["loss"] == pytest.approx(theirs[step]["loss"], rel=1e-4)
        assert ours[step]["grad_norm"] == pytest.approx(theirs[step]["grad_norm"], rel=1e-3)


def test_a_single_pair_that_does_not_fit_is_an_error_with_its_length() -> None:
    pairs: Any = [SimpleNamespace(length=800), SimpleNamespace(length=12_345)]
    with pytest.raises(
        PairwrightError, match=r"a single pair; the longest has 12,345 tokens \(0 GiB"
    ):
        batching.smaller(parse_spec({"batch_size": 1}), pairs, "0 GiB")


@pytest.mark.parametrize(
    ("batch", "accumulation", "smaller", "more"), [(4, 1, 2, 2), (6, 2, 3, 4), (5, 3, 1, 15)]
)
def test_the_pairs_of_an_update_stay_as_many(
    batch: int, accumulation: int, smaller: int, more: int
) -> None:
    settings = parse_spec({"batch_size": batch, "gradient_accumulation_steps": accumulation})
    found = batching.smaller(settings, [object()] * 90, "full")  # type: ignore[list-item]
    assert (found.batch_size, found.gradient_accumulation_steps) == (smaller, more)


def test_automatic_accumulation_is_resolved_before_it_is_multiplied() -> None:
    settings = parse_spec({"batch_size": 4})
    pairs: Any = [object()] * 150
    together = settings.accumulation_steps(150) * 4
    found = batching.smaller(settings, pairs, "full")
    assert found.batch_size * found.accumulation_steps(150) == together


def test_the_note_says_when_the_loss_depends_on_the_batch() -> None:
    before = parse_spec({"loss_type": "sigmoid,sft", "gradient_accumulation_steps": 1})
    after = batching.smaller(before, [object()] * 90, "full")  # type: ignore[list-item]
    assert "The loss sft depends on the batch" in batching.note(before, after, 90)
