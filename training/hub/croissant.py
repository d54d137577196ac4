"""Croissant metadata of a published dataset version: files with their hashes, and their columns.

Croissant 1.0 of MLCommons, JSON-LD: http://mlcommons.org/croissant/1.0
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from training.hub.dataset_manifest import Manifest

NAME = "croissant.json"
_CONFORMS = "http://mlcommons.org/croissant/1.0"
# the context that the specification asks for, word for word
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TOLD = {
    "pair_id": ("sc:Text", "Identity of the pair: SHA-256 over its prompt and both answers."),
    "category": ("sc:Text", "Category of the prompt; may be empty."),
    "labels": ("sc:Text", "Whose decision it is."),
    "votes": ("sc:Integer", "Votes behind the decision."),
    "confidence": ("sc:Float", "Probability of the chosen answer, given the votes."),
    "record_id": ("sc:Text", "What the record was called in the file that it came with."),
}
_SIDES = {"train": "to train on", "holdout": "held out"}


def text(
    manifest: Manifest, *, repo: str, url: str, sentences: str, published: str, with_images: bool
) -> str:
    """The content of `croissant.json`.

    Args:
        repo: ORG/NAME.
        url: of the repository.
        sentences: what the dataset is, in a few of them.
        published: day, `2026-11-20`.
        with_images: whether the files have the column `images`.
    """
    organisation = repo.partition("/")[0]
    said = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS,
        "name": repo.partition("/")[2],
        "description": sentences,
        "license": manifest.licence,
        "url": url,
        "creator": {"@type": "sc:Organization", "name": organisation},
        "datePublished": published,
        "version": f"1.0.0+{manifest.digest[:12]}",
        "keywords": ["dpo", "preference", "image-text-to-text"],
        "distribution": list(_files(manifest)),
        "recordSet": [_records(name, with_images) for name in manifest.files],
    }
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def _files(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for name, facts in manifest.files.items():
        yield {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "contentSize": f"{facts.size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": facts.sha256,
        }


def _records(file: str, with_images: bool) -> dict[str, Any]:
    """The columns of one file: messages, pictures, and what is said of each pair."""
    side = file.removeprefix("data/").removesuffix(".parquet")
    fields = [_messages(side, file, name) for name in ("prompt", "chosen", "rejected")]
    if with_images:
        fields.append(_field(side, file, "images", "sc:ImageObject", path="bytes", many=True))
    fields += [_field(side, file, name, kind, said) for name, (kind, said) in _TOLD.items()]
    return {
        "@type": "cr:RecordSet",
        "@id": side,
        "name": side,
        "description": f"Pairs {_SIDES[side]}.",
        "key": {"@id": f"{side}/pair_id"},
        "field": fields,
    }


def _messages(side: str, file: str, name: str) -> dict[str, Any]:
    """A list of messages; the content of each is a list of parts."""
    parts = {"role": "role", "type": "content[*].type", "text": "content[*].text"}
    return {
        "@type": "cr:Field",
        "@id": f"{side}/{name}",
        "name": f"{side}/{name}",
        "description": "Messages: who speaks, and the parts of what is said.",
        "repeated": True,
        "subField": [
            _field(side, file, name, "sc:Text", path=path, part=part)
            for part, path in parts.items()
        ],
    }


def _field(
    side: str,
    file: str,
    column: str,
    kind: str,
    description: str = "",
    *,
    path: str = "",
    part: str = "",
    many: bool = False,
) -> dict[str, Any]:
    """A column, or one part of it that is found at `path` within each of its values."""
    name = "/".join(filter(None, (side, column, part)))
    source: Mapping[str, Any] = {"fileObject": {"@id": file}, "extract": {"column": column}}
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        **({"description": description} if description else {}),
        "dataType": kind,
        **({"repeated": True} if many else {}),
        "source": {**source, **({"transform": {"jsonPath": path}} if path else {})},
    }
