"""Log-probabilities and KL against a brute-force softmax, and against TRL's own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from storage.errors import PairwrightError
from training.measuring import measurement
from training.measuring.measurement import Evaluator
from training.modeling import logprobs, models, rows
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.pictures import PictureSource
from training.runs import trainer
from training.runs.reference import Reference, frozen
from training.runs.reference_scores import reference_sums
from training.runs.trainer import PairCollator
from training.settings.spec import parse_spec

CPU = torch.device("cpu")


class Setup:
    """A policy that differs from its reference, and encoded mixed pairs."""

    def __init__(self, world: Any, examples: Any, location: Path, noise: float = 0.05) -> None:
        self.loaded = models.load(str(location), device=CPU)
        self.reference = models.load(str(location), device=CPU).model
        self.encoder = Encoder(self.loaded, PictureSource(world.store.url, None))
        found = rows.read(world.write(examples.mixed(0, 12)))
        self.pairs = self.encoder.encode(found).pairs
        torch.manual_seed(5)
        with torch.no_grad():
            for value in self.loaded.model.parameters():
                value.add_(noise * torch.randn_like(value))

    def evaluator(self, beta: float = 0.1) -> Evaluator:
        return Evaluator(
            self.encoder,
            self.pairs,
            frozen(self.reference),
            labels="oracle",
            reference_name="base",
            beta=beta,
        )


@pytest.fixture
def setup(world: Any, examples: Any, tiny_vlm: Path) -> Setup:
    return Setup(world, examples, tiny_vlm)


def log_softmax_by_hand(
    model: Any, encoder: Encoder, pair: EncodedPair
) -> list[tuple[np.ndarray[Any, Any], tuple[int, ...]]]:
    """For both answers: (tokens x vocabulary) in float64, one sequence at a time, no padding."""
    found = []
    for answer in (pair.chosen, pair.rejected):
        ids = torch.tensor([[*pair.prompt.ids, *answer]])
        with torch.no_grad():
            logits = model(input_ids=ids, **encoder.media([pair.prompt])).logits[0].double().numpy()
        logits = logits[len(pair.prompt.ids) - 1 : -1]
        shifted = logits - logits.max(axis=1, keepdims=True)
        found.append((shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), answer))
    return found


def sum_by_hand(table: np.ndarray[Any, Any], answer: tuple[int, ...]) -> float:
    return float(sum(table[at, token] for at, token in enumerate(answer)))


def test_every_figure_equals_a_brute_force_computation(setup: Setup) -> None:
    policy_sums, reference_sums, nats, tokens = [], [], 0.0, 0
    for pair in setup.pairs:
        ours = log_softmax_by_hand(setup.loaded.model, setup.encoder, pair)
        theirs = log_softmax_by_hand(setup.reference, setup.encoder, pair)
        policy_sums.append([sum_by_hand(*side) for side in ours])
        reference_sums.append([sum_by_hand(*side) for side in theirs])
        for (policy, _), (reference, answer) in zip(ours, theirs, strict=True):
            nats += float((np.exp(policy) * (policy - reference)).sum())
            tokens += len(answer)
    policy_table, reference_table = np.array(policy_sums), np.array(reference_sums)
    margins = 0.1 * ((policy_table - reference_table) @ [1, -1])
    differences = policy_table @ [1, -1]

    measured = setup.evaluator(beta=0.1).measure(setup.loaded.model)
    value = {name: figure.value for name, figure in measured.figures.items()}
    assert measured.sums.chosen == pytest.approx(policy_table[:, 0], abs=1e-4)
    assert measured.sums.rejected == pytest.approx(policy_table[:, 1], abs=1e-4)
    assert value["preference_accuracy"] == np.mean(differences > 0)
    assert value["reward_accuracy"] == np.mean(margins > 0)
    assert value["reference_preference_accuracy"] == np.mean(reference_table @ [1, -1] > 0)
    assert value["reward_gap"] == pytest.approx(margins.mean(), abs=1e-5)
    assert value["log_probability_difference"] == pytest.approx(differences.mean(), abs=1e-4)
    assert value["validation_loss"] == pytest.approx(np.log1p(np.exp(-margins)).mean(), abs=1e-5)
    assert nats / tokens > 0.01
    assert value["kl_per_token"] == pytest.approx(nats / tokens, abs=1e-5)


def test_kl_and_margins_are_zero_when_policy_equals_reference(
    world: Any, examples: Any, tiny_vlm: Path
) -> None:
    setup = Setup(world, examples, tiny_vlm, noise=0)
    measured = setup.evaluator().measure(setup.loaded.model)
    value = {name: figure.value for name, figure in measured.figures.items()}
    assert value["kl_per_token"] == 0
    assert value["reward_gap"] == 0
    assert value["reward_accuracy"] == 0.5
    assert value["validation_loss"] == pytest.approx(np.log(2), abs=1e-6)
    assert value["preference_accuracy"] == value["reference_preference_accuracy"]


def test_figures_name_their_labels_their_reference_and_that_kl_is_on_data(setup: Setup) -> None:
    said = setup.evaluator().measure(setup.loaded.model).as_json()
    assert all(figure["labels"] == "oracle" for figure in said.values())
    parts = ("reference_wrong_turned", "reference_right_lost")
    assert all(figure["n"] == 12 for name, figure in said.items() if name not in parts)
    assert sum(said[name]["n"] for name in parts) == 12
    assert said["reward_gap"]["reference"] == "base"
    assert said["kl_per_token"]["on"] == "data"
    assert "reference" not in said["preference_accuracy"]


def test_measuring_keeps_the_policy_s_mode(setup: Setup) -> None:
    setup.loaded.model.train()
    setup.evaluator().measure(setup.loaded.model)
    assert setup.loaded.model.training


def test_kl_is_measured_on_the_same_few_pairs_of_a_large_set(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurement, "KL_PAIRS", 5)
    monkeypatch.setattr(logprobs, "MOST_PAIRS", 2)
    few = setup.evaluator().measure(setup.loaded.model)
    assert few.figures["kl_per_token"].n == 5
    assert few.figures["reward_gap"].n == 12
    assert setup.evaluator().measure(setup.loaded.model).figures == few.figures
    monkeypatch.undo()
    everything = setup.evaluator().measure(setup.loaded.model)
    assert everything.sums.chosen == pytest.approx(few.sums.chosen, abs=1e-4)


def test_batches_hold_every_pair_once_and_stay_within_their_bounds(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logprobs, "MOST_TOKENS", 200)
    batches = logprobs.batches_of(setup.pairs)
    assert sorted(at for batch in batches for at in batch) == list(range(12))
    widths = [max(setup.pairs[at].length for at in batch) for batch in batches]
    assert all(len(b) == 1 or len(b) * 2 * w <= 200 for b, w in zip(batches, widths, strict=True))


def build_trainer(setup: Setup, output: Path) -> tuple[Any, PairCollator]:
    settings = parse_spec({"batch_size": 12, "seed": 3, "lora_rank": 2})
    collator = PairCollator(setup.encoder, setup.pairs)
    made = trainer.build(settings, setup.loaded, collator, output, torch.float32)
    reference = Reference(made.model, adapter_off=True)
    collator.reference = reference_sums(setup.encoder, setup.pairs, reference)
    return made, collator


def test_our_sums_and_loss_equal_trl_s(setup: Setup, tmp_path: Path) -> None:
    made, collator = build_trainer(setup, tmp_path)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, value in made.model.named_parameters():
            if "lora_B" in name:
                value.add_(0.1 * torch.randn_like(value))
    batch = collator([{"position": at} for at in range(len(setup.pairs))])
    plain = {name: value for name, value in batch.items() if not name.startswith("ref_")}
    # TRL's own reference pass: the adapter switched off by its own code
    with models.quiet_peft():
        theirs = [side.numpy() for side in made.compute_ref_log_probs(made.model, plain)]
    kept = collator.reference
    assert kept is not None
    assert kept.chosen == pytest.approx(theirs[0], abs=1e-4)
    assert kept.rejected == pytest.approx(theirs[1], abs=1e-4)
    evaluator = Evaluator(
        setup.encoder,
        setup.pairs,
        Reference(made.model, adapter_off=True),
        labels="oracle",
        reference_name="base",
        beta=0.1,
    )
    measured = evaluator.measure(made.model)
    made.model.eval()
    with torch.no_grad():
        loss = float(made.compute_loss(made.model, batch))
    assert measured.figures["validation_loss"].value == pytest.approx(loss, abs=1e-5)
    assert loss != pytest.approx(np.log(2), abs=1e-3)
    trainer.check_agreement(made, collator, starts_equal=False)
    with pytest.raises(PairwrightError, match="differ from the reference's"):
        trainer.check_agreement(made, collator, starts_equal=True)


def test_the_trainer_s_private_methods_that_we_replace_still_exist() -> None:
    for name in (
        "_prepare_dataset",
        "_precompute_ref_logps",
        "_save_checkpoint",
        "_load_from_checkpoint",
        "_save_rng_state",
        "_send_telemetry",
    ):
        assert callable(getattr(trainer.DPOTrainer, name))
