"""Questions about more than seeing one thing: multi-object, reasoning, format and abstention.

Every builder takes a scene and a random generator and gives a question, or None where the
question would be ambiguous.
"""

from __future__ import annotations

import json
from random import Random

from examples.shapes.guesses import GUESSES
from examples.shapes.questions import (
    UNKNOWABLE,
    WEAK,
    Question,
    absent,
    counted,
    joined,
    named,
    others,
    single,
)
from examples.shapes.world import COLOURS, SHAPES, Scene, Thing

# multi-object


def _two_single_shapes(scene: Scene, random: Random) -> tuple[Thing, Thing] | None:
    singles = [thing for thing in scene.things if scene.shapes()[thing.shape] == 1]
    if len(singles) < 2:
        return None
    first, second = random.sample(singles, 2)
    return first, second


def ask_two_colours(scene: Scene, random: Random) -> Question | None:
    """Which colours two things have; the lapses swap or repeat them."""
    pair = _two_single_shapes(scene, random)
    if pair is None:
        return None
    one, two = pair

    def said(first: str, second: str) -> str:
        return f"The {one.shape} is {first} and the {two.shape} is {second}."

    if one.colour != two.colour:
        wrong = [(two.colour, one.colour), (one.colour, one.colour)]
    else:
        wrong = [(one.colour, other) for other in others(COLOURS, one.colour)]
    text = f"What colours are the {one.shape} and the {two.shape}?"
    answer = said(one.colour, two.colour)
    lapses = tuple(said(*colours) for colours in wrong)
    return Question("multi-object", "choice", text, answer, lapses)


def ask_same_colour(scene: Scene, random: Random) -> Question | None:
    """Whether two things have the same colour."""
    pair = _two_single_shapes(scene, random)
    if pair is None:
        return None
    one, two = pair
    text = f"Do the {one.shape} and the {two.shape} have the same colour?"
    no = f"No, one is {one.colour} and one is {two.colour}."
    if one.colour != two.colour:
        return Question("multi-object", "choice", text, no, (f"Yes, both are {one.colour}.",))
    wrong = random.choice(others(COLOURS, one.colour))
    lapse = f"No, one is {one.colour} and one is {wrong}."
    yes = f"Yes, both are {one.colour}."
    return Question("multi-object", "choice", text, yes, (lapse,), WEAK)


def ask_both_there(scene: Scene, random: Random) -> Question:
    """Whether two things are both there."""
    shown = random.choice(scene.things).kind
    rest = [thing.kind for thing in scene.things if thing.kind != shown]
    both = bool(rest) and random.random() < 0.35
    kinds = [shown, random.choice(rest) if both else absent(scene, random)]
    random.shuffle(kinds)
    text = f"Are there both {named(*kinds[0])} and {named(*kinds[1])}?"
    yes = "Yes, both are there."
    only = f"No, only the {' '.join(shown)} is there."
    if both:
        return Question("multi-object", "choice", text, yes, (only,), WEAK)
    return Question("multi-object", "choice", text, only, (yes,))


# reasoning


def ask_taken_away(scene: Scene, random: Random) -> Question:
    """How many things would be left without those of a shape."""
    shape = random.choice(list(scene.shapes()))
    count = len(scene.things) - scene.shapes()[shape]
    text = f"If every {shape} were taken away, how many shapes would be left?"

    def said(number: int) -> str:
        return f"{counted(number, 'shape')} would be left."

    lapses = tuple(said(count + extra) for extra in (1, 1, 1, 2))
    return Question("reasoning", "count", text, said(count), lapses)


def ask_added(scene: Scene, random: Random) -> Question:
    """How many things of a shape there would be with one more."""
    shape = random.choice(SHAPES)
    count = scene.shapes()[shape] + 1
    text = f"If one more {shape} were added, how many {shape}s would there be?"

    def said(number: int) -> str:
        return f"There would be {counted(number, shape)}."

    lapses = tuple(said(count + extra) for extra in (1, 1, 1, 2))
    return Question("reasoning", "count", text, said(count), lapses)


def ask_more_often(scene: Scene, random: Random) -> Question:
    """Whether one colour occurs more often than another."""
    present = list(scene.colours())
    first = random.choice(present)
    second = random.choice(others(COLOURS, first))
    if random.random() < 0.5:
        first, second = second, first
    one, two = scene.colours()[first], scene.colours()[second]
    text = f"Are there more {first} shapes than {second} shapes?"
    yes, no = f"Yes, {one} against {two}.", f"No, {one} against {two}."
    if one > two:
        return Question("reasoning", "choice", text, yes, (f"No, {one} against {one}.",), WEAK)
    lapse = f"Yes, {max(two + 1, one)} against {two}."
    return Question("reasoning", "choice", text, no, (lapse,))


# format


def ask_one_word(scene: Scene, random: Random) -> Question | None:
    """A colour, in one word."""
    shape = single(scene.shapes(), random)
    if shape is None:
        return None
    colour = next(thing.colour for thing in scene.things if thing.shape == shape)
    text = f"Answer in one word: what colour is the {shape}?"
    return Question("format", "strict", text, colour, (f"The {shape} is {colour}.",))


def ask_one_digit(scene: Scene, random: Random) -> Question:
    """The number of things, as a digit."""
    count = len(scene.things)
    text = "Answer with a digit only: how many shapes are there?"
    return Question("format", "strict", text, str(count), (f"I count {count} shapes.",))


def ask_json_list(scene: Scene, random: Random) -> Question:
    """All colours, as a JSON list."""
    colours = [thing.colour for thing in scene.things]
    text = "Answer as a JSON list: the colours of the shapes, in reading order."
    lapse = f"The colours are {joined(colours)}."
    return Question("format", "strict", text, json.dumps(colours), (lapse,))


def ask_comma_list(scene: Scene, random: Random) -> Question:
    """All shapes, separated by commas."""
    shapes = [thing.shape for thing in scene.things]
    text = "Answer with commas only: the shapes, in reading order."
    lapse = f"I see {joined([f'a {shape}' for shape in shapes])}."
    return Question("format", "strict", text, ", ".join(shapes), (lapse,))


# abstention


def ask_unknowable(scene: Scene, random: Random) -> Question:
    """Something that no picture can tell."""
    text, guesses = random.choice(GUESSES)
    shape = random.choice(list(scene.shapes()))
    lapses = tuple(guess.format(shape=shape) for guess in guesses)
    return Question("abstention", "abstain", text.format(shape=shape), UNKNOWABLE, lapses)
