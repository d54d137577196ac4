"""The card of a checkpoint: what it is, where it comes from, how it was measured, how to load it.

Nobody else's card is right for an adapter of a model that sees: TRL writes a text-only quick start
and no settings, PEFT says text generation. Fields by the Hub's model card metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import ModelCardData

from training.hub import figures, snippet
from training.settings import DPO, SFT

_TAUGHT = {
    SFT: "taught good answers by supervised fine-tuning (SFT)",
    DPO: "aligned with expert preferences by DPO",
}
_JUDGED = {SFT: "taken as good by", DPO: "labeled by"}
_FOLLOWS = {
    SFT: "- It imitates the answers that it was taught, on the kinds of questions that they "
    "answer; DPO on preferences comes after it.",
    DPO: "- It follows the preferences of the people who labeled, on the kinds of questions that "
    "they saw.",
}
_KL = "- KL is measured on the held-out answers, not on answers that the model samples."
_MEASURES = {
    SFT: "Loss in nats and accuracy of the next token, both per token of the held-out answers. No "
    "figure says whether people prefer its answers: this stage learns from good ones alone.\n",
    DPO: "Preference accuracy: the model gives the chosen answer the higher log-probability. "
    "Reward accuracy: the higher implicit reward against the reference. Read both beside the "
    "reference's own and `the longer one wins`.\n",
}


def write(
    facts: Mapping[str, Any], *, parents: Sequence[str], sees: bool, base_license: str = ""
) -> str:
    """The text of `README.md`.

    Args:
        facts: what `training.hub.facts` collected.
        parents: sub-folders with the adapters underneath.
        sees: whether the model takes pictures.
        base_license: what the model underneath declares; empty when unknown.
    """
    head = _metadata(facts, sees, base_license).to_yaml()
    body = [
        f"# {facts['name']}\n",
        *_origin(facts),
        "\n## Training\n",
        *_training(facts),
        "\n## Evaluation\n",
        *_evaluation(facts),
        "\n## Independent evaluation\n",
        *_independent(facts),
        "\n## Limits\n",
        *_limits(facts, base_license),
        "\n## Use\n",
        "```python",
        _code(facts, parents, sees),
        "```\n",
    ]
    return f"---\n{head}\n---\n\n" + "\n".join(body)


def _metadata(facts: Mapping[str, Any], sees: bool, base_license: str) -> ModelCardData:
    base, dataset = facts["base"]["hub"], facts["dataset"]
    is_adapter = facts["form"] == "adapter"
    tags = [_stage(facts), "trl", *(["lora"] if is_adapter else []), "pairwright"]
    tags += ["vision-language-model"] if sees else []
    tags += [f"base_model:{_relation(is_adapter)}:{base}"] if base else []
    named = {"base_model": base, "base_model_relation": _relation(is_adapter)} if base else {}
    return ModelCardData(
        **named,
        library_name="peft" if is_adapter else "transformers",
        pipeline_tag=figures.TASK if sees else "text-generation",
        license=base_license or None,
        datasets=[dataset["repo"]] if dataset["repo"] else None,
        tags=tags,
        model_name=facts["name"],
        eval_results=_results(facts),
    )


def _results(facts: Mapping[str, Any]) -> list[Any] | None:
    dataset = facts["dataset"]
    kind = dataset["repo"] or "preference-pairs"
    found = figures.results(
        facts["metrics"],
        dataset=kind,
        name=f"{dataset['version']} holdout",
        revision=dataset["revision"] or dataset["digest"],
    )
    return found or None


def _stage(facts: Mapping[str, Any]) -> str:
    """How this checkpoint itself was trained: `dpo` or `sft`."""
    return str(facts["lineage"][-1].get("stage", DPO))


def _rows(facts: Mapping[str, Any]) -> str:
    """What a row of its dataset version was to it."""
    return "answers" if _stage(facts) == SFT else "pairs"


def _relation(is_adapter: bool) -> str:
    return "adapter" if is_adapter else "finetune"


def _origin(facts: Mapping[str, Any]) -> list[str]:
    base, form = facts["base"], facts["form"]
    what = "A LoRA adapter" if form == "adapter" else "A model with all decoder weights trained"
    if base["hub"]:
        under = f"`{base['hub']}`"
    else:
        under = "a model that is not on the Hub" + (f" (`{base['name']}`)" if base["name"] else "")
    line = " -> ".join(
        f"{one['name']} ({one.get('stage', DPO).upper()} on {one['dataset']})"
        for one in facts["lineage"]
    )
    return [
        f"{what}, {_TAUGHT[_stage(facts)]} on top of {under}.\n",
        f"- Made: {facts['made']}",
        f"- Lineage: base -> {line}",
    ]


def _training(facts: Mapping[str, Any]) -> list[str]:
    dataset = facts["dataset"]
    there = "not on the Hub"
    if dataset["repo"]:
        there = f"{dataset['repo']} at revision `{dataset['revision']}`"
    left_out = ", ".join(f"{count} {why}" for why, count in dataset["excluded"].items())
    settings = "\n".join(f"| {key} | {_word(value)} |" for key, value in facts["settings"].items())
    return [
        f"Dataset version {dataset['version']} ({there}): {dataset['rows']} {_rows(facts)} "
        f"{_JUDGED[_stage(facts)]} {dataset['labels']}, {dataset['train']} to train and "
        f"{dataset['holdout']} held out" + (f"; left out before: {left_out}." if left_out else "."),
        f"\nDigest of its rows: `{dataset['digest']}`.\n",
        "| setting | value |",
        "|---|---|",
        settings,
    ]


def _word(value: Any) -> str:
    """A setting as it is written in a file of settings."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _evaluation(facts: Mapping[str, Any]) -> list[str]:
    dataset, metrics = facts["dataset"], facts["metrics"]
    reference = (metrics.get("reward_accuracy") or {}).get("reference", "")
    lines = [
        f"On the held-out {_rows(facts)} of {dataset['version']}, before and after this training."
        + (f" Reference of rewards and KL: `{reference}`." if reference else ""),
        _MEASURES[_stage(facts)],
        *figures.table(metrics),
    ]
    for one in facts["evaluations"]:
        lines += [f"\nOn {one['dataset']}, split {one['split']}:\n", *figures.table(one["metrics"])]
    return lines


def _independent(facts: Mapping[str, Any]) -> list[str]:
    """Beside the figures above, never among them."""
    if not facts.get("independent"):
        return [
            "None. Every figure above rests on pairs that were labeled as those of the training "
            "were, so what the annotators have in common flatters it. Measure it on a benchmark of "
            "others before use."
        ]
    return [
        "With questions and labels of others, which took no part in the training.\n",
        *figures.beside(facts["independent"]),
    ]


def _limits(facts: Mapping[str, Any], base_license: str) -> list[str]:
    n = (facts["metrics"].get("preference_accuracy") or {}).get("n")
    few = f" ({n} pairs)" if n else ""
    unknown = "- The licence of the model underneath is not known here: check it before use."
    return [
        _FOLLOWS[_stage(facts)],
        f"- The intervals are those of the hold-out{few}; differences within them mean nothing.",
        *([_KL] if _stage(facts) == DPO else []),
        *([] if base_license else [unknown]),
    ]


def _code(facts: Mapping[str, Any], parents: Sequence[str], sees: bool) -> str:
    return snippet.code(
        repo=facts["repo"],
        tag=facts["tag"],
        base=facts["base"]["hub"],
        parents=parents,
        is_adapter=facts["form"] == "adapter",
        sees=sees,
    )
