"""What draws answers: transformers, which is always there, or vLLM where it is installed."""

from __future__ import annotations

import importlib.util

from storage.errors import WrongInputError

TRANSFORMERS, VLLM = "transformers", "vllm"


def check(engine: str) -> None:
    """Raise WrongInputError, before anything waits, for an engine that is not installed."""
    if engine == VLLM and importlib.util.find_spec("vllm") is None:
        raise missing()


def missing() -> WrongInputError:
    """What is said where the package is not there."""
    return WrongInputError(
        "engine is vllm, and the package vllm is not installed.",
        "Install it where the worker runs (pip install vllm), or use engine transformers.",
    )
