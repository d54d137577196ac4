"""The names of a run and the settings that come first in the form."""

from __future__ import annotations

from training.settings.setting import Setting

NAMES = (
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

BASIC = (
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
        "Whether training ends by itself: when the KL divergence is above kl_threshold, by its "
        "lower 95% bound, in two evaluations in a row; when it over-fits (overfit_evaluations); or "
        "when it gains nothing any more (plateau_evaluations).",
        "`true` ends a run that drifts, over-fits or stands still, and publishes the checkpoint "
        "with the lowest validation loss among those below the threshold.",
        "`false` trains all epochs and publishes the last checkpoint; the drift is still measured "
        "and shown.",
        "true",
        choices=("true", "false"),
    ),
    Setting(
        "target_accuracy",
        "basic",
        "Preference accuracy, as a share, that the checkpoint should exceed. `evaluate` then says "
        "met, not met or undecided by the 95% interval; the training itself does not change. The "
        "product's own texts aim at 0.65.",
        "Asks for a better model, and for more held-out pairs to prove it.",
        "Is met sooner.",
        "0.6 to 0.9, or none",
        low=0.001,
        high=0.999,
        usual_low=0.6,
        usual_high=0.9,
        words=("none",),
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
