"""Memory that a training needs, by its formula, and memory that a machine has."""

from __future__ import annotations

import os

import pytest

from training.modeling.model_facts import ModelFacts
from training.runs import memory
from training.runs.memory import GIB, Estimate, Machine
from training.settings.spec import parse_spec

# 4 billion weights, 3.5 of them outside the vision tower; sides as of 36 layers of 7 linears
FACTS = ModelFacts(
    "org/m", parameters=4 * 10**9, trained=35 * 10**8, linear_sides=10**6, size=8 * 10**9
)


def test_lora_needs_the_weights_and_a_little() -> None:
    found = memory.estimate(FACTS, parse_spec({"lora_rank": 16}), on_gpu=True)
    assert found == Estimate(weights=8 * 10**9, trained=16 * 16 * 10**6, reference=0)


def test_full_needs_gradients_two_moments_and_a_reference() -> None:
    found = memory.estimate(FACTS, parse_spec({"method": "full"}), on_gpu=True)
    assert found == Estimate(weights=8 * 10**9, trained=3 * 7 * 10**9, reference=8 * 10**9)
    assert found.total == 37 * 10**9


def test_lora_from_another_place_than_its_reference_needs_a_second_copy() -> None:
    spec = parse_spec({})
    found = memory.estimate(FACTS, spec, on_gpu=True, starts_as_reference=False)
    assert found is not None
    assert found.reference == found.weights


@pytest.mark.parametrize(
    ("dtype", "on_gpu", "width"),
    [("auto", True, 2), ("auto", False, 4), ("float32", True, 4), ("bfloat16", False, 2)],
)
def test_the_number_format_decides_the_bytes_of_a_weight(
    dtype: str, on_gpu: bool, width: int
) -> None:
    found = memory.estimate(FACTS, parse_spec({"dtype": dtype}), on_gpu=on_gpu)
    assert found is not None
    assert found.weights == width * 4 * 10**9


def test_merged_adapters_keep_the_weights_in_float32() -> None:
    found = memory.estimate(FACTS, parse_spec({}), on_gpu=True, merges=True)
    assert found is not None
    assert found.weights == 4 * 4 * 10**9


def test_an_unknown_model_has_no_estimate_and_no_verdict() -> None:
    found = memory.estimate(ModelFacts("org/m"), parse_spec({}), on_gpu=True)
    assert found is None
    assert memory.verdict(found, Machine("gpu", True, 80 * GIB)) == memory.UNKNOWN


@pytest.mark.parametrize(
    ("needed", "verdict"),
    [(80, memory.FITS), (81, memory.TIGHT), (100, memory.TIGHT), (101, memory.TOO_LARGE)],
)
def test_a_fifth_of_the_memory_is_left_for_activations(needed: int, verdict: str) -> None:
    machine = Machine("gpu", True, 100)
    assert memory.verdict(Estimate(needed, 0, 0), machine) == verdict


def test_a_machine_whose_memory_is_unknown_gives_no_verdict() -> None:
    assert memory.verdict(Estimate(1, 1, 1), Machine("?", False, None)) == memory.UNKNOWN


def test_the_first_device_that_the_driver_lists_is_taken() -> None:
    listed = "NVIDIA H200, 143771\nNVIDIA H200, 143771\n"
    assert memory.parse_gpu(listed) == Machine("NVIDIA H200", True, 143771 * 2**20)


@pytest.mark.parametrize("listed", ["", "No devices were found", "NVIDIA X, [N/A]"])
def test_a_driver_without_a_usable_device_is_no_gpu(listed: str) -> None:
    assert memory.parse_gpu(listed) is None


def test_a_hidden_gpu_leaves_the_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    memory.this_machine.cache_clear()
    found = memory.this_machine()
    memory.this_machine.cache_clear()
    assert not found.is_gpu
    assert found.memory is not None
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 2**20 < found.memory <= physical
