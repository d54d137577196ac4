"""Every loss of TRL that needs only log-probabilities: ours for validation, TRL's for training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from storage.errors import WrongInputError
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import models, rows
from training.modeling.encoding import Encoder
from training.modeling.logprobs import Sums
from training.modeling.pictures import PictureSource
from training.runs import dpo, trainer
from training.runs.losses import Loss
from training.runs.order import UpdateOrder
from training.runs.reference import Reference
from training.runs.reference_scores import reference_sums
from training.runs.trainer import PairCollator, PairTrainer
from training.settings import LOSSES
from training.settings.spec import DPOSpec, parse_spec

MIXTURES = ("sigmoid,sft", "sigmoid,bco_pair,sft")
SMOOTHED = {"robust", "exo_pair", "aot", "aot_unpaired"}


class Bench:
    """A trainer whose policy has moved, and what the loss gets for one batch of eight pairs."""

    def __init__(self, world: Any, examples: Any, location: Path, output: Path) -> None:
        loaded = models.load(str(location), device=torch.device("cpu"))
        encoder = Encoder(loaded, PictureSource(world.store.url, None))
        pairs = encoder.encode(rows.read(world.write(examples.mixed(8, 0)))).pairs
        self.collator = PairCollator(encoder, pairs)
        settings = parse_spec({"lora_rank": 2})
        self.made: PairTrainer = trainer.build(
            settings, loaded, self.collator, output, torch.float32
        )
        near = reference_sums(encoder, pairs, Reference(self.made.model, adapter_off=True))
        apart = np.random.default_rng(0).normal(scale=4, size=(2, 8))
        self.collator.reference = Sums(near.chosen + apart[0], near.rejected + apart[1])
        self.tokens = tuple(
            np.array([len(getattr(pair, side)) for pair in pairs], dtype=np.float64)
            for side in ("chosen", "rejected")
        )

    def losses(self, settings: DPOSpec) -> tuple[float, float]:
        """The mean of ours and TRL's for the same batch."""
        made, batch = self.made, self.collator([{"position": at} for at in range(8)])
        # as the trainer does when it is made
        made.loss_types = list(settings.loss_type)
        made.loss_weights = settings.loss_weights or [1.0] * len(settings.loss_type)
        made.beta, made.label_smoothing = settings.beta, settings.smoothing
        made.model.eval()
        with torch.no_grad():
            theirs = float(made.compute_loss(made.model, batch))
            inputs = {
                name: value
                for name, value in batch.items()
                if name != "completion_mask" and not name.startswith("ref_")
            }
            labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
            said = made.model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
        chosen, rejected = said.log_probs.double().sum(dim=1).chunk(2)
        reference = self.collator.reference
        assert reference is not None
        policy = Sums(chosen.numpy(), rejected.numpy())
        ours = Loss.of(settings).per_pair(policy, reference, self.tokens)  # type: ignore[arg-type]
        return float(ours.mean()), theirs


def test_our_loss_of_the_held_out_pairs_is_the_one_that_trl_trains(
    world: Any, examples: Any, tiny_vlm: Path, tmp_path: Path
) -> None:
    bench = Bench(world, examples, tiny_vlm, tmp_path / "out")
    found = {}
    for names in (*LOSSES, *MIXTURES):
        given: dict[str, Any] = {"loss_type": names, "beta": 0.2}
        if names in SMOOTHED:
            given["label_smoothing"] = 0.1
        if "," in names:
            given["loss_weights"] = [0.3 + 0.1 * at for at in range(names.count(",") + 1)]
        ours, theirs = bench.losses(parse_spec(given))
        assert ours == pytest.approx(theirs, rel=1e-4), names
        found[names] = ours
    # none of them is another one by mistake
    assert len({round(value, 6) for value in found.values()}) == len(found)


def test_the_list_is_all_that_trl_has() -> None:
    source = Path(trainer.DPOTrainer._compute_loss.__code__.co_filename).read_text("utf-8")
    known = {line.split('"')[1] for line in source.splitlines() if "if loss_type ==" in line}
    assert set(LOSSES) == known


def test_without_a_reference_the_loss_is_the_published_example() -> None:
    loss = Loss.of(parse_spec({"beta": 0.1, "reference_free": True}))
    policy, far = Sums(np.array([-0.5]), np.array([-2.5])), Sums(np.array([9.0]), np.array([1.0]))
    found = loss.per_pair(policy, far, (np.ones(1), np.ones(1)))
    assert found[0] == pytest.approx(0.5981, abs=5e-5)


def test_a_run_without_a_reference_starts_at_its_own_loss_and_measures_against_one(
    job: Callable[..., JobFolder],
) -> None:
    folder = job(epochs=1, reference_free=True, loss_type="sigmoid,sft", loss_weights="1,0.1")
    dpo.train(folder)
    journal = Journal(folder)
    first = journal.metrics_of("train")[1]["loss"]
    assert first != pytest.approx(np.log(2) + 0.1, abs=1e-2)
    start = journal.metrics_of("holdout")[0]
    assert start["reward_gap"]["value"] == 0
    assert start["kl_per_token"]["value"] == 0
    assert start["validation_loss"]["value"] == pytest.approx(first, rel=0.2)
    assert any(
        "0 were computed" not in note and "6 were computed" in note for note in journal.notes
    )


@pytest.mark.parametrize(
    "written",
    [
        {"loss_type": "sigmoidal"},
        {"loss_type": ""},
        {"loss_type": "ipo,ipo"},
        {"loss_type": "sigmoid,sft", "loss_weights": "1"},
        {"label_smoothing": 0.5},
    ],
)
def test_a_loss_that_cannot_be_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(WrongInputError):
        parse_spec(written)


def test_exo_takes_its_authors_smoothing_when_there_is_none() -> None:
    assert parse_spec({"loss_type": "exo_pair"}).smoothing == 1e-3
    assert parse_spec({"loss_type": "exo_pair", "label_smoothing": 0.2}).smoothing == 0.2
    assert parse_spec({"loss_type": "sigmoid"}).smoothing == 0


def test_an_update_has_the_pairs_of_a_random_order_and_the_longest_of_them_first() -> None:
    lengths = [(7 * at) % 23 + 1 for at in range(50)]
    order = UpdateOrder(lengths, 8, seed=3)
    first = list(order)
    assert sorted(first) == list(range(50))
    for start in range(0, 50, 8):
        found = [lengths[at] for at in first[start : start + 8]]
        assert found == sorted(found, reverse=True)
    # the pairs of an update have nothing in common but the draw
    assert max(lengths[at] for at in first[-8:]) > 10
    assert list(order) == first == list(UpdateOrder(lengths, 8, seed=3))
    order.set_epoch(1)
    assert list(order) != first
    order.set_epoch(0)
    assert list(order) == first
    halves = {frozenset(first[start : start + 8]) for start in range(0, 50, 8)}
    plain = list(UpdateOrder([1] * 50, 8, seed=3))
    assert halves == {frozenset(plain[start : start + 8]) for start in range(0, 50, 8)}
