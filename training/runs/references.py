"""What a run measures against: its reference as data, and other references beside it."""

from __future__ import annotations

import numpy as np

from training.answers import drawing
from training.measuring import on_policy
from training.measuring.measurement import Beside, Evaluator
from training.measuring.on_policy import OnPolicy
from training.modeling import inputs
from training.modeling.inputs import Place
from training.modeling.logprobs import Sums
from training.runs.assembly import Assembly, Run, heartbeat
from training.runs.losses import Loss
from training.runs.reference import Reference, frozen
from training.runs.reference_scores import KeptScores, reference_sums


def reference_of(run: Run, assembly: Assembly) -> Reference:
    """The policy with its adapter off where that is the reference, else a model of its own."""
    if run.settings.method == "lora" and inputs.starts_as_reference(run.spec):
        return Reference(assembly.made.model, adapter_off=True)
    return frozen(inputs.load_reference(run.spec, assembly.loaded, run.device).model)


def kept_scores(run: Run, assembly: Assembly, place: Place | None = None) -> KeptScores:
    """Where the scores of the reference, or of the model at another place, are kept."""
    return inputs.kept_scores(
        run.folder,
        run.spec,
        run.settings,
        assembly.loaded,
        shared=assembly.sharing.attention is not None,
        reference=place,
    )


def training_data(run: Run, assembly: Assembly, reference: Reference, kept: KeptScores) -> Sums:
    """What the loss gets of the reference: zeros when it leaves it out."""
    if run.settings.reference_free:
        return Sums(np.zeros(len(assembly.pairs)), np.zeros(len(assembly.pairs)))
    return reference_sums(
        assembly.encoder,
        assembly.pairs,
        reference,
        heartbeat(run, "reference"),
        attention=assembly.sharing.attention,
        kept=kept,
        ranks=run.ranks,
    )


def evaluator(
    run: Run, assembly: Assembly, reference: Reference, kept: KeptScores
) -> Evaluator | None:
    """Measures the policy on the held-out pairs; None without any."""
    if not assembly.heldout:
        run.journal.note("There are no held-out pairs: nothing is measured while training.")
        return None
    return Evaluator(
        assembly.encoder,
        assembly.heldout,
        reference,
        labels=inputs.dataset_of(run.spec).labels,
        reference_name=run.settings.reference_model,
        beta=run.settings.beta,
        heartbeat=heartbeat(run, "evaluating"),
        attention=assembly.sharing.attention,
        kept=kept,
        # without a name here: a model that is let go must not stay in this frame
        beside=_beside(run, assembly),
        loss=Loss.of(run.settings),
        ranks=run.ranks,
    )


def on_policy_of(run: Run, assembly: Assembly, reference: Reference) -> OnPolicy | None:
    chosen = on_policy.asked(assembly.heldout, run.settings.on_policy_prompts)
    if not chosen:
        return None
    return OnPolicy(
        assembly.encoder,
        chosen,
        reference,
        run.settings.reference_model,
        drawing.tokens_of(assembly.loaded),
        run.settings.seed,
        heartbeat(run, "evaluating"),
        assembly.sharing.attention,
    )


def _beside(run: Run, assembly: Assembly) -> list[Beside]:
    """Base and round start, where they are other models than the reference."""
    spec, found = run.spec, list[Beside]()
    start: Place = spec.model, spec.adapters
    base: Place = spec.base, ()

    def loaded(place: Place) -> Reference:
        return frozen(inputs.load_as(place, assembly.loaded, run.device).model)

    if not inputs.starts_as_reference(spec):
        free = run.settings.method == "lora"
        model = Reference(assembly.made.model, adapter_off=True) if free else loaded(start)
        found.append(Beside("round_start", model, kept_scores(run, assembly, start), stays=free))
    if spec.base and base not in (start, inputs.reference_of(spec)):
        found.append(Beside("base", loaded(base), kept_scores(run, assembly, base), stays=False))
    return found
