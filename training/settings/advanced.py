"""The settings behind "advanced"."""

from __future__ import annotations

from training.settings.setting import Setting

ADVANCED = (
    Setting(
        "gradient_accumulation_steps",
        "advanced",
        "Batches that are added up before the weights change once. `auto` aims at 16 pairs an "
        "update, and at fewer when the dataset is so small that an epoch would have fewer than "
        "20 updates.",
        "Steadier updates, fewer of them in an epoch.",
        "More and noisier updates. 1 turns it off.",
        "auto, or 1 to 32",
        low=1,
        high=1024,
        usual_low=1,
        usual_high=32,
        words=("auto",),
    ),
    Setting(
        "overfit_evaluations",
        "advanced",
        "With early_stop: the run ends when in this many evaluations in a row the held-out pairs "
        "are worse than at their best proven evaluation, by the 95% interval of the difference "
        "pair by pair in loss or in preference accuracy, while the training loss has fallen. It "
        "needs 30 held-out pairs. 0 turns it off.",
        "More evaluations to be sure of it.",
        "Stops sooner; 1 already stops at a single bad evaluation.",
        "2 to 4",
        low=0,
        high=1000,
        usual_low=0,
        usual_high=4,
    ),
    Setting(
        "plateau_evaluations",
        "advanced",
        "With early_stop: the run ends when this many evaluations in a row have no lower held-out "
        "loss than the best proven one, by the 95% interval of the difference pair by pair. An "
        "epoch has four evaluations. It needs 30 held-out pairs. 0 turns it off.",
        "Waits longer for a gain that is small or late.",
        "Stops sooner, and may miss a late gain.",
        "4 to 12",
        low=0,
        high=10_000,
        usual_low=0,
        usual_high=12,
    ),
    Setting(
        "on_policy_prompts",
        "advanced",
        "Held-out prompts for which the model draws two answers at every checkpoint, to measure "
        "the KL divergence on its own answers beside that on the pairs. 0 turns it off.",
        "A narrower interval; drawing takes longer at every checkpoint.",
        "Takes less time; the interval is wider.",
        "0 to 128",
        low=0,
        high=256,
        usual_low=0,
        usual_high=128,
    ),
    Setting(
        "target_modules",
        "advanced",
        "Layers that get LoRA adapters: `decoder` means every linear layer of the language "
        "decoder; or a list of module names such as q_proj, v_proj.",
        "More layers adapt more comprehensively and train more parameters.",
        "Fewer layers train fewer parameters.",
        "decoder",
        words=("decoder", "a list of module names"),
    ),
    Setting(
        "warmup_ratio",
        "advanced",
        "Share of the training during which the learning rate rises from zero.",
        "A gentler start; less time at the full learning rate.",
        "Reaches the full learning rate sooner; early updates may be unstable.",
        "0.03 to 0.1",
        low=0,
        high=0.9,
        usual_low=0.03,
        usual_high=0.1,
    ),
    Setting(
        "max_context_length",
        "advanced",
        "Most tokens of one example: prompt, picture tokens and answer together. `none` sets no "
        "limit. What happens to longer ones is said by overlength.",
        "Learns from longer texts; memory grows with the longest example.",
        "Needs less memory; more examples are longer than the limit.",
        "none, or 512 to 32768 tokens",
        low=16,
        high=1_048_576,
        usual_low=512,
        usual_high=32_768,
        words=("none",),
    ),
    Setting(
        "overlength",
        "advanced",
        "What happens to a pair longer than max_context_length: `drop` leaves it out, "
        "`truncate_text` shortens its text. Picture tokens are never cut.",
        "`truncate_text` keeps every pair, some of them with shortened text.",
        "`drop` keeps only pairs that are learned from whole.",
        "drop",
        choices=("drop", "truncate_text"),
    ),
    Setting(
        "max_pixels",
        "advanced",
        "Most pixels (height times width) of a picture; larger ones are scaled down before the "
        "model's own processor. `none` leaves the size to the model family.",
        "Keeps more detail; needs more memory.",
        "Needs less memory; small things in a picture may be lost.",
        "none, or 50176 (224 x 224) to 4194304 (2048 x 2048)",
        low=256,
        high=40_000_000,
        usual_low=50_176,
        usual_high=4_194_304,
        words=("none",),
        aliases=("MAX_PIXELS",),
    ),
    Setting(
        "video_frames",
        "advanced",
        "Most frames that are shown of a video, in order: those in the middle of equal parts of "
        "its time. Models whose own video processor runs here (it needs torchvision) get them as a "
        "video, all others as pictures in its place. max_pixels holds for each of them.",
        "Sees more of what moves; every frame takes the tokens of a picture, and memory.",
        "Faster; what happens between two frames is not seen.",
        "4 to 32",
        low=1,
        high=512,
        usual_low=4,
        usual_high=32,
        aliases=("FPS_MAX_FRAMES",),
    ),
    Setting(
        "video_fps",
        "advanced",
        "Frames a second of a video, as far as video_frames reaches. `none` takes video_frames of "
        "every video, however long it is.",
        "Short videos show more frames.",
        "Short videos show fewer frames than long ones, down to one.",
        "none, or 0.5 to 4",
        low=0.001,
        high=240,
        usual_low=0.5,
        usual_high=4,
        words=("none",),
        aliases=("FPS",),
    ),
    Setting(
        "seed",
        "advanced",
        "Start of every random choice: order of the pairs, fresh adapter weights, dropout.",
        "Another value is another, equally good draw.",
        "The same value with the same inputs on the same machine repeats a run.",
        "any whole number",
        low=0,
        high=4_294_967_295,
    ),
    Setting(
        "dtype",
        "advanced",
        "Number format of the frozen weights and the activations: `auto` is bfloat16 on a device "
        "that has it and float32 elsewhere.",
        "`float32` is the most exact and takes twice the memory.",
        "`bfloat16` is faster on recent devices; `float16` is for CUDA devices without it.",
        "auto, or float32, bfloat16, float16 (also written fp32, bf16, fp16)",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    Setting(
        "quantize",
        "advanced",
        "Whether the decoder's frozen weights are kept in 4 bits under the LoRA (QLoRA, NF4). It "
        "needs the package bitsandbytes and a device that it runs on, which is tried before the "
        "start. Vision tower, projector and LM head stay whole.",
        "`4bit` takes about a quarter of the memory of bfloat16 weights, computes more slowly, and "
        "its model differs a little from the whole one.",
        "`none` keeps the weights as dtype says.",
        "none",
        choices=("none", "4bit"),
    ),
)
