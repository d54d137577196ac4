"""The sentence about a run's losses, on curves whose story is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from console.views import curves, losses
from storage.rows import JobEvent

LN2 = math.log(2)
FALLING = (LN2, 0.66, 0.62, 0.58, 0.55)
RISING = (LN2, 0.62, 0.58, 0.63, 0.70)
EVEN = (LN2, 0.69, 0.691, 0.692, 0.69)


def said(
    training: Sequence[float | None], validation: Sequence[float | None], *, final: bool = True
) -> str:
    """The sentence for a loss at every step, and a measurement every ten steps from 0 on."""
    events = [event(at + 1, "train", "loss", value) for at, value in enumerate(training)]
    events += [
        event(10 * at, "holdout", "validation_loss", value) for at, value in enumerate(validation)
    ]
    return losses.sentence(curves.panels(events, {})[0], is_final=final)


def event(step: int, split: str, name: str, value: float | None) -> JobEvent:
    sequence = 2 * step + (split == "train")
    payload = {"step": step, "epoch": 0.1, "split": split, "values": {name: value}}
    return JobEvent("job", 1, sequence, "metric", payload, 0)


def noisy(shape: Callable[[float], float], points: int = 40, spread: float = 0.05) -> list[float]:
    """`shape` of 0 to 1, with the noise of batches."""
    draw = random.Random(5)
    return [shape(at / points) + draw.gauss(0, spread) for at in range(points)]


def down(at: float) -> float:
    return LN2 - 0.25 * at


def up(at: float) -> float:
    return LN2 + 0.4 * at


def level(at: float) -> float:
    return LN2


@pytest.mark.parametrize(
    ("shape", "validation", "words"),
    [
        (down, FALLING, "both losses fall: the model is learning"),
        (down, RISING, "the model is over-fitting. Stop, or train fewer epochs"),
        (down, EVEN, "does not carry over to the held-out pairs"),
        (level, EVEN, "the model is not learning. Raise the learning rate, or add data"),
        (up, (LN2, 0.7, 0.75, 0.8, 0.9), "both losses rise: training is unstable"),
    ],
)
def test_the_sentence_names_what_the_curves_do(
    shape: Callable[[float], float], validation: Sequence[float], words: str
) -> None:
    assert words in said(noisy(shape), validation)


def test_the_numbers_stand_beside_the_verdict_with_their_counts() -> None:
    text = said(noisy(down, spread=0.0), RISING)
    assert "Training 0.665 to 0.478 (means of the first and the last 10 points)" in text
    assert "validation 0.693 to 0.700, lowest 0.580 at step 20 (5 measurements)" in text


def test_one_measurement_above_the_others_is_not_called_over_fitting() -> None:
    text = said(noisy(down), (LN2, 0.62, 0.58, 0.57, 0.72))
    assert "over-fitting" not in text
    assert "hardly changes" in text


def test_noise_alone_is_called_no_change() -> None:
    text = said(noisy(level, spread=0.2), EVEN)
    assert "neither loss changes much" in text


@pytest.mark.parametrize(("training", "validation"), [(11, 2), (3, 0), (0, 1)])
def test_too_few_points_say_nothing(training: int, validation: int) -> None:
    text = said(noisy(down)[:training], FALLING[:validation])
    assert f"too few points to say anything ({training} of training" in text
    assert f"{validation} of validation" in text


def test_without_held_out_pairs_over_fitting_is_not_judged() -> None:
    text = said(noisy(down), ())
    assert "training loss falls. Nothing is held out, so over-fitting cannot be seen" in text


def test_two_measurements_are_too_few_for_over_fitting() -> None:
    assert "3 are needed to see over-fitting" in said(noisy(down), FALLING[:2])


def test_validation_alone_is_judged_when_training_has_too_few_points() -> None:
    text = said(noisy(down)[:5], FALLING)
    assert "validation loss falls, which is a good sign" in text
    assert "(5 measurements)" in text


def test_a_loss_that_is_no_number_is_called_unstable_first() -> None:
    text = said([*noisy(down), None, None], FALLING)
    assert text.startswith("This run: training loss was no number at 2 points")
    assert "Lower the learning rate" in text


def test_a_run_under_way_is_judged_so_far() -> None:
    assert said(noisy(down), FALLING, final=False).startswith("So far: both losses fall")


def test_a_run_without_a_loss_gets_no_sentence() -> None:
    assert said((), ()) == ""


@pytest.mark.parametrize("training", [losses.FALLS, losses.RISES, losses.FLAT, losses.UNKNOWN])
@pytest.mark.parametrize("validation", [losses.FALLS, losses.RISES, losses.FLAT])
def test_every_pair_of_trends_has_words(training: str, validation: str) -> None:
    shapes = {
        losses.FALLS: noisy(down),
        losses.RISES: noisy(up),
        losses.FLAT: noisy(level),
        losses.UNKNOWN: [LN2],
    }
    measured = {losses.FALLS: FALLING, losses.RISES: RISING, losses.FLAT: EVEN}
    text = said(shapes[training], measured[validation])
    assert text.startswith("This run: ")
    assert len(text.split(". ")[0]) > 30
