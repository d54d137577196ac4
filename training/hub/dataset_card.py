"""The card of a published dataset version, with the files of its splits for the Hub's viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import DatasetCardData


def write(facts: Mapping[str, Any], counts: Mapping[str, int], excluded: Mapping[str, int]) -> str:
    """The text of `README.md`.

    Args:
        facts: what `training.hub.facts` collected.
        counts: rows published by split; a split is in `data/SPLIT.parquet`.
        excluded: reason -> rows of the version that are not published.
    """
    dataset = facts["dataset"]
    head = DatasetCardData(
        pretty_name=f"Preference pairs {dataset['version']}",
        task_categories=["image-text-to-text"],
        tags=["dpo", "preference", "trl", "image-text-to-text", "pairwright"],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}.parquet"} for split in counts
                ],
            }
        ],
    ).to_yaml()
    return f"---\n{head}\n---\n\n" + "\n".join(_body(facts, counts, excluded))


def _body(
    facts: Mapping[str, Any], counts: Mapping[str, int], excluded: Mapping[str, int]
) -> list[str]:
    dataset = facts["dataset"]
    policy = ", ".join(f"{name} {value}" for name, value in dataset["policy"].items())
    return [
        f"# Preference pairs {dataset['version']}\n",
        "Pairs of answers to one prompt: experts, who did not see where an answer came from, chose "
        "the better one.\n",
        f"- Made: {dataset['made']}",
        f"- Labels: {dataset['labels']}" + (f" ({policy})" if policy else ""),
        *(f"- {split}: {count} pairs" for split, count in counts.items()),
        *(f"- Undecided, not in the version: {n}, {why}" for why, n in dataset["excluded"].items()),
        *(f"- Not published: {n}, each {why}" for why, n in excluded.items()),
        f"- Digest of the version's rows: `{dataset['digest']}`\n",
        "Columns: `prompt`, `chosen` and `rejected` are message lists, `images` are the pictures "
        "in the order of their placeholders: TRL's DPOTrainer takes them as they are. `pair_id` "
        "and `category` are for analysis."
        + (" Train and holdout share no picture." if "media" in dataset["kept_apart"] else "")
        + "\n",
        "```python",
        "from datasets import load_dataset\n",
        f'pairs = load_dataset("{facts["repo"]}", revision="{facts["tag"]}")',
        "```\n",
    ]
