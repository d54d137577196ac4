"""Which stage of training a run is, and what of an answer it learns."""

from __future__ import annotations

from training.settings.setting import Setting

DPO, SFT = "dpo", "sft"

STAGE = (
    Setting(
        "stage",
        "basic",
        "What is trained. `sft` teaches the model to write the chosen answers, and comes first "
        "where nobody has tuned the model to follow instructions; it uses no reference and no "
        "rejected answer, and with early_stop it ends when plateau_evaluations evaluations in a "
        "row have no lower held-out loss. `dpo` teaches it to prefer them.",
        "`sft` before `dpo`: DPO then starts from its checkpoint.",
        "`dpo` alone suits a model that follows instructions already.",
        "dpo",
        choices=(DPO, SFT),
    ),
)

THOUGHT = (
    Setting(
        "train_on_thought",
        "advanced",
        "Whether what stands between `<think>` and `</think>` in an answer is learned, in both "
        "stages. Answers without such a part are learned whole either way.",
        "`true` also learns how to reason, from answers whose reasoning people have judged.",
        "`false` learns what follows the thought; the thought is read and neither rewarded nor "
        "punished.",
        "true",
        choices=("true", "false"),
    ),
)
