"""What a model to start from is and whether it fits this machine, in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.views import wording
from storage.rows import Model
from training.modeling import model_facts
from training.modeling.model_facts import ModelFacts
from training.runs import memory
from training.runs.memory import GIB, Estimate, Machine
from training.settings.spec import DPOSpec, parse_spec

METHODS = ("lora", "full")
MIB = 2**20
TIP = (
    "Start with an Instruct model for conversation; choose a Thinking model for tasks that need "
    "step-by-step reasoning. This name tells neither."
)
_VERDICTS = {
    memory.FITS: "It fits.",
    memory.TIGHT: "That is tight: activations may not fit. Lower batch_size, or use a smaller one.",
    memory.TOO_LARGE: "It does not fit. Use lora, bfloat16, or a smaller model.",
    memory.UNKNOWN: "Whether it fits is unknown.",
}


@dataclass(frozen=True)
class ModelLine:
    """A model in the list.

    Attributes:
        parameters: such as `4.44 B`; size: bytes of its files, such as `8.3 GiB`.
        lora, full: what a training needs without activations, and whether it fits.
        note: what its name or its files tell; empty for nothing.
    """

    name: str
    location: str
    family: str
    parameters: str
    size: str
    lora: str
    full: str
    note: str


@dataclass(frozen=True)
class StartFacts:
    """The chosen start on the Train page, a sentence each; empty where nothing is known.

    `fits` is one of the verdicts of training.runs.memory.
    """

    what: str
    kind: str
    need: str
    fits: str


def line(name: str, location: str, machine: Machine) -> ModelLine:
    """The facts of a registered model for a list."""
    facts = model_facts.read(location, name)
    needs = _needs(facts, machine)
    return ModelLine(
        name=name,
        location=location,
        family=facts.family,
        parameters=amount(facts.parameters),
        size=size(facts.size),
        lora=_short(needs["lora"], machine),
        full=_short(needs["full"], machine),
        note=" ".join(filter(None, (facts.kind, facts.trouble))),
    )


def as_result(model: Model, machine: Machine) -> dict[str, Any]:
    """What `model list --json` prints about a model; sizes in bytes, null where unknown."""
    facts = model_facts.read(model.location, model.name)
    needs = _needs(facts, machine)
    return {
        **vars(model),
        **{key: value for key, value in vars(facts).items() if key != "location"},
        "needs": {
            method: {
                "bytes": needed.total if needed else None,
                "verdict": memory.verdict(needed, machine),
            }
            for method, needed in needs.items()
        },
    }


def start(
    name: str,
    location: str,
    settings: DPOSpec,
    machine: Machine,
    *,
    starts_as_reference: bool,
    merges: bool,
) -> StartFacts:
    """The facts of the weights under a start, and what training from it needs.

    `merges` says that the start has adapters, which a run merges into the weights first.
    """
    facts = model_facts.read(location, name)
    needed = memory.estimate(
        facts,
        settings,
        on_gpu=machine.is_gpu,
        starts_as_reference=starts_as_reference,
        merges=merges,
    )
    verdict = memory.verdict(needed, machine)
    return StartFacts(
        what=_what(facts),
        kind=facts.kind or ("" if facts.parameters is None else TIP),
        need=_sentence(settings.method, needed, machine, verdict),
        fits=verdict,
    )


def amount(count: int | None) -> str:
    """`1.36 M`, `4.44 B`; n/a for None."""
    if count is None:
        return wording.NOT_AVAILABLE
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return str(count)


def size(bytes_: int | None) -> str:
    """`5.2 MiB`, `8.3 GiB`; n/a for None."""
    if bytes_ is None:
        return wording.NOT_AVAILABLE
    return f"{bytes_ / GIB:,.1f} GiB" if bytes_ >= GIB else f"{bytes_ / MIB:,.1f} MiB"


def _needs(facts: ModelFacts, machine: Machine) -> dict[str, Estimate | None]:
    """What a training from the bare model needs with default settings, by method."""
    return {
        method: memory.estimate(facts, parse_spec({"method": method}), on_gpu=machine.is_gpu)
        for method in METHODS
    }


def _what(facts: ModelFacts) -> str:
    if facts.trouble:
        return facts.trouble
    sees = "sees pictures" if facts.sees else "text only"
    family = facts.family or "unknown family"
    return (
        f"{family}, {sees}, {amount(facts.parameters)} parameters, {size(facts.size)} "
        f"as {facts.dtype}."
    )


def _short(needed: Estimate | None, machine: Machine) -> str:
    if needed is None:
        return memory.UNKNOWN
    return f"{size(needed.total)}, {memory.verdict(needed, machine)}"


def _sentence(method: str, needed: Estimate | None, machine: Machine, verdict: str) -> str:
    if needed is None:
        return _VERDICTS[memory.UNKNOWN]
    parts = [
        f"weights {size(needed.weights)}",
        f"{'adapter' if method == 'lora' else 'gradients'} and optimizer {size(needed.trained)}",
        *([f"reference {size(needed.reference)}"] if needed.reference else []),
    ]
    return (
        f"Training needs about {size(needed.total)} besides activations ({', '.join(parts)}); "
        f"this machine has {size(machine.memory)} ({machine.name}). {_VERDICTS[verdict]}"
    )
