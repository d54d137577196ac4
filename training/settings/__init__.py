"""One text per setting: the form, `train --explain`, the documentation and the errors all use it.

Possible ranges are errors when left, usual ranges are warnings. Where a number comes from the
product's own texts or from a measurement, the meaning says so.
"""

from __future__ import annotations

from training.settings.advanced import ADVANCED
from training.settings.afterwards import HUB, MINING
from training.settings.basic import BASIC, NAMES
from training.settings.loss import EXO_SMOOTHING, LOSS, LOSSES
from training.settings.parallel import PARALLEL
from training.settings.prices import PRICES
from training.settings.setting import DPO_GROUP, GROUPS, HUB_GROUP, MINING_GROUP, Setting
from training.settings.stages import DPO, SFT, STAGE, THOUGHT
from training.settings.tracking import TRACKING

__all__ = [
    "DEFAULT_LEARNING_RATE",
    "DPO",
    "DPO_GROUP",
    "EXO_SMOOTHING",
    "GROUPS",
    "HUB_GROUP",
    "LOSSES",
    "MINING_GROUP",
    "SETTINGS",
    "SFT",
    "SFT_LEARNING_RATE",
    "USUAL_LEARNING_RATE",
    "USUAL_SFT_LEARNING_RATE",
    "Setting",
]

# learning rates by method: full from the product's own example, LoRA ten to a hundred times that
USUAL_LEARNING_RATE = {"lora": (5e-6, 2e-4), "full": (1e-7, 5e-6)}
DEFAULT_LEARNING_RATE = {"lora": 1e-5, "full": 5e-7}
# SFT moves the model further from its start than DPO may
SFT_LEARNING_RATE = {"lora": 1e-4, "full": 1e-5}
USUAL_SFT_LEARNING_RATE = {"lora": (2e-5, 1e-3), "full": (1e-6, 1e-4)}

SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        *NAMES,
        *STAGE,
        *BASIC,
        *ADVANCED,
        *PARALLEL,
        *LOSS,
        *THOUGHT,
        *PRICES,
        *MINING,
        *HUB,
        *TRACKING,
    )
}
