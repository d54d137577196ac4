"""The plan before a run: true lengths, a measured step, batches, hours and money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import rows
from training.runs import dpo, plan, planning, probing
from training.runs.plan import Plan, Shape


def test_a_plan_says_what_the_run_then_does(job: Callable[..., JobFolder]) -> None:
    settings = {"epochs": 2, "batch_size": 2, "gradient_accumulation_steps": 2, "price_here": 3}
    folder = job("planned", kind="plan", **settings)
    planning.make(folder)
    result = folder.result()
    assert result is not None
    assert result.state == "succeeded"
    found = Plan.of_json(result.metrics)
    assert Plan.of_json(found.as_json()) == found

    trained = job("trained", **settings)
    dpo.train(trained)
    journal = Journal(trained)
    assert found.steps == max(journal.metrics_of("train"))
    assert found.evaluations == len(journal.metrics_of("holdout"))
    assert (found.train, found.holdout) == (16, 6)
    assert found.batches.together == 4
    assert 30 < found.lengths.median < found.lengths.longest < 60
    assert found.lengths.pictures == 8
    assert found.memory.needs is not None
    assert found.memory.needs > 100 * 2**20
    here, *rented = found.offers
    assert here.machine == planning.HERE
    assert here.hours > 0
    assert here.cost == pytest.approx(3 * here.hours, abs=1e-4)
    assert [offer.machine for offer in rented] == ["A100 80 GB", "H100 80 GB"]
    assert rented[0].hours > rented[1].hours
    assert {offer.basis for offer in rented} == {"not measured: 30% of its peak assumed"}
    # red alone, green with red: three pictures of four tokens, each 32 numbers of four bytes
    assert found.vision_cache == 3 * 4 * 32 * 4
    assert any("computed once, for both answers" in note for note in found.notes)
    assert not list(folder.checkpoints.iterdir())


def test_the_probe_leaves_the_trainer_as_it_was(job: Callable[..., JobFolder]) -> None:
    folder = job(kind="plan")
    run = assembled_run(folder)
    made = run.made
    before = {name: one.detach().clone() for name, one in made.model.named_parameters()}
    step = probing.longest(run, 3)
    assert step.pairs == 3
    assert step.seconds > 0
    longest = max(probing.tokens_of(pair, shared=True) for pair in run.pairs)
    assert step.tokens <= 3 * longest
    for name, one in made.model.named_parameters():
        assert one.grad is None
        assert one.equal(before[name])
    assert not made._metrics["train"]
    assert made._total_train_tokens == 0


def assembled_run(folder: JobFolder) -> Any:
    from training.modeling import devices
    from training.runs.assembly import Run, assemble
    from training.settings.spec import parse_spec

    spec = folder.read_spec()
    settings = parse_spec(spec.settings)
    return assemble(Run(folder, Journal(folder), spec, settings, devices.prepare(), None))


def test_operations_are_two_a_weight_and_token_and_attention() -> None:
    shape = Shape(decoder=1000, vision=100, layers=2, hidden=8, patches_per_token=4)
    # 2 rows of 5 tokens: 2*1000*10, 4*2*8*10*5, 2*100*3*4
    assert plan.operations(shape, tokens=10, rows=2, picture_tokens=3) == 20_000 + 3_200 + 2_400
    assert plan.operations(shape, 0, 0, 0) == 0


def test_a_step_costs_three_forwards_with_lora_and_recomputation() -> None:
    assert plan.passes_of_a_step("lora", checkpointing=True) == 3
    assert plan.passes_of_a_step("full", checkpointing=True) == 4
    assert plan.passes_of_a_step("lora", checkpointing=False) == 2


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.1, 1), (1.0, 10)])
def test_a_percentile_is_a_value_that_was_seen(share: float, expected: int) -> None:
    assert plan.percentile(list(range(10, 0, -1)), share) == expected


def test_lengths_count_the_tokens_of_pictures(job: Callable[..., JobFolder], examples: Any) -> None:
    run = assembled_run(job(kind="plan"))
    for pair in run.pairs:
        assert planning._picture_tokens(run, pair) == 4 * len(pair.prompt.images)
    assert isinstance(run.pairs[0].row, rows.PairRow)
