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

_ENGINE = Setting(
    "engine",
    "sampling",
    "What draws the answers; every answer is recorded with it. The two do not give the same "
    "answers to the same seed.",
    "`vllm` is faster on a GPU; it has to be installed where the worker runs, and is not given "
    "videos.",
    "`transformers` runs everywhere.",
    "transformers",
    choices=("transformers", "vllm"),
)

_PAIRS = (
    Setting(
        "pairs_per_prompt",
        "sampling",
        "Pairs made of the answers of one model to a prompt, those whose answers differ most "
        "first. Answers of different models are paired one by one, whatever this says.",
        "More pairs from the same answers; they share a prompt, so each teaches less.",
        "One pair of every prompt.",
        "1 to 3",
        low=1,
        high=100,
        usual_low=1,
        usual_high=3,
    ),
    Setting(
        "min_difference",
        "sampling",
        "Edits that lead from one answer to the other, as a share of the longer one, below which "
        "a pair is refused as nearly identical and counted.",
        "Leaves out more pairs that hardly differ, also some where one wrong word is the point.",
        "Keeps them; at 0 only answers that read the same are left out.",
        "0 to 0.1",
        low=0,
        high=1,
        usual_low=0,
        usual_high=0.1,
    ),
)

SAMPLING_SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        *(*_OWN, *_PAIRS, _ENGINE),
        *(SETTINGS[key] for key in ("max_pixels", "video_frames", "video_fps", "seed", "dtype")),
    )
}
