"""Supervised lessons: batches of pictures with questions and answers, and how they are taught."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch.nn.functional import cross_entropy, rms_norm
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from examples.shapes.architecture import ASSISTANT, END, IMAGE, USER
from examples.shapes.asking import ask
from examples.shapes.questions import CATEGORIES, Question
from examples.shapes.world import CELL, COLOURS, SHAPES, SIDE, Scene, draw, scenes

PATCHES = (SIDE // CELL) ** 2
# What is named of every cell, in the decoder's own words: colour, shape, row and column.
_NAMES = (
    ("empty", *COLOURS),
    ("empty", *SHAPES),
    ("top", "middle", "bottom"),
    ("left", "centre", "right"),
)
_PARTS = 3


@dataclass(frozen=True)
class Lesson:
    """One picture with one question and the answer to learn (right or not)."""

    scene: Scene
    question: Question
    answer: str


@dataclass(frozen=True)
class Batch:
    """Lessons as tensors.

    `pixels` is uint8 [rows, 96, 96, 3]; `tokens` is int64 [rows, length], padded on the right;
    `taught` is bool [rows, length]: which tokens are part of an answer. `cells` is int64
    [rows, 9, 4]: colour and shape in every cell (0 for an empty one), its row and its column.
    """

    pixels: torch.Tensor
    tokens: torch.Tensor
    taught: torch.Tensor
    cells: torch.Tensor


@dataclass(frozen=True)
class Course:
    """How long and how hard to learn.

    `sight` is the weight of naming what every cell holds. Without `tower` the vision tower stays
    as it is, which saves a quarter of the time.
    """

    steps: int
    rows: int
    rate: float
    warmup: int
    sight: float = 0.0
    tower: bool = True


@dataclass(frozen=True)
class Progress:
    """Where a course stands: mean losses of the last 50 steps, seconds since its begin."""

    step: int
    loss: float
    sight: float
    seconds: float

    def __str__(self) -> str:
        losses = f"loss {self.loss:.4f} sight {self.sight:.4f}"
        return f"step {self.step} {losses} {self.seconds:.0f} s"


Answerer = Callable[[Question, Random], str]


def lessons(
    seed: int, answerer: Answerer, emphasis: Mapping[str, float] | None = None
) -> Iterator[Lesson]:
    """Yield lessons without end: four questions to every school scene.

    `emphasis` says how much more often than once a category is asked about.
    """
    weights = [(emphasis or {}).get(category, 1.0) for category in CATEGORIES]
    random = Random(f"lessons {seed}")
    for scene in scenes("school", seed):
        for category in random.choices(CATEGORIES, weights, k=4):
            question = ask(scene, category, random)
            yield Lesson(scene, question, answerer(question, random))


def batches(
    source: Iterator[Lesson], processor: LlavaProcessor, rows: int
) -> Iterator[tuple[Batch, ...]]:
    """Batches of `rows` mixed lessons, each cut into parts of similar length to save padding.

    Batches that are sorted as a whole hold one kind of question each and teach much slower.
    """
    tokenizer: Any = processor.tokenizer
    while True:
        chosen = []
        for lesson in (next(source) for _ in range(rows)):
            prompt = f"{USER}{IMAGE * PATCHES}{lesson.question.text}{END}{ASSISTANT}"
            texts = (prompt, lesson.answer + END)
            chosen.append((lesson, *tokenizer(list(texts))["input_ids"]))
        chosen.sort(key=lambda entry: len(entry[1]) + len(entry[2]))
        size = math.ceil(rows / _PARTS)
        starts = range(0, rows, size)
        yield tuple(_batch(chosen[at : at + size], tokenizer.pad_token_id) for at in starts)


def teach(
    model: LlavaForConditionalGeneration,
    processor: LlavaProcessor,
    source: Iterator[tuple[Batch, ...]],
    course: Course,
    report: Callable[[Progress], None],
) -> None:
    """Train in place with AdamW and a cosine schedule; report every 50 steps."""
    words = _word_ids(processor)
    model.model.vision_tower.requires_grad_(course.tower)
    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=course.rate, betas=(0.9, 0.95), weight_decay=0.05)
    began = time.monotonic()
    model.train()
    total, sight = 0.0, 0.0
    for step in range(1, course.steps + 1):
        rate = _rate(course, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        parts = next(source)
        taught = sum(int(part.taught.sum()) for part in parts)
        for part in parts:
            loss, seen = _losses(model, words, part)
            loss, seen = loss / taught, seen / len(parts)
            torch.autograd.backward(loss + course.sight * seen)
            total, sight = total + loss.item(), sight + seen.item()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 50 == 0:
            report(Progress(step, total / 50, sight / 50, time.monotonic() - began))
            total, sight = 0.0, 0.0
    model.eval()


def pixel_values(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels uint8 [rows, height, width, 3] as the processor gives them to the model."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0


def _rate(course: Course, step: int) -> float:
    if step < course.warmup:
        return course.rate * step / course.warmup
    progress = (step - course.warmup) / max(1, course.steps - course.warmup)
    return course.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def _losses(
    model: LlavaForConditionalGeneration, words: list[torch.Tensor], batch: Batch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed cross-entropy of the answers, and the mean one of naming cells from the tower."""
    output = model.model(input_ids=batch.tokens, pixel_values=pixel_values(batch.pixels))
    asked = batch.taught[:, 1:]
    logits = model.lm_head(output.last_hidden_state[:, :-1][asked])
    features = output.image_hidden_states
    features = rms_norm(features, features.shape[-1:])
    embedding = model.get_input_embeddings().weight
    cells = batch.cells.flatten(0, 1)
    parts = [
        cross_entropy(features @ embedding[ids].T, cells[:, index])
        for index, ids in enumerate(words)
    ]
    spoken = cross_entropy(logits, batch.tokens[:, 1:][asked], reduction="sum")
    return spoken, torch.stack(parts).sum()


def _word_ids(processor: LlavaProcessor) -> list[torch.Tensor]:
    """The tokens of the words that name cells, as they occur inside a sentence."""
    tokenizer: Any = processor.tokenizer
    ids = []
    for words in _NAMES:
        tokens = [tokenizer(" " + word)["input_ids"] for word in words]
        if any(len(each) != 1 for each in tokens):
            raise ValueError(f"The vocabulary cuts one of {words} into pieces.")
        ids.append(torch.tensor([each[0] for each in tokens]))
    return ids


def _batch(rows: list[tuple[Lesson, list[int], list[int]]], pad: int) -> Batch:
    length = max(len(prompt) + len(answer) for _, prompt, answer in rows)
    tokens = torch.full((len(rows), length), pad)
    taught = torch.zeros((len(rows), length), dtype=torch.bool)
    for index, (_, prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        tokens[index, :end] = torch.tensor(prompt + answer)
        taught[index, len(prompt) : end] = True
    pictures = b"".join(draw(lesson.scene).tobytes() for lesson, _, _ in rows)
    pixels = torch.frombuffer(bytearray(pictures), dtype=torch.uint8).view(-1, SIDE, SIDE, 3)
    cells = torch.tensor([_cells(lesson.scene) for lesson, _, _ in rows])
    return Batch(pixels, tokens, taught, cells)


def _cells(scene: Scene) -> list[tuple[int, int, int, int]]:
    cells = [(0, 0, place // 3, place % 3) for place in range(PATCHES)]
    for thing in scene.things:
        colour, shape = COLOURS.index(thing.colour), SHAPES.index(thing.shape)
        cells[thing.cell] = (1 + colour, 1 + shape, thing.row, thing.column)
    return cells
