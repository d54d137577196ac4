"""Evaluate a model or a checkpoint on a split of a dataset version, without training it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from training.answers import answering
from training.jobs.folder import JobFolder, RunSpec
from training.jobs.journal import Journal, StopRequestedError
from training.measuring import blanking
from training.measuring.figures import Figure
from training.measuring.measurement import Evaluator
from training.modeling import devices, inputs, rows
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.logprobs import Sums
from training.modeling.models import Loaded
from training.modeling.sources import Source
from training.runs.losses import Loss
from training.runs.reference import Reference, frozen
from training.runs.reference_scores import Heartbeat
from training.settings.spec import DPOSpec, parse_spec


def evaluate(folder: JobFolder) -> None:
    """Do an `evaluate` job: one metric event, `scores.jsonl`, and the figures as result.

    Raises PairwrightError when the model, the dataset or a picture cannot be used.
    """
    journal = Journal(folder)
    try:
        _evaluate(folder, journal)
    except StopRequestedError:
        folder.stop()


@dataclass(frozen=True)
class _Subject:
    """What is measured, on which pairs, and against what."""

    spec: RunSpec
    settings: DPOSpec
    loaded: Loaded
    source: Source
    encoder: Encoder
    pairs: tuple[EncodedPair, ...]
    reference: Reference
    labels: str
    heartbeat: Heartbeat


def _evaluate(folder: JobFolder, journal: Journal) -> None:
    subject = _subject(folder, journal)
    spec, settings, loaded = subject.spec, subject.settings, subject.loaded
    evaluator = Evaluator(
        subject.encoder,
        subject.pairs,
        subject.reference,
        labels=subject.labels,
        reference_name=settings.reference_model,
        beta=settings.beta,
        heartbeat=subject.heartbeat,
        loss=Loss.of(settings),
        kept=inputs.kept_scores(folder, spec, settings, loaded, shared=False),
    )
    measured = evaluator.measure(loaded.model)
    evaluator.write_scores(folder.path / "scores.jsonl", measured)
    figures = dict(measured.figures)
    if spec.blank_pictures:
        figures |= _blanked(subject, (measured.sums, evaluator.reference_sums))
    if spec.answers:
        figures |= _answered(subject, folder)
    told: dict[str, Any] = {name: figure.as_json() for name, figure in figures.items()}
    journal.metric(0, 0.0, spec.split, told)
    told["by_category"] = evaluator.by_category(measured.sums)
    told["calibration"] = evaluator.reliability(measured.sums)
    folder.finish(None, None, told)


def _subject(folder: JobFolder, journal: Journal) -> _Subject:
    spec = folder.read_spec()
    settings = parse_spec(spec.settings)
    dataset = inputs.dataset_of(spec)
    device = devices.prepare()
    chosen = rows.select(rows.of_split(inputs.read_rows(spec), spec.split))
    loaded = inputs.load_policy(spec, settings, device)
    source = inputs.source_of(folder, spec, settings)
    encoder = Encoder(loaded, source, settings.train_on_thought)
    pairs = inputs.encoded(encoder, chosen, settings, journal, spec.split)
    inputs.require_pairs(pairs, spec.split, dataset)
    if inputs.starts_as_reference(spec):
        reference = Reference(loaded.model, adapter_off=False)
    else:
        reference = frozen(inputs.load_reference(spec, loaded, device).model)

    def heartbeat(done: int, total: int) -> None:
        journal.check_stop()
        journal.progress("evaluating", done, total)

    labels = dataset.labels
    return _Subject(spec, settings, loaded, source, encoder, pairs, reference, labels, heartbeat)


def _blanked(subject: _Subject, seen: tuple[Sums, Sums]) -> dict[str, Figure]:
    found = blanking.measure(
        subject.loaded,
        subject.source,
        subject.pairs,
        subject.reference,
        seen,
        subject.labels,
        subject.heartbeat,
    )
    return _against(subject, found)


def _answered(subject: _Subject, folder: JobFolder) -> dict[str, Figure]:
    """Figures of answers, which are left in the job folder too."""
    answered = answering.answer(
        subject.loaded,
        subject.encoder,
        subject.pairs,
        subject.reference,
        subject.spec.answers,
        subject.heartbeat,
    )
    answering.write(answered, folder.path / answering.FILE)
    embed = answering.embedding(subject.loaded, subject.reference)
    return _against(subject, answering.measure(answered, subject.labels, embed))


def _against(subject: _Subject, found: Mapping[str, Figure]) -> dict[str, Figure]:
    name = subject.settings.reference_model
    return {key: replace(figure, reference=name) for key, figure in found.items()}
