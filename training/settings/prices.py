"""What a machine costs, for the plan of a run. Nothing in the training depends on it."""

from __future__ import annotations

from training.settings.setting import Setting

_MORE = "The plan shows a higher cost."
_LESS = "The plan shows a lower cost."


def _price(key: str, machine: str, usual: str, usual_high: float) -> Setting:
    return Setting(
        key,
        "plan",
        f"Price of an hour on {machine}, in your currency; the plan multiplies its hours by it.",
        _MORE,
        _LESS,
        usual,
        low=0,
        high=100_000,
        usual_low=0,
        usual_high=usual_high,
    )


PRICES = (
    _price("price_a100", "an A100 with 80 GB", "1 to 5", 10),
    _price("price_h100", "an H100 with 80 GB", "2 to 10", 20),
    _price("price_here", "this machine", "0, or what it costs", 100),
)
