"""The texts of the settings of sampling: answers drawn from a model, to be compared."""

from __future__ import annotations

from training.settings import SETTINGS, Setting

_OWN = (
    Setting(
        "answers",
        "sampling",
        "Answers drawn for every prompt.",
        "More chances that two of them differ; takes longer.",
        "Faster; two are needed for a pair.",
        "2",
        low=1,
        high=64,
        usual_low=2,
        usual_high=8,
    ),
    Setting(
        "temperature",
        "sampling",
        "How freely the next token is drawn; 1 draws from the model's own probabilities, 0 always "
        "takes the likeliest token.",
        "More varied answers, more mistakes.",
        "More alike answers; at 0 all answers of a prompt are the same.",
        "0.7 to 1.2",
        low=0,
        high=5,
        usual_low=0.7,
        usual_high=1.2,
    ),
    Setting(
        "top_p",
        "sampling",
        "Share of the probability that the next token is drawn from, likeliest first.",
        "1 leaves nothing out.",
        "Leaves unlikely tokens out: safer, less varied answers.",
        "0.9 to 1",
        low=0.01,
        high=1,
        usual_low=0.9,
        usual_high=1,
    ),
    Setting(
        "max_new_tokens",
        "sampling",
        "Most tokens of an answer; a longer one is cut there.",
        "Longer answers fit; sampling takes longer.",
        "Faster; long answers are cut.",
        "32 to 2048",
        low=1,
        high=65_536,
        usual_low=32,
        usual_high=2048,
    ),
    Setting(
        "batch_size",
        "sampling",
        "Answers drawn at the same time.",
        "Better use of the device; needs more memory.",
        "Needs less memory.",
        "1 to 64",
        low=1,
        high=4096,
        usual_low=1,
        usual_high=64,
    ),
)

SAMPLING_SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (*_OWN, SETTINGS["max_pixels"], SETTINGS["seed"], SETTINGS["dtype"])
}
