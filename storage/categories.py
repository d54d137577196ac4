"""Categories of prompts: what they are about, named by whoever brought them."""

from __future__ import annotations

from storage.errors import WrongInputError

UNCATEGORIZED = "uncategorized"
LONGEST_CATEGORY = 100


def check(category: str) -> None:
    """Refuse what cannot be a category.

    Raises:
        WrongInputError: it is not one line of 1 to 100 characters.
    """
    if not category.strip() or len(category) > LONGEST_CATEGORY or not category.isprintable():
        raise WrongInputError(
            f"{category[:LONGEST_CATEGORY]!r} cannot be a category.",
            f"A category is one line of 1 to {LONGEST_CATEGORY} characters.",
        )
