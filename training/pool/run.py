"""A `score` job: log-probabilities of both answers of every pair, a line of `scores.jsonl` each.

What a model says of a pair is kept on disk while it goes on, as that of every reference is: a job
that is resumed, or asked again with the same weights, computes only what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from storage.errors import WrongInputError
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal, StopRequestedError
from training.modeling import devices, inputs
from training.modeling.encoding import EncodedPair
from training.modeling.logprobs import Sums
from training.modeling.rows import PairRow, select
from training.pool import pairs as lines
from training.pool.pairs import PoolPair
from training.runs.reference import Reference, frozen
from training.runs.reference_scores import reference_sums
from training.settings.spec import parse_spec


def score(folder: JobFolder) -> None:
    """Do a `score` job. Raises PairwrightError when a model or a pair cannot be used."""
    journal = Journal(folder)
    try:
        _score(folder, journal)
    except StopRequestedError:
        folder.stop()


def _score(folder: JobFolder, journal: Journal) -> None:
    spec = folder.read_spec()
    settings = parse_spec(spec.settings)
    device = devices.prepare()
    waiting = [_row(pair, number) for number, pair in enumerate(lines.read(folder.pairs_file))]
    loaded = inputs.load_policy(spec, settings, device)
    encoder = inputs.encoder_of(folder, spec, settings, loaded)
    pairs = inputs.encoded(encoder, select(waiting), settings, journal, "pool")
    if not pairs:
        raise WrongInputError(
            f"None of the {len(waiting)} pairs can be scored by this model.",
            "The notes of the job say why.",
        )

    def watching(who: str) -> Callable[[int, int], None]:
        def heartbeat(done: int, total: int) -> None:
            journal.check_stop()
            journal.progress(f"scoring by {who}", done, total)

        return heartbeat

    kept = inputs.kept_scores(
        folder, spec, settings, loaded, shared=False, reference=(spec.model, spec.adapters)
    )
    policy = Reference(loaded.model, adapter_off=False)
    said = reference_sums(encoder, pairs, policy, watching("the checkpoint"), kept=kept)
    against = frozen(inputs.load_reference(spec, loaded, device).model)
    kept = inputs.kept_scores(folder, spec, settings, loaded, shared=False)
    before = reference_sums(encoder, pairs, against, watching("its reference"), kept=kept)
    write(folder.path / "scores.jsonl", pairs, said, before, settings.beta)
    folder.finish(None, None, {"pairs": len(waiting), "scored": len(pairs)})


def write(path: Path, pairs: Sequence[EncodedPair], said: Sums, before: Sums, beta: float) -> None:
    """One JSON line per pair: nats summed over the tokens of answer A and of answer B."""
    found: list[dict[str, Any]] = [
        {
            "pair_id": pair.row.pair_id,
            "a_logp": float(said.chosen[at]),
            "b_logp": float(said.rejected[at]),
            "reference_a_logp": float(before.chosen[at]),
            "reference_b_logp": float(before.rejected[at]),
            "a_tokens": pair.chosen_tokens,
            "b_tokens": pair.rejected_tokens,
            "beta": beta,
        }
        for at, pair in enumerate(pairs)
    ]
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text("".join(json.dumps(one) + "\n" for one in found), encoding="utf-8")
    temporary.replace(path)


def _row(pair: PoolPair, group: int) -> PairRow:
    """A stands where the chosen answer of a labeled row does; nothing here takes it for better."""
    parts = [part for turn in pair.prompt.turns for part in turn.parts]
    return PairRow(
        pair_id=pair.pair_id,
        category=pair.prompt.category,
        split="all",
        turns=pair.prompt.turns,
        images=tuple(part.media for part in parts if part.type == "image"),
        videos=tuple(part.media for part in parts if part.type == "video"),
        chosen=pair.a,
        rejected=pair.b,
        group=group,
    )
