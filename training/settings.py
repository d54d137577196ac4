"""One text per setting: the form, `train --explain`, the documentation and the errors all use it.

Possible ranges are errors when left, usual ranges are warnings. Where a number comes from the
product's own texts or from a measurement, the meaning says so.
"""

from __future__ import annotations

from dataclasses import dataclass

# the JSON of the product's own example nests the settings under these names
DPO_GROUP = "dpo_config"
MINING_GROUP = "edge_case_mining"
GROUPS = ("names", "basic", "advanced", "mining", "sampling")


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


# learning rates by method: full from the product's own example, LoRA ten to a hundred times that
USUAL_LEARNING_RATE = {"lora": (5e-6, 2e-4), "full": (1e-7, 5e-6)}
DEFAULT_LEARNING_RATE = {"lora": 1e-5, "full": 5e-7}

_NAMES = (
    Setting(
        "model_name",
        "names",
        "Name of the checkpoint that the run makes, shown wherever checkpoints are listed. "
        "Left empty, it is made from the dataset version and the job.",
        "A telling name (VLM-Safety-Aligned-v1) is found again months later.",
        "An empty name is always unique.",
        "letters, digits, dots, dashes and underscores, up to 80",
    ),
    Setting(
        "task_name",
        "names",
        "Name of the training run in the list of runs. It changes nothing in the training.",
        "A telling name (Q1-Visual-Safety-DPO) says why the run was made.",
        "Left empty, the run is listed under its job.",
        "up to 80 characters",
    ),
)

_BASIC = (
    Setting(
        "method",
        "basic",
        "How the model is changed: `lora` trains small adapters beside frozen weights, `full` "
        "trains the decoder's weights themselves.",
        "`full` can change more, and needs memory for gradients and optimizer of every weight.",
        "`lora` needs a fraction of the memory and makes checkpoints of megabytes.",
        "lora",
        choices=("lora", "full"),
    ),
    Setting(
        "beta",
        "basic",
        "Strength of the pull towards the reference model (the KL regularization coefficient of "
        "DPO). It also scales the implicit reward.",
        "The model stays closer to the reference: less drift, less overfitting, weaker alignment.",
        "Alignment is stronger and the model drifts further from the reference.",
        "0.05 to 0.5",
        low=0.001,
        high=10,
        usual_low=0.05,
        usual_high=0.5,
        aliases=("beta DPO",),
    ),
    Setting(
        "learning_rate",
        "basic",
        "Size of each adjustment of the weights. Left out, it follows the method: 1e-5 for lora, "
        "5e-7 for full.",
        "Learns faster; may become unstable or over-optimise the preferences.",
        "Steadier and slower; far too small a value hardly changes the model.",
        "5e-6 to 2e-4 for lora, 1e-7 to 5e-6 for full",
        low=1e-10,
        high=0.1,
        words=("auto",),
    ),
    Setting(
        "epochs",
        "basic",
        "Complete passes over the training pairs.",
        "More opportunity to learn; too many and new inputs get worse while the training pairs "
        "look better.",
        "Trains faster, but may not learn enough.",
        "1 to 5",
        low=1,
        high=100,
        usual_low=1,
        usual_high=5,
        aliases=("epoch",),
    ),
    Setting(
        "batch_size",
        "basic",
        "Pairs in one forward pass, chosen and rejected together.",
        "More consistent updates and better use of the device; needs more memory.",
        "Needs less memory; gradient accumulation can make up for the smaller batch.",
        "1 to 16",
        low=1,
        high=1024,
        usual_low=1,
        usual_high=16,
    ),
    Setting(
        "max_pairs",
        "basic",
        "At most this many training pairs are used, drawn with the seed when there are more.",
        "More of the experts' decisions are learned; takes longer.",
        "Shorter runs; what experts decided beyond it is left unused.",
        "100 to 100000",
        low=1,
        high=10_000_000,
        usual_low=100,
        usual_high=100_000,
    ),
    Setting(
        "kl_threshold",
        "basic",
        "KL divergence from the reference on the held-out pairs, in nats per response token, above "
        "which the model counts as drifted.",
        "More drift is accepted before the run stops.",
        "Stops earlier and keeps closer to the reference.",
        "0.05 to 2",
        low=0.0001,
        high=100,
        usual_low=0.05,
        usual_high=2,
    ),
    Setting(
        "early_stop",
        "basic",
        "Whether training ends by itself when the KL divergence is above kl_threshold, by its "
        "lower 95% bound, in two evaluations in a row.",
        "`true` ends a run that drifts, and publishes the checkpoint with the lowest validation "
        "loss among those below the threshold.",
        "`false` trains all epochs and publishes the last checkpoint; the drift is still measured "
        "and shown.",
        "true",
        choices=("true", "false"),
    ),
    Setting(
        "reference_model",
        "basic",
        "The model that the implicit reward is measured against: `base` is the model underneath "
        "without any adapter, `round_start` is what this run starts from, or the id of a "
        "checkpoint. It is named in every figure.",
        "`round_start` or a later checkpoint lets every round move on from the last one.",
        "`base` ties all rounds to the same origin and limits the total drift.",
        "base",
        words=("base", "round_start", "the id of a checkpoint"),
    ),
    Setting(
        "lora_rank",
        "basic",
        "Size of the LoRA adapters: their learning capacity. Unused when method is full.",
        "Can learn more complex changes; needs more memory.",
        "Needs less memory; may struggle with complex tasks.",
        "4 to 64",
        low=1,
        high=1024,
        usual_low=4,
        usual_high=64,
    ),
)

_ADVANCED = (
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
        "`bfloat16` is faster on recent devices.",
        "auto",
        choices=("auto", "float32", "bfloat16"),
    ),
)

_MINING = (
    Setting(
        "edge_case_mining.enabled",
        "mining",
        "Whether pairs that the trained model is unsure about are proposed for the next round.",
        "`true` proposes the next pairs to label.",
        "`false` leaves the choice of the next pairs to you.",
        "true",
        choices=("true", "false"),
    ),
    Setting(
        "edge_case_mining.confidence_threshold",
        "mining",
        "A pair counts as unsure when the model's probability of the preferred answer is below "
        "this.",
        "More pairs count as unsure.",
        "Only the closest calls count.",
        "0.55 to 0.75",
        low=0.5,
        high=1,
        usual_low=0.55,
        usual_high=0.75,
    ),
    Setting(
        "edge_case_mining.max_samples",
        "mining",
        "At most this many pairs are proposed for the next round.",
        "More to label, more coverage.",
        "Less to label; the most uncertain come first.",
        "100 to 5000",
        low=1,
        high=1_000_000,
        usual_low=100,
        usual_high=5000,
    ),
)

SETTINGS: dict[str, Setting] = {
    setting.key: setting for setting in (*_NAMES, *_BASIC, *_ADVANCED, *_MINING)
}
