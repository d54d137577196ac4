"""What models say themselves, and what they say without pictures, against computations by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.answers import answering, drawing
from training.measuring import blanking, on_policy
from training.measuring.on_policy import OnPolicy
from training.modeling import models, rows
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.pictures import PictureSource
from training.runs.reference import frozen
from training.runs.reference_scores import reference_sums

CPU = torch.device("cpu")


class Setup:
    """A policy that differs from its reference, and mixed pairs with and without pictures."""

    def __init__(self, world: Any, examples: Any, location: Path) -> None:
        self.loaded = models.load(str(location), device=CPU)
        self.reference = frozen(models.load(str(location), device=CPU).model)
        self.source = PictureSource(world.store.url, None)
        self.encoder = Encoder(self.loaded, self.source)
        self.pairs = self.encoder.encode(rows.read(world.write(examples.mixed(0, 9)))).pairs
        torch.manual_seed(5)
        with torch.no_grad():
            for value in self.loaded.model.parameters():
                value.add_(0.05 * torch.randn_like(value))

    def on_policy(self, prompts: int = 6) -> OnPolicy:
        asked = on_policy.asked(self.pairs, prompts)
        tokens = drawing.tokens_of(self.loaded)
        return OnPolicy(self.encoder, asked, self.reference, "base", tokens, 3, lambda *_: None)


@pytest.fixture
def setup(world: Any, examples: Any, tiny_vlm: Path) -> Setup:
    return Setup(world, examples, tiny_vlm)


def log_softmax(model: Any, encoder: Encoder, pair: EncodedPair, answer: tuple[int, ...]) -> Any:
    """tokens x vocabulary in float64, one sequence alone, without padding."""
    ids = torch.tensor([[*pair.prompt.ids, *answer]])
    with torch.no_grad():
        logits = model(input_ids=ids, **encoder.media([pair.prompt])).logits[0].double()
    return torch.log_softmax(logits[len(pair.prompt.ids) - 1 : -1], dim=-1).numpy()


def test_the_kl_on_policy_is_exact_over_the_answers_that_are_drawn(setup: Setup) -> None:
    measured, policy = setup.on_policy(), setup.loaded.model
    before = torch.get_rng_state()
    found = measured.measure(policy, step=7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(3 * 1_000_003 + 7)
    prompts = [pair.prompt for pair in measured.pairs for _ in range(2)]
    longest = max(max(len(one.chosen), len(one.rejected)) for one in measured.pairs)
    drawn = drawing.answers(policy, setup.encoder, prompts, measured.tokens, longest, greedy=False)
    nats = []
    for at, answer in enumerate(drawn):
        pair = measured.pairs[at // 2]
        ours = log_softmax(policy, setup.encoder, pair, answer)
        theirs = log_softmax(setup.reference.model, setup.encoder, pair, answer)
        nats.append(float((np.exp(ours) * (ours - theirs)).sum()))
    by_token, by_answer = found["kl_per_token_on_policy"], found["kl_per_answer_on_policy"]
    assert by_token.value == pytest.approx(sum(nats) / sum(map(len, drawn)), rel=1e-4)
    assert by_answer.value == pytest.approx(np.mean(nats), rel=1e-4)
    assert (by_token.n, by_token.on, by_token.reference) == (6, "policy", "base")
    assert by_token.ci95 is not None
    assert measured.measure(policy, step=7) == found
    assert measured.measure(policy, step=8) != found
    # where thoughts of the pair's own answers stood means nothing for drawn ones
    thinking = [replace(pair, thoughts=((0,), (1,))) for pair in measured.pairs]
    assert replace(measured, pairs=thinking).measure(policy, step=7) == found


def test_a_model_that_equals_its_reference_has_no_kl_on_its_own_answers(setup: Setup) -> None:
    measured = replace(setup.on_policy(), reference=frozen(setup.loaded.model))
    assert measured.measure(setup.loaded.model, 1)["kl_per_token_on_policy"].value == 0


def test_a_token_that_stands_for_a_picture_is_never_drawn(setup: Setup) -> None:
    tokens = drawing.tokens_of(setup.loaded)
    (marker,) = tokens.never
    assert setup.loaded.tokenizer.decode([marker]) == "<image>"
    # as likely as can be
    with torch.no_grad():
        setup.loaded.model.get_output_embeddings().weight[marker] *= 0
    drawn = drawing.answers(
        setup.loaded.model,
        setup.encoder,
        [pair.prompt for pair in setup.pairs] * 4,
        tokens,
        40,
        greedy=False,
    )
    assert len({token for answer in drawn for token in answer}) > 50
    assert not any(marker in answer for answer in drawn)


def test_the_same_prompt_is_asked_once(setup: Setup) -> None:
    twice = [*setup.pairs, *setup.pairs]
    assert len(on_policy.asked(twice, 100)) == len(setup.pairs)
    assert len(on_policy.asked(twice, 2)) == 2


def test_blanked_pictures_are_what_grey_pictures_would_have_been(
    setup: Setup, world: Any, examples: Any, tiny_vlm: Path
) -> None:
    seen = tuple(
        reference_sums(setup.encoder, setup.pairs, model)
        for model in (frozen(setup.loaded.model), setup.reference)
    )
    found = blanking.measure(
        setup.loaded,
        setup.source,
        setup.pairs,
        setup.reference,
        (seen[0], seen[1]),
        "oracle",
        lambda *_: None,
    )
    pictured = [at for at, pair in enumerate(setup.pairs) if pair.prompt.images]
    grey = [
        replace(example, pictures=(blanking.GREY,) * len(example.pictures))
        for example in examples.mixed(0, 9)
    ]
    # in the order of the first file: a pair's id hangs on its pictures
    wanted = {
        (row.chosen, row.turns[-1].parts[0].text): row for row in rows.read(world.write(grey))
    }
    same = [
        wanted[setup.pairs[at].row.chosen, setup.pairs[at].row.turns[-1].parts[0].text]
        for at in pictured
    ]
    encoded = setup.encoder.encode(same).pairs
    sums = reference_sums(setup.encoder, encoded, frozen(setup.loaded.model))
    blanked = blanking.sums(
        *(setup.loaded, setup.source, [setup.pairs[at] for at in pictured]),
        *(setup.reference, lambda *_: None),
    )[0]
    assert blanked.chosen == pytest.approx(sums.chosen, abs=1e-5)
    assert np.abs(blanked.chosen - seen[0].chosen[pictured]).max() > 1e-3
    with_pictures, without, gain = (
        found[name]
        for name in (
            "pictured_preference_accuracy",
            "blanked_preference_accuracy",
            "pictures_preference_gain",
        )
    )
    assert with_pictures.n == without.n == gain.n == len(pictured) == 6
    assert gain.value == pytest.approx((with_pictures.value or 0) - (without.value or 0))


def test_answers_before_and_after_stand_beside_each_other(setup: Setup, tmp_path: Path) -> None:
    answered = answering.answer(
        setup.loaded, setup.encoder, setup.pairs, setup.reference, 4, lambda *_: None
    )
    assert len(answered) == 4
    assert any(one.before.text != one.after.text for one in answered)
    embed = answering.embedding(setup.loaded, setup.reference)
    found = answering.measure(answered, "oracle", embed)
    words = found["answer_words"].value, found["start_answer_words"].value
    assert found["answer_words_change"].value == pytest.approx((words[0] or 0) - (words[1] or 0))
    assert found["answer_words"].n == 4
    assert (found["box_iou"].value, found["box_iou"].reason) == (None, "no pairs")
    assert found["bleu"].labels == found["token_f1"].labels == "oracle"
    assert 0 <= (found["embedding_f1"].value or 0) <= 1
    answering.write(answered, tmp_path / "answers.jsonl")
    assert len((tmp_path / "answers.jsonl").read_text("utf-8").splitlines()) == 4


def test_a_model_that_answers_like_its_reference_has_changed_nothing(setup: Setup) -> None:
    same = frozen(setup.loaded.model)
    answered = answering.answer(setup.loaded, setup.encoder, setup.pairs, same, 3, lambda *_: None)
    # what it says is taken for the chosen answer: everything overlaps with itself
    echoed = [
        replace(one, pair=replace(one.pair, row=replace(one.pair.row, chosen=one.after.text)))
        for one in answered
        if one.after.text
    ]
    found = answering.measure(echoed, "oracle", answering.embedding(setup.loaded, same))
    assert found["token_f1"].value == 1
    assert found["embedding_f1"].value == pytest.approx(1)
    changes = {name: one.value for name, one in found.items() if name.endswith("_change")}
    assert {value for value in changes.values() if value is not None} == {0}
