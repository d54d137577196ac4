"""What a run minimises, and what it keeps of the pictures."""

from __future__ import annotations

from training.settings.setting import Setting

# TRL's names of the losses that need nothing but log-probabilities of policy and reference
LOSSES = (
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "exo_pair",
    "nca_pair",
    "robust",
    "bco_pair",
    "sppo_hard",
    "aot",
    "aot_unpaired",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
)
# what EXO's authors recommend, and its loss cannot be without
EXO_SMOOTHING = 1e-3

LOSS = (
    Setting(
        "loss_type",
        "advanced",
        "The loss, by TRL's name, or several joined by commas: `sigmoid` is DPO; `sigmoid,sft` "
        "also keeps the chosen answers likely; `ipo` and `robust` bear noisy decisions; "
        "`apo_zero` raises chosen answers where `apo_down` lowers both. `aot`, `aot_unpaired` and "
        "`sft` depend on which pairs share a batch.",
        "Several losses are added up, each times its number in loss_weights.",
        "One loss says clearly what is learned.",
        "sigmoid",
        words=LOSSES,
    ),
    Setting(
        "loss_weights",
        "advanced",
        "A number for every loss of loss_type, joined by commas; `none` takes 1 for each.",
        "A larger number counts its loss more.",
        "A smaller number counts its loss less.",
        "none",
        words=("none", "a number for every loss"),
    ),
    Setting(
        "label_smoothing",
        "advanced",
        "Share of the experts' decisions that are taken to be wrong, for `robust`, `exo_pair`, "
        "`aot` and `aot_unpaired`. `exo_pair` takes 0.001 when it is 0.",
        "Trusts single decisions less.",
        "0 takes every decision as right.",
        "0 to 0.3",
        low=0,
        high=0.499,
        usual_low=0,
        usual_high=0.3,
    ),
    Setting(
        "discopop_tau",
        "advanced",
        "Temperature of the `discopop` loss, unused by others. Its paper recommends 0.05.",
        "Blends its two parts more smoothly.",
        "Switches between its two parts more sharply.",
        "0.05",
        low=0.0001,
        high=10,
        usual_low=0.01,
        usual_high=1,
    ),
    Setting(
        "reference_free",
        "advanced",
        "Whether the loss leaves the reference out: it then compares the log-probabilities of "
        "both answers themselves. Rewards and KL are measured against reference_model all the "
        "same.",
        "`true` needs no reference pass over the training pairs, and nothing holds the model "
        "near its start.",
        "`false` is DPO: the model is pulled towards the reference.",
        "false",
        choices=("true", "false"),
    ),
    Setting(
        "vision_cache",
        "advanced",
        "Whether what the vision tower makes of the pictures is kept on disk, for all epochs and "
        "for later jobs. The plan says how much that is: megabytes a picture for large models.",
        "`true` runs the tower once a picture instead of once a pass.",
        "`false` needs no room on disk.",
        "false",
        choices=("true", "false"),
    ),
)
