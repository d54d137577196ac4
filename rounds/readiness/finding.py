"""One thing that a check of a dataset version found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BLOCKING, WARNING = "blocking", "warning"
# examples that a finding names
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """What was found and what to do.

    Attributes:
        level: `blocking` (training would learn or measure something wrong) or `warning`.
        code: a word for programs, such as `leakage`.
        what: what was found, with its numbers.
        do: what to do about it.
        count: rows concerned; 0 where it concerns the version as a whole.
        examples: ids of some of these pairs, at most MOST_EXAMPLES.
    """

    level: str
    code: str
    what: str
    do: str
    count: int = 0
    examples: tuple[str, ...] = ()


def found_in(
    level: str, code: str, what: str, do: str, pairs: Sequence[str], noun: str = "row"
) -> list[Finding]:
    """A finding about these pairs; none without pairs. `what` comes before their number."""
    if not pairs:
        return []
    said = f"{what}: {len(pairs):,} {noun}{'' if len(pairs) == 1 else 's'}"
    return [Finding(level, code, said, do, len(pairs), tuple(pairs[:MOST_EXAMPLES]))]
