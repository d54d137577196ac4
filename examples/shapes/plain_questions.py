"""Questions about one thing: counting, spatial, hallucination, negation and attribute.

Every builder takes a scene and a random generator and gives a question, or None where the
question would be ambiguous.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from examples.shapes.questions import (
    WEAK,
    Question,
    absent,
    counted,
    joined,
    named,
    others,
    single,
)
from examples.shapes.world import COLOURS, PLACES, SHAPES, Scene, Thing

ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "centre", "right")

# counting


def ask_count_all(scene: Scene, random: Random) -> Question:
    """How many things there are in all."""
    count = len(scene.things)
    lapses = tuple(f"I count {count + extra} shapes." for extra in (1, 1, 1, 2))
    text = "How many shapes are there?"
    return Question("counting", "count", text, f"I count {count} shapes.", lapses)


def ask_count_some(scene: Scene, random: Random) -> Question:
    """How many things of one colour or one shape there are, 0 included."""
    if random.random() < 0.5:
        colour = random.choice(COLOURS)
        noun, count = f"{colour} shape", scene.colours()[colour]
    else:
        noun = random.choice(SHAPES)
        count = scene.shapes()[noun]
    lapses = tuple(f"I count {counted(count + extra, noun)}." for extra in (1, 1, 1, 2))
    text = f"How many {noun}s are there?"
    return Question("counting", "count", text, f"I count {counted(count, noun)}.", lapses)


# spatial


def ask_where(scene: Scene, random: Random) -> Question | None:
    """In which of the nine cells a thing is."""
    found = _singled_out(scene, random)
    if found is None:
        return None
    name, thing = found
    mirrored = 3 * thing.row + 2 - thing.column
    if mirrored == thing.cell:
        mirrored = 3 * (2 - thing.row) + thing.column
    wrong = mirrored if mirrored != thing.cell else random.choice((3, 5))
    begin = f"The {name} is in the "
    lapse = f"{begin}{PLACES[wrong]}."
    answer = f"{begin}{PLACES[thing.cell]}."
    return Question("spatial", "choice", f"Where is the {name}?", answer, (lapse,))


def ask_row(scene: Scene, random: Random) -> Question | None:
    """In which row a thing is."""
    return _asked_for_line(scene, random, "row", ROWS)


def ask_column(scene: Scene, random: Random) -> Question | None:
    """In which column a thing is."""
    return _asked_for_line(scene, random, "column", COLUMNS)


def ask_line_empty(scene: Scene, random: Random) -> Question:
    """Whether a row or a column is empty."""
    line, words = random.choice((("row", ROWS), ("column", COLUMNS)))
    at = random.randrange(3)
    empty = not any((t.row if line == "row" else t.column) == at for t in scene.things)
    yes, no = f"Yes, the {words[at]} {line} is empty.", f"No, the {words[at]} {line} is not empty."
    answer, lapse = (yes, no) if empty else (no, yes)
    text = f"Is the {words[at]} {line} empty?"
    return Question("spatial", "choice", text, answer, (lapse,))


def _asked_for_line(
    scene: Scene, random: Random, line: str, words: tuple[str, str, str]
) -> Question | None:
    found = _singled_out(scene, random)
    if found is None:
        return None
    name, thing = found
    at = thing.row if line == "row" else thing.column
    text = f"Which {line} is the {name} in?"
    lapses = tuple(f"The {words[other]} {line}." for other in range(3) if other != at)
    return Question("spatial", "choice", text, f"The {words[at]} {line}.", lapses)


def _singled_out(scene: Scene, random: Random) -> tuple[str, Thing] | None:
    """A thing that its shape or its colour alone names without doubt, and that name."""
    names = [
        *((shape, shape) for shape, count in scene.shapes().items() if count == 1),
        *((f"{colour} shape", colour) for colour, count in scene.colours().items() if count == 1),
    ]
    if not names:
        return None
    name, key = random.choice(names)
    return name, next(thing for thing in scene.things if key in thing.kind)


# hallucination


def ask_describe(scene: Scene, random: Random) -> Question:
    """What there is to see; the lapses invent one or two things."""
    kinds = [thing.kind for thing in scene.things]
    answer = f"I see {joined([named(*kind) for kind in kinds])}."
    extra = [[*kinds, absent(scene, random)] for _ in range(3)]
    extra.append([*extra[0], absent(scene, random)])
    lapses = tuple(f"I see {joined([named(*kind) for kind in some])}." for some in extra)
    text = random.choice(("Describe the picture.", "What do you see?"))
    return Question("hallucination", "listing", text, answer, lapses)


def ask_leading(scene: Scene, random: Random) -> Question:
    """A leading question about a thing that is mostly not there."""
    there = random.random() < 0.35
    kind = random.choice([t.kind for t in scene.things]) if there else absent(scene, random)
    name = " ".join(kind)
    text = f"There is a {name} in the picture, right?"
    yes, no = f"Yes, there is a {name}.", f"No, there is no {name}."
    if there:
        return Question("hallucination", "choice", text, yes, (no,), WEAK)
    return Question("hallucination", "choice", text, no, (yes,))


# negation


def ask_none_there(scene: Scene, random: Random) -> Question:
    """Whether a shape is not there."""
    shape = random.choice(SHAPES)
    there, missing = f"There is a {shape}.", f"There is no {shape}."
    text = f"Is there no {shape}?"
    answer, lapse = (there, missing) if scene.shapes()[shape] else (missing, there)
    return Question("negation", "choice", text, answer, (lapse,))


def ask_count_not(scene: Scene, random: Random) -> Question:
    """How many things do not have a colour."""
    colour = random.choice(COLOURS)
    count = len(scene.things) - scene.colours()[colour]

    def said(number: int) -> str:
        return f"I count {counted(number, 'shape')} not {colour}."

    text = f"How many shapes are not {colour}?"
    lapses = tuple(said(count + extra) for extra in (1, 1, 1, 2))
    return Question("negation", "count", text, said(count), lapses)


def ask_missing(scene: Scene, random: Random) -> Question:
    """Which colours do not occur."""
    gone = [colour for colour in COLOURS if not scene.colours()[colour]]

    def said(colours: list[str]) -> str:
        return f"Missing: {joined(colours) if colours else 'none'}."

    wrong = [[c for c in COLOURS if c in gone or c == shown] for shown in scene.colours()]
    lapses = [said(colours) for colours in wrong]
    lapses += [said([c for c in gone if c != dropped]) for dropped in gone]
    text = "Which colours are missing?"
    return Question("negation", "listing", text, said(gone), tuple(lapses))


# attribute


def ask_colour_of(scene: Scene, random: Random) -> Question | None:
    """Which colour the only thing of a shape has."""
    shape = single(scene.shapes(), random)
    if shape is None:
        return None
    colour = next(thing.colour for thing in scene.things if thing.shape == shape)
    lapses = tuple(f"The {shape} is {wrong}." for wrong in _wrong(scene.colours(), COLOURS, colour))
    text = f"What colour is the {shape}?"
    return Question("attribute", "choice", text, f"The {shape} is {colour}.", lapses)


def ask_shape_of(scene: Scene, random: Random) -> Question | None:
    """Which shape the only thing of a colour has."""
    colour = single(scene.colours(), random)
    if colour is None:
        return None
    shape = next(thing.shape for thing in scene.things if thing.colour == colour)
    lapses = tuple(f"The {wrong} is {colour}." for wrong in _wrong(scene.shapes(), SHAPES, shape))
    text = f"Which shape is {colour}?"
    return Question("attribute", "choice", text, f"The {shape} is {colour}.", lapses)


def _wrong(counts: Counter[str], values: tuple[str, ...], right: str) -> tuple[str, ...]:
    """Wrong values that occur elsewhere in the scene; any others where there are none."""
    near = tuple(value for value in counts if value != right)
    return near or others(values, right)


def ask_one_of(scene: Scene, random: Random) -> Question:
    """Whether any thing of a shape has a colour."""
    shape = random.choice([thing.shape for thing in scene.things])
    colour = random.choice(COLOURS)
    yes, no = f"Yes, there is a {colour} one.", f"No, none of them is {colour}."
    answer, lapse = (yes, no) if scene.kinds()[colour, shape] else (no, yes)
    text = f"Is any {shape} {colour}?"
    return Question("attribute", "choice", text, answer, (lapse,))
