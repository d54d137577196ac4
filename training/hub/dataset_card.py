"""The card of a published dataset version, with the files of its splits for the Hub's viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import DatasetCardData

from storage.exports.manifest import UNSTATED
from training.hub.dataset_manifest import Manifest

WHAT = (
    "Pairs of answers to one prompt: experts, who did not see where an answer came from, chose the "
    "better one."
)


def write(facts: Mapping[str, Any], manifest: Manifest) -> str:
    """The text of `README.md`.

    Args:
        facts: what `training.hub.facts` collected.
        manifest: of what is published; a side of the split is in `data/SIDE.parquet`.
    """
    is_stated = manifest.licence != UNSTATED
    head = DatasetCardData(
        pretty_name=f"Preference pairs {manifest.version}",
        license=manifest.licence if is_stated else None,
        task_categories=["image-text-to-text"],
        tags=["dpo", "preference", "trl", "image-text-to-text", "pairwright"],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}.parquet"} for split in manifest.counts
                ],
            }
        ],
    ).to_yaml()
    return f"---\n{head}\n---\n\n" + "\n".join(_body(facts, manifest))


def _body(facts: Mapping[str, Any], manifest: Manifest) -> list[str]:
    policy = ", ".join(f"{name} {value}" for name, value in facts["dataset"]["policy"].items())
    return [
        f"# Preference pairs {manifest.version}\n",
        f"{WHAT}\n",
        f"- Made: {manifest.made}",
        f"- Labels: {manifest.labels}" + (f" ({policy})" if policy else ""),
        f"- Licence: {manifest.licence}",
        *(f"- {split}: {count} pairs" for split, count in manifest.counts.items()),
        *(f"- Undecided, not in the version: {n}, {why}" for why, n in manifest.excluded.items()),
        *(f"- Not published: {n}, each {why}" for why, n in manifest.left_out.items()),
        *_digests(manifest),
        "Columns: `prompt`, `chosen` and `rejected` are message lists, `images` are the pictures "
        "in the order of their placeholders: TRL's DPOTrainer takes them as they are. The others "
        "say whose decision it is and how sure; `manifest.json` and `croissant.json` describe the "
        "files."
        + (
            " Train and holdout share no picture."
            if "media" in facts["dataset"]["kept_apart"]
            else ""
        )
        + "\n",
        "```python",
        "from datasets import load_dataset\n",
        f'pairs = load_dataset("{facts["repo"]}", revision="{facts["tag"]}")',
        "```\n",
        "Back into a workspace, with every picture, after its digest was checked:\n",
        "```",
        f"pairwright dataset pull {facts['repo']} --revision {facts['tag']}",
        "```\n",
    ]


def _digests(manifest: Manifest) -> list[str]:
    told = [f"- Digest of the rows: `{manifest.digest}`"]
    if manifest.digest != manifest.source_digest:
        told.append(
            "- Digest of the version that they were taken from: "
            f"`{manifest.source_digest}`; rows or a person's name stayed behind"
        )
    return [*told[:-1], told[-1] + "\n"]
