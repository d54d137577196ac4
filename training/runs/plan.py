"""What a training will need, before it starts: lengths, batches, steps, memory, hours and money.

The runner measures (see `planning`), this module holds the figures and the arithmetic. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.runs.memory import GIB

# share of a device's memory that a plan may fill; the rest goes to fragments
USABLE = 0.9
# share of a device's peak that a plan counts on. Published for a comparable run: 1.13 pairs a
# second and GPU with Qwen2.5-VL-7B (ms-swift's example padding_free/dpo_vlm.sh) is about 0.3 of an
# A100's peak, by the arithmetic below
ASSUMED_SHARE = 0.3


@dataclass(frozen=True)
class Device:
    """A device to rent: its dense bfloat16 peak (operations a second) and memory (bytes).

    Sources: NVIDIA's data sheets of A100 80GB SXM and H100 SXM.
    """

    key: str
    name: str
    peak: float
    memory: int


DEVICES = (
    Device("a100", "A100 80 GB", 312e12, 80 * GIB),
    Device("h100", "H100 80 GB", 989e12, 80 * GIB),
)


@dataclass(frozen=True)
class Lengths:
    """Tokens of a pair's longer sequence, picture tokens included, over the training pairs."""

    median: int
    p95: int
    longest: int
    pictures: int


@dataclass(frozen=True)
class Batches:
    """`batch_size` pairs at once, `accumulation` times, make an update of `together` pairs.

    `largest` is the largest batch with the same update that the memory holds; None when unknown.
    """

    batch_size: int
    accumulation: int
    together: int
    largest: int | None


@dataclass(frozen=True)
class Memory:
    """Bytes on the device at the fullest moment of a batch of `batch_size`; None when unknown."""

    device: str
    has: int | None
    needs: int | None
    per_pair: int | None


@dataclass(frozen=True)
class Work:
    """Passes over tokens of the whole job, in tokens of the decoder."""

    trained: int
    forward: int


@dataclass(frozen=True)
class Offer:
    """The job on a machine.

    Attributes:
        cost: hours times price.
        basis: where the hours come from.
        holds: a verdict of `memory`, about weights and optimizer, or about all where measured.
    """

    machine: str
    hours: float
    price: float
    cost: float
    basis: str
    holds: str


@dataclass(frozen=True)
class Plan:
    """See the module. `notes` are the sentences that the run would show."""

    train: int
    holdout: int
    lengths: Lengths
    batches: Batches
    epoch_steps: int
    steps: int
    evaluations: int
    memory: Memory
    work: Work
    offers: tuple[Offer, ...]
    vision_cache: int | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Plan:
        """Raises KeyError or TypeError for what no plan wrote."""
        parts = {
            "lengths": Lengths(**data["lengths"]),
            "batches": Batches(**data["batches"]),
            "memory": Memory(**data["memory"]),
            "work": Work(**data["work"]),
            "offers": tuple(Offer(**one) for one in data["offers"]),
            "notes": tuple(data["notes"]),
        }
        return cls(**{**data, **parts})


@dataclass(frozen=True)
class Shape:
    """What decides how many operations a pass takes.

    Attributes:
        decoder: weights that every token goes through; `vision`: those of tower and projector.
        layers, hidden: of the decoder, for its attention.
        patches_per_token: patches of a picture that become one token of the decoder.
    """

    decoder: int
    vision: int
    layers: int
    hidden: int
    patches_per_token: float


def operations(shape: Shape, tokens: int, rows: int, picture_tokens: int) -> float:
    """Operations of one forward pass: two a weight and token, and attention over rows.

    Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1.
    """
    if not rows:
        return 0.0
    decoder = 2.0 * shape.decoder * tokens
    attention = 4.0 * shape.layers * shape.hidden * tokens * (tokens / rows)
    vision = 2.0 * shape.vision * picture_tokens * shape.patches_per_token
    return decoder + attention + vision


def passes_of_a_step(method: str, checkpointing: bool) -> int:
    """Forward passes that a step costs: backward to the inputs, to the weights, and again."""
    return 2 + (method == "full") + checkpointing


def percentile(values: list[int], share: float) -> int:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
