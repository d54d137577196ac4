"""CSV that a spreadsheet opens without running what strangers wrote into it."""

from __future__ import annotations

# what makes a program take a cell for a formula, also behind blanks that it ignores
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
GUARD = "'"
MEANING = "texts that a spreadsheet would take for formulas begin with an apostrophe"


def safe(text: str) -> str:
    """The text, with an apostrophe in front when a spreadsheet would take it for a formula."""
    begins = text.lstrip(" ")
    # full-width signs are signs to some programs
    return GUARD + text if begins.startswith((*_STARTS, "＝", "＋", "－", "＠")) else text
