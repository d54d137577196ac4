"""Asking a question of a category about a scene."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from examples.shapes import compound_questions as compound
from examples.shapes import plain_questions as plain
from examples.shapes.questions import Question
from examples.shapes.world import Scene

Builder = Callable[[Scene, Random], Question | None]

# A builder that is named twice is asked twice as often; every category has one that always fits.
BUILDERS: dict[str, tuple[Builder, ...]] = {
    "counting": (plain.ask_count_all, plain.ask_count_some, plain.ask_count_some),
    "spatial": (plain.ask_where, plain.ask_row, plain.ask_column, plain.ask_line_empty),
    "hallucination": (plain.ask_describe, plain.ask_leading),
    "negation": (plain.ask_none_there, plain.ask_count_not, plain.ask_missing),
    "attribute": (plain.ask_colour_of, plain.ask_shape_of, plain.ask_one_of),
    "multi-object": (compound.ask_two_colours, compound.ask_same_colour, compound.ask_both_there),
    "reasoning": (compound.ask_taken_away, compound.ask_added, compound.ask_more_often),
    "format": (
        compound.ask_one_word,
        compound.ask_one_digit,
        compound.ask_json_list,
        compound.ask_comma_list,
    ),
    "abstention": (compound.ask_unknowable,),
}


def ask(scene: Scene, category: str, random: Random) -> Question:
    """A question of the category that makes sense for the scene."""
    builders = list(BUILDERS[category])
    random.shuffle(builders)
    for build in builders:
        question = build(scene, random)
        if question is not None:
            return question
    raise LookupError(f"No question of the category {category} fits this scene.")
