"""Several processes for one training: how many, and what each of them holds."""

from __future__ import annotations

from training.settings.setting import Setting

DDP, FSDP2, ZERO = "ddp", "fsdp2", "zero"

PARALLEL = (
    Setting(
        "processes",
        "advanced",
        "Processes that train together on the worker's machine, one for each CUDA device, or on "
        "the CPU where there is none. Every update holds the pairs of batch_size times "
        "gradient_accumulation_steps, however many processes share them.",
        "Shares every update among more devices; the pairs of an update must divide evenly.",
        "1 trains in one process, on one device.",
        "1, or the number of devices, 2 to 8",
        low=1,
        high=64,
        usual_low=1,
        usual_high=8,
    ),
    Setting(
        "parallel",
        "advanced",
        "What each of several processes holds: `ddp` the whole model; `fsdp2` a share of weights, "
        "gradients and optimizer once the training begins; `zero` a share of gradients and "
        "optimizer (DeepSpeed ZeRO-2, needs the package deepspeed). It means nothing with one "
        "process.",
        "`fsdp2` and `zero` need less memory on each device and talk more to each other.",
        "`ddp` is the fastest where the model and its optimizer fit one device.",
        "ddp",
        choices=(DDP, FSDP2, ZERO),
    ),
)
