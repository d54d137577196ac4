"""What is said about one setting, and the groups that order them."""

from __future__ import annotations

from dataclasses import dataclass

# the JSON of the product's own example nests the settings under these names
DPO_GROUP = "dpo_config"
MINING_GROUP = "edge_case_mining"
HUB_GROUP = "hub"
GROUPS = ("names", "basic", "advanced", "plan", "mining", "hub", "tracking", "sampling", "judging")


@dataclass(frozen=True)
class Setting:
    """What one setting means and which values make sense.

    Attributes:
        key: canonical name; a dot separates the group that the JSON form nests.
        group: one of GROUPS; orders the form and the documentation.
        meaning: what it is, with its unit.
        more, less: what a larger and a smaller value (or another choice) does.
        usual: the usual range in words and numbers.
        low, high: possible range, both ends included; None where it is not a number.
        usual_low, usual_high: the usual range; outside it is a warning.
        choices: the possible words, when there are only a few.
        words: words that may stand instead of a number (`auto`, `none`).
        aliases: other names under which the same setting is known.
    """

    key: str
    group: str
    meaning: str
    more: str
    less: str
    usual: str
    low: float | None = None
    high: float | None = None
    usual_low: float | None = None
    usual_high: float | None = None
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The name without its group: `max_samples` of `edge_case_mining.max_samples`."""
        return self.key.rpartition(".")[2]

    @property
    def possible(self) -> str:
        """The possible values as words for an error message."""
        words = " or ".join((*self.choices, *self.words))
        if self.low is None or self.high is None:
            return words or self.usual
        numbers = f"{self.low:g} to {self.high:,.15g}".replace(",", "")
        return f"{numbers}, or {words}" if words else numbers
