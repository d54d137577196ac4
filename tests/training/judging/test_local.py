"""A model of this machine as judge: the likelier of two letters, in both orders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from training.jobs.folder import JobFolder
from training.judging import question, run
from training.modeling import models, pictures
from training.modeling.encoding import Encoder
from training.pool.pairs import PoolPair

MakeJudging = Callable[..., JobFolder]


def test_the_share_is_that_of_a_forward_pass_of_each_order_alone(
    judging_job: MakeJudging, tiny_vlm: Path, wire: Any, world: Any, examples: Any
) -> None:
    folder = judging_job(model=tiny_vlm, batch_size=8)
    run.judge(folder)
    records = wire.records(folder)
    loaded = models.load(str(tiny_vlm), device=torch.device("cpu"))
    encoder = Encoder(loaded, pictures.PictureSource(world.store.url, None))
    letters = [loaded.tokenizer(letter)["input_ids"][0] for letter in "AB"]
    for record, example in zip(records, examples.mixed(4, 0), strict=True):
        row = world.row(example)
        pair = PoolPair(row.pair_id, row.prompt, row.chosen, row.rejected)
        shares = []
        for asked in question.both_orders(pair, question.INSTRUCTIONS, may_tie=False):
            one = encoder.prompt(asked.turns)
            with torch.no_grad():
                output = loaded.model(input_ids=torch.tensor([one.ids]), **encoder.media([one]))
            shares.append(float(torch.softmax(output.logits[0, -1, letters].double(), 0)[0]))
        forward, backward = shares
        assert record["share_of_a"] == pytest.approx((forward + 1 - backward) / 2, abs=1e-5)
        assert record["a_first"] == ("a" if forward > 0.5 else "b")
        assert record["b_first"] == ("b" if backward > 0.5 else "a")


def test_a_text_only_judge_labels_what_it_can_see(
    judging_job: MakeJudging, tiny_text_model: Path, wire: Any
) -> None:
    folder = judging_job(model=tiny_text_model)
    run.judge(folder)
    result = folder.result()
    assert result is not None
    # of the four examples one has no picture
    assert result.metrics["judged"] == 1
    assert list(result.metrics["unjudged"].values()) == [3]
