"""Loss on the thought of a Thinking model or not: both ways of computing, by brute force."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import logprobs, models, rows, thoughts
from training.modeling.encoding import ALL_THOUGHT, Encoder
from training.modeling.pictures import PictureSource
from training.runs import dpo, sft, sharing


@pytest.mark.parametrize(
    ("prompt", "answer", "found"),
    [
        ("Why?", "Because.", []),
        ("Why?", "<think>Hm.</think>Because.", ["<think>Hm.</think>"]),
        # the template has opened it
        ("Why?<think>\n", "Hm.</think>Because.", ["Hm.</think>"]),
        ("<think>No.</think>Why?", "Because.", []),
        (
            "Why?",
            "A <think>b</think> c <think>d</think> e",
            ["<think>b</think>", "<think>d</think>"],
        ),
        ("Why?", "So: <think>for ever", ["<think>for ever"]),
    ],
)
def test_a_thought_is_found_between_its_marks(prompt: str, answer: str, found: list[str]) -> None:
    assert [answer[start:end] for start, end in thoughts.spans(prompt, answer)] == found


def pondered(examples: list[Any]) -> list[Any]:
    """Every chosen answer with a thought before it, and every second rejected one."""
    return [
        replace(
            one,
            chosen=f"<think>Let me see, {number}.</think>{one.chosen}",
            rejected=one.rejected if number % 2 else f"<think>Oh.</think>{one.rejected}",
        )
        for number, one in enumerate(examples)
    ]


def test_sums_and_gradients_leave_the_thought_out_in_both_ways_of_computing(
    tiny_vlm: Path, world: Any, examples: Any
) -> None:
    loaded = models.load(str(tiny_vlm), device=torch.device("cpu"))
    add_fused_lm_head(loaded.model)
    encoder = Encoder(loaded, PictureSource(world.store.url, None), with_thoughts=False)
    pairs = encoder.encode(rows.read(world.write(pondered(examples.mixed(6, 0))))).pairs
    said = logprobs.sums(logprobs.answers(loaded.model, encoder.collate(pairs)))
    attention = sharing._attention(loaded.model)
    once = encoder.collate(pairs, pictures_once=True)
    shared = logprobs.sums(logprobs.answers(loaded.model, once, attention))
    for side, ours, ours_shared in (
        ("chosen", said.chosen, shared.chosen),
        ("rejected", said.rejected, shared.rejected),
    ):
        by_hand = [summed(loaded, encoder, pair, side) for pair in pairs]
        assert ours == pytest.approx(np.array(by_hand), abs=1e-3)
        assert ours_shared == pytest.approx(np.array(by_hand), abs=1e-3)
    found = sharing.difference(loaded.model, encoder, pairs, attention)
    assert found.log_probability < 1e-5
    assert found.gradient < 1e-4


def summed(loaded: Any, encoder: Encoder, pair: Any, side: str) -> float:
    """The log-probability of what stands after the last thought, token by token."""
    one = replace(pair, chosen=getattr(pair, side), thoughts=(pair.thoughts[side != "chosen"], ()))
    batch = encoder.collate_chosen([one])
    batch.pop("completion_mask")
    with torch.no_grad():
        logits = loaded.model(**batch).logits[0].double().log_softmax(dim=-1)
    answer, start = one.chosen, len(pair.prompt.ids)
    text = ""
    total = 0.0
    for at, token in enumerate(answer):
        before = text
        text = loaded.tokenizer.decode(answer[: at + 1])
        if ("<think>" in text and "</think>" not in before) or text.endswith("</think>"):
            total = 0.0
            continue
        total += float(logits[start + at - 1, token])
    return total


def test_an_answer_that_is_nothing_but_a_thought_is_left_out(
    tiny_vlm: Path, world: Any, examples: Any
) -> None:
    loaded = models.load_processor(str(tiny_vlm))[0]
    some = examples.mixed(3, 0)
    some[0] = replace(some[0], chosen="<think>I wonder")
    found = rows.read(world.write(some))
    source = PictureSource(world.store.url, None)
    assert len(Encoder(loaded, source).encode(found).pairs) == 3
    encoded = Encoder(loaded, source, with_thoughts=False).encode(found)
    # the end of the turn stands behind the thought
    assert encoded.counts == {ALL_THOUGHT: 1}


def test_runs_of_both_stages_learn_without_the_thought(
    job: Callable[..., JobFolder], examples: Any
) -> None:
    told = pondered(examples.mixed(8, 3))
    folder = job("quiet", told, epochs=1, train_on_thought=False)
    dpo.train(folder)
    assert folder.result().state == "succeeded"  # type: ignore[union-attr]
    assert any("computed once, for both answers" in note for note in Journal(folder).notes)
    scores = [json.loads(line) for line in (folder.path / "scores.jsonl").read_text().splitlines()]
    whole = job("whole", told, epochs=1)
    dpo.train(whole)
    aloud = [json.loads(line) for line in (whole.path / "scores.jsonl").read_text().splitlines()]
    for quiet, loud in zip(scores, aloud, strict=True):
        assert quiet["chosen_tokens"] < loud["chosen_tokens"]
        assert quiet["reference_chosen_logp"] > loud["reference_chosen_logp"]
    before = job("before", told, epochs=1, stage="sft", train_on_thought=False)
    sft.train(before)
    assert before.result().state == "succeeded"  # type: ignore[union-attr]
