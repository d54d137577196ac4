"""Greedy answers of the policy and of its reference to the same prompts: before and after.

They are told by length, refusals, formats, and by how close they are to the chosen answer of their
pair, with the change from prompt to prompt and its interval.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.answers import drawing
from training.measuring import behaviour, figures, on_policy, overlap
from training.measuring.figures import DRAWS, Array, Figure
from training.measuring.overlap import Vectors
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.runs.reference import Reference
from training.runs.reference_scores import Heartbeat
from training.runs.shared_prompts import unwrapped

_AT_ONCE = 16
MOST_TOKENS = 256
FILE = "answers.jsonl"

Embed = Callable[[str], Vectors]


@dataclass(frozen=True)
class Answer:
    """A text, and whether it was cut off before its end."""

    text: str
    cut: bool


@dataclass(frozen=True)
class Answered:
    """One prompt with the answers of both models."""

    pair: EncodedPair
    before: Answer
    after: Answer

    @property
    def question(self) -> str:
        """The text of the last turn of the user."""
        asked = [turn for turn in self.pair.row.turns if turn.role == "user"]
        return "".join(part.text for part in asked[-1].parts) if asked else ""


def answer(
    loaded: Loaded,
    encoder: Encoder,
    pairs: Sequence[EncodedPair],
    reference: Reference,
    most: int,
    heartbeat: Heartbeat,
) -> list[Answered]:
    """Let both models answer the first `most` different prompts of the fixed order."""
    chosen = on_policy.asked(pairs, most)
    found: list[Answered] = []
    for start in range(0, len(chosen), _AT_ONCE):
        heartbeat(start, len(chosen))
        some = chosen[start : start + _AT_ONCE]
        after = _answers(loaded.model, loaded, encoder, some)
        with reference.active() as model:
            before = _answers(model, loaded, encoder, some)
        found += [Answered(*each) for each in zip(some, before, after, strict=True)]
    return found


def measure(answered: Sequence[Answered], labels: str, embed: Embed) -> dict[str, Figure]:
    """Every figure of the policy's answers, of the reference's as `start_...`, and the change.

    Those about a reference text take the chosen answer of the pair as that text; `labels` says who
    chose it. `embed` gives the vectors of a text's tokens (tokens x width).
    """
    groups = [one.pair.row.group for one in answered]
    found: dict[str, Figure] = {}
    for name, (who, rate) in _rates(labels, embed).items():
        values = [(rate(one, one.before), rate(one, one.after)) for one in answered]
        known = [at for at, pair in enumerate(values) if None not in pair]
        before: Array = np.array([values[at][0] for at in known], dtype=np.float64)
        after: Array = np.array([values[at][1] for at in known], dtype=np.float64)
        some = [groups[at] for at in known]
        found |= {
            name: figures.mean(after, who, some),
            f"start_{name}": figures.mean(before, who, some),
            f"{name}_change": figures.mean(after - before, who, some),
        }
    return found | _bleu(answered, labels, groups)


def write(answered: Sequence[Answered], path: Path) -> None:
    """One JSON line per prompt: the pair, the category, both answers and the chosen one."""
    lines = []
    for one in answered:
        row = one.pair.row
        line = {
            "pair_id": row.pair_id,
            "category": row.category,
            "question": one.question,
            "reference": one.before.text,
            "policy": one.after.text,
            "chosen": row.chosen,
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


def embedding(loaded: Loaded, reference: Reference) -> Embed:
    """The last hidden states of the reference's decoder over a text alone, kept by text."""
    kept: dict[str, Vectors] = {}

    @torch.no_grad()
    def embed(text: str) -> Vectors:
        if text not in kept:
            ids = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
            with reference.active() as model:
                kept[text] = _states(model, ids)
        return kept[text]

    return embed


def _states(model: Any, ids: Sequence[int]) -> Vectors:
    decoder = unwrapped(model).get_decoder()
    if not ids:
        return np.zeros((0, 1))
    tokens = torch.tensor([list(ids)], device=next(decoder.parameters()).device)
    states = decoder(input_ids=tokens, use_cache=False).last_hidden_state[0]
    return np.asarray(states.float().cpu().numpy(), dtype=np.float64)


def _answers(
    model: Any, loaded: Loaded, encoder: Encoder, pairs: Sequence[EncodedPair]
) -> list[Answer]:
    known = drawing.tokens_of(loaded)
    prompts = [pair.prompt for pair in pairs]
    drawn = drawing.answers(model, encoder, prompts, known, MOST_TOKENS, greedy=True)
    texts = loaded.tokenizer.batch_decode(drawn, skip_special_tokens=True)
    return [
        Answer(text.strip(), cut=tokens[-1] not in known.ends)
        for text, tokens in zip(texts, drawn, strict=True)
    ]


_Rate = Callable[[Answered, Answer], float | None]


def _rates(labels: str, embed: Embed) -> Mapping[str, tuple[str, _Rate]]:
    """figure -> whose judgement it holds, and its value for an answer; None where it has none."""

    def violates(one: Answered, given: Answer) -> float | None:
        kept = behaviour.keeps_format(one.question, given.text)
        return None if kept is None else float(not kept)

    rules, own = "rules of the program", on_policy.LABELS
    return {
        "answer_words": (own, lambda one, given: float(behaviour.words(given.text))),
        "refusal_rate": (rules, lambda one, given: float(behaviour.is_refusal(given.text))),
        "cut_off_rate": (rules, lambda one, given: float(given.cut)),
        "format_violation_rate": (rules, violates),
        "token_f1": (
            labels,
            lambda one, given: overlap.token_f1(given.text, one.pair.row.chosen),
        ),
        "box_iou": (labels, lambda one, given: overlap.box_iou(given.text, one.pair.row.chosen)),
        "embedding_f1": (
            labels,
            lambda one, given: overlap.embedding_f1(embed(given.text), embed(one.pair.row.chosen)),
        ),
    }


def _bleu(answered: Sequence[Answered], labels: str, groups: Sequence[int]) -> dict[str, Figure]:
    """Corpus BLEU is no mean: its counts are resampled by group, the same for before and after."""
    if not answered:
        nothing = Figure(None, None, 0, labels, "no pairs")
        return {name: nothing for name in ("bleu", "start_bleu", "bleu_change")}
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    count = int(index.max()) + 1
    random = np.random.default_rng(0)
    weights = random.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    values, drawn = [], []
    for name in ("after", "before"):
        counts = np.zeros((count, overlap.BLEU_COUNTS))
        rows = [
            overlap.bleu_counts(getattr(one, name).text, [one.pair.row.chosen]) for one in answered
        ]
        np.add.at(counts, index, np.array(rows))
        values.append(overlap.bleu_of(counts.sum(axis=0)))
        drawn.append(np.array([overlap.bleu_of(one) for one in weights @ counts]))
    n = len(answered)

    def figure(value: float, draws: Array) -> Figure:
        if count < 2:
            return Figure(value, None, n, labels, "one group of pairs has no interval")
        low, high = np.percentile(draws, [2.5, 97.5])
        return Figure(value, (float(low), float(high)), n, labels)

    return {
        "bleu": figure(values[0], drawn[0]),
        "start_bleu": figure(values[1], drawn[1]),
        "bleu_change": figure(values[0] - values[1], drawn[0] - drawn[1]),
    }
