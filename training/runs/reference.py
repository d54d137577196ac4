"""The reference model: what the implicit reward and the KL are measured against.

When a run adds a LoRA to the very weights that are its reference, the reference is the policy with
the adapter off, and no second model is kept. Otherwise it is a frozen model of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """A reference: `model` with its adapter off (`adapter_off`), or `model` as it is."""

    model: Any
    adapter_off: bool

    @contextmanager
    def active(self) -> Iterator[Any]:
        """The model to run, in evaluation mode, for as long as the block lasts."""
        was_training = self.model.training
        if was_training:
            self.model.eval()
        try:
            if self.adapter_off:
                with self.model.disable_adapter():
                    yield self.model
            else:
                yield self.model
        finally:
            if was_training:
                self.model.train()


def frozen(model: Any) -> Reference:
    """A model of its own that never changes."""
    model.requires_grad_(False)
    return Reference(model, adapter_off=False)
