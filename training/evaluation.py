"""Evaluate a model or a checkpoint on a split of a dataset version, without training it."""

from __future__ import annotations

from training import devices, inputs, rows
from training.folder import JobFolder
from training.journal import Journal, StopRequestedError
from training.measurement import Evaluator
from training.reference import Reference, frozen
from training.spec import parse_spec


def evaluate(folder: JobFolder) -> None:
    """Do an `evaluate` job: one metric event, `scores.jsonl`, and the figures as result.

    Raises PairwrightError when the model, the dataset or a picture cannot be used.
    """
    journal = Journal(folder)
    try:
        _evaluate(folder, journal)
    except StopRequestedError:
        folder.stop()


def _evaluate(folder: JobFolder, journal: Journal) -> None:
    spec = folder.read_spec()
    settings = parse_spec(spec.settings)
    dataset = inputs.dataset_of(spec)
    device = devices.prepare()
    chosen = rows.select(rows.of_split(inputs.read_rows(spec), spec.split))
    loaded = inputs.load_policy(spec, settings, device)
    encoder = inputs.encoder_of(spec, settings, loaded)
    pairs = inputs.encoded(encoder, chosen, settings, journal, spec.split)
    inputs.require_pairs(pairs, spec.split, dataset)
    if inputs.starts_as_reference(spec):
        reference = Reference(loaded.model, adapter_off=False)
    else:
        reference = frozen(inputs.load_reference(spec, loaded, device).model)

    def heartbeat(done: int, total: int) -> None:
        journal.check_stop()
        journal.progress("evaluating", done, total)

    evaluator = Evaluator(
        encoder,
        pairs,
        reference,
        labels=dataset.labels,
        reference_name=settings.reference_model,
        beta=settings.beta,
        heartbeat=heartbeat,
    )
    measured = evaluator.measure(loaded.model)
    evaluator.write_scores(folder.path / "scores.jsonl", measured)
    journal.metric(0, 0.0, spec.split, measured.as_json())
    folder.finish(None, None, measured.as_json())
