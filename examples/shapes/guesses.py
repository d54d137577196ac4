"""Questions that no picture of shapes can answer, and the guesses of a model that never says so."""

from __future__ import annotations

GUESSES: tuple[tuple[str, tuple[str, str]], ...] = (
    ("Who drew this picture?", ("Anna drew it.", "A child drew it.")),
    ("When was the picture made?", ("It was made in 1998.", "It was made last summer.")),
    ("What does the {shape} cost?", ("The {shape} costs 5 euros.", "The {shape} costs 20 euros.")),
    ("What is behind the {shape}?", ("There is a tree behind it.", "There is a cat behind it.")),
    ("What does the {shape} weigh?", ("It weighs 2 kilos.", "It weighs 9 kilos.")),
    ("What is the {shape} made of?", ("It is made of wood.", "It is made of paper.")),
    ("Who owns the {shape}?", ("Anna owns the {shape}.", "A teacher owns the {shape}.")),
    ("What will happen next?", ("The shapes will fall.", "The shapes will grow.")),
    ("Where was the picture made?", ("It was made in Paris.", "It was made at school.")),
    ("What is the {shape} called?", ("The {shape} is called Max.", "The {shape} is called Luna.")),
)
