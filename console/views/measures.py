"""What every figure is called, its unit, and what it says in one sentence, in reading order."""

from __future__ import annotations

from dataclasses import dataclass

from console.views import wording


@dataclass(frozen=True)
class Measure:
    """What a figure is called, how it is written, and what it says in one sentence."""

    name: str
    title: str
    unit: str
    meaning: str

    def written(self, value: float | None) -> str:
        if not wording.is_number(value):
            return wording.NOT_AVAILABLE
        return wording.share(value) if self.unit == "share" else wording.decimal(value)


# the same against the models that the reference is not
_BESIDE = tuple(
    Measure(f"{figure}_{name}", f"{title} against {words}", unit, f"{meaning} against {words}.")
    for name, words in (("base", "the base"), ("round_start", "the round's start"))
    for figure, title, unit, meaning in (
        ("reward_accuracy", "Reward accuracy", "share", "Share of pairs with the higher reward"),
        ("reward_gap", "Reward gap", "reward", "Mean reward of chosen minus that of rejected"),
        ("kl_per_token", "KL per token", "nats per token", "Exact KL of the policy"),
    )
)

MEASURES = (
    Measure(
        "preference_accuracy",
        "Preference accuracy",
        "share",
        "Share of pairs to whose chosen answer the policy gives the higher log-probability.",
    ),
    Measure(
        "reward_accuracy",
        "Reward accuracy",
        "share",
        "Share of pairs whose chosen answer has the higher implicit reward.",
    ),
    Measure(
        "reference_preference_accuracy",
        "Reference's preference accuracy",
        "share",
        "The same share for the reference, before it learned anything from these pairs.",
    ),
    Measure(
        "longer_wins_accuracy",
        "The longer one wins",
        "share",
        "Accuracy of always taking the longer answer. A policy below it has learned little.",
    ),
    Measure(
        "reward_gap",
        "Reward gap",
        "reward",
        "Mean implicit reward of chosen minus that of rejected.",
    ),
    Measure(
        "log_probability_difference",
        "Log-probability difference",
        "nats",
        "Mean log-probability of chosen minus that of rejected, without the reference.",
    ),
    Measure(
        "kl_per_token",
        "KL per token",
        "nats per token",
        "Exact full-vocabulary KL of policy from reference, averaged over response tokens.",
    ),
    Measure(
        "consistency",
        "The same in both orders",
        "share",
        "Share of judged pairs on which the judge keeps its verdict when answers change places.",
    ),
    Measure("validation_loss", "Validation loss", "", "The training loss on the held-out pairs."),
    Measure(
        "token_accuracy",
        "Token accuracy",
        "share",
        "Share of answer tokens that the model would have written itself, one after the other.",
    ),
    Measure("loss", "Training loss", "", "The loss on the pairs of the last step."),
    Measure(
        "kl_per_token_on_policy",
        "KL per token on its own answers",
        "nats per token",
        "The same on answers that the policy drew itself, two for each of some held-out prompts.",
    ),
    Measure(
        "kl_per_answer_on_policy",
        "KL per answer on its own answers",
        "nats",
        "Summed over an answer: how far apart the two models' answers are as a whole.",
    ),
    Measure(
        "reward_chosen",
        "Reward of chosen",
        "reward",
        "Mean implicit reward of the chosen answers.",
    ),
    Measure(
        "reward_rejected",
        "Reward of rejected",
        "reward",
        "Mean implicit reward of the rejected answers.",
    ),
    Measure(
        "chosen_drift",
        "Drift of the chosen answers",
        "nats",
        "Mean log-ratio of chosen answers to the reference. Below 0 they became less likely.",
    ),
    Measure(
        "reference_wrong_turned",
        "Turned to right",
        "share",
        "Of the pairs that the reference had wrong, by log-probability: the policy has them right.",
    ),
    Measure(
        "reference_right_lost",
        "Lost to wrong",
        "share",
        "Of the pairs that the reference had right: the policy has them wrong.",
    ),
    Measure(
        "calibration_error",
        "Calibration error (ECE)",
        "share",
        "Mean distance between confidence, the sigmoid of the margin, and accuracy in ten bins. "
        "It is too high on few pairs.",
    ),
    Measure(
        "brier_score",
        "Brier score",
        "",
        "Mean of (1 - p) squared, p the probability given to the label. Always 0.5 gives 0.25.",
    ),
    Measure(
        "pictured_preference_accuracy",
        "Preference accuracy, with pictures",
        "share",
        "Preference accuracy on the pairs that have a picture.",
    ),
    Measure(
        "blanked_preference_accuracy",
        "Preference accuracy, pictures blanked",
        "share",
        "The same pairs with every picture a plain grey.",
    ),
    Measure(
        "pictures_preference_gain",
        "What pictures add to preference accuracy",
        "share",
        "With minus without, pair by pair. About 0: the preferences are about language only.",
    ),
    Measure(
        "pictured_reward_accuracy",
        "Reward accuracy, with pictures",
        "share",
        "Reward accuracy on the pairs that have a picture.",
    ),
    Measure(
        "blanked_reward_accuracy",
        "Reward accuracy, pictures blanked",
        "share",
        "The same pairs with every picture a plain grey, for policy and reference.",
    ),
    Measure(
        "pictures_reward_gain",
        "What pictures add to reward accuracy",
        "share",
        "With minus without, pair by pair.",
    ),
    Measure(
        "answer_words",
        "Length of answers",
        "words",
        "Mean length of the greedy answers.",
    ),
    Measure(
        "answer_words_change",
        "Length of answers, change",
        "words",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "refusal_rate",
        "Refusals",
        "share",
        "Answers that begin by declining or by not knowing.",
    ),
    Measure(
        "refusal_rate_change",
        "Refusals, change",
        "share",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "cut_off_rate",
        "Cut off",
        "share",
        "Answers that reached 256 tokens without an end.",
    ),
    Measure(
        "cut_off_rate_change",
        "Cut off, change",
        "share",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "format_violation_rate",
        "Format violations",
        "share",
        "Of the prompts that ask for a format in known words: answers without it.",
    ),
    Measure(
        "format_violation_rate_change",
        "Format violations, change",
        "share",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "bleu",
        "BLEU",
        "of 100",
        "Corpus BLEU against the chosen answers, as sacrebleu's default.",
    ),
    Measure(
        "bleu_change",
        "BLEU, change",
        "of 100",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "token_f1",
        "Token F1",
        "share",
        "Words shared with the chosen answer, as in SQuAD.",
    ),
    Measure(
        "token_f1_change",
        "Token F1, change",
        "share",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "embedding_f1",
        "Overlap of embeddings",
        "share",
        "BERTScore's F1 with the reference's own hidden states: compare only within one reference.",
    ),
    Measure(
        "embedding_f1_change",
        "Overlap of embeddings, change",
        "share",
        "Policy minus reference, prompt by prompt.",
    ),
    Measure(
        "box_iou",
        "IoU of boxes",
        "share",
        "Where the chosen answer has boxes [x1, y1, x2, y2].",
    ),
    Measure(
        "box_iou_change",
        "IoU of boxes, change",
        "share",
        "Policy minus reference, prompt by prompt.",
    ),
    *_BESIDE,
)
