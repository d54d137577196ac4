"""The benchmarks that are run here, read from local copies of their own files.

POPE: github.com/RUCAIBox/POPE, lines of `{question_id, image, text, label}`, a file for each way of
choosing the objects. AMBER: github.com/junyangwang0410/AMBER, a query file, `annotations.json`,
`relation.json` and `safe_words.txt`. CHAIR: instances and captions of COCO, and `synonyms.txt` of
github.com/LisaAnne/Hallucination. `questions` is a set of one's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rounds.independent import captions, reading, yes_no
from rounds.independent.suite import Item, Suite, Task
from storage.errors import NotFoundError, WrongInputError

DESCRIBE = "Please describe this image in detail."
_OBJECTS = "no object is annotated"
_TRUTHS = (yes_no.YES, yes_no.NO)


def pope(folder: Path) -> Suite:
    """Every file of POPE in a folder; the last word of its name is the part.

    Raises:
        NotFoundError: there is none.
        WrongInputError: an item is not of this shape, or is there twice.
    """
    found = [path for path in sorted(folder.rglob("*pope*")) if path.suffix in (".json", ".jsonl")]
    if not found:
        raise NotFoundError(
            f"No file like coco_pope_random.json is in {folder}.", "Put POPE's own files there."
        )
    items = []
    for path in found:
        part = path.stem.rsplit("_", 1)[-1]
        for at, record in enumerate(reading.records(path), start=1):
            name, picture, question = (
                reading.text_of(record, key, path, at) for key in ("question_id", "image", "text")
            )
            truth = (_truth(record, "label", path, at),)
            items.append(Item(f"{part}/{name}", part, Task.YES_NO, picture, question, truth))
    return Suite("pope", _unique(items), files=reading.digests(*found))


def amber(folder: Path) -> Suite:
    """AMBER's queries: yes or no where the annotation says so, else a caption whose objects are
    counted by its lists of words.

    Raises:
        NotFoundError: a file is missing, or there are several.
        WrongInputError: an item is not of this shape, or is there twice.
    """
    query = reading.the_file(folder, "query_all.json", "query*.json")
    told = reading.the_file(folder, "annotations.json")
    words = reading.optional_file(folder, "relation.json")
    safe = reading.optional_file(folder, "safe_words.txt")
    known = {str(one.get("id")): one for one in reading.records(told)}
    items: list[Item] = []
    left_out: Counter[str] = Counter()
    for at, record in enumerate(reading.records(query), start=1):
        asked = [reading.text_of(record, key, query, at) for key in ("id", "image", "query")]
        annotation = known.get(asked[0])
        if annotation is None:
            left_out["no annotation"] += 1
        elif annotation.get("type") == "generative" and words is None:
            left_out["relation.json is missing"] += 1
        else:
            items.append(_amber_item(asked, annotation, told, at))
    also = {} if words is None else _associated(words)
    names = {name for own, others in also.items() for name in (own, *others) if name}
    harmless = reading.text_file(safe).splitlines() if safe else []
    return Suite(
        benchmark="amber",
        items=_unique(items),
        positive=yes_no.NO,
        objects=tuple((name,) for name in sorted(names)),
        also=also,
        safe=tuple(captions.plain(one) for one in harmless if one.strip()),
        left_out=left_out,
        files=reading.digests(query, told, words, safe),
    )


def chair(folder: Path) -> Suite:
    """A caption for each picture of COCO's instances, or of `prompts.jsonl` where it is there
    (`{image, text}` a line); true is what the instances and, where there, the captions name.

    Raises:
        NotFoundError: a file is missing, or there are several.
        WrongInputError: a file is not of this shape.
    """
    instances = reading.the_file(folder, "instances*.json")
    synonyms = reading.the_file(folder, "synonyms*.txt")
    written = reading.optional_file(folder, "captions*.json")
    prompts = reading.optional_file(folder, "prompts*.jsonl")
    lines = [
        tuple(name.strip().casefold() for name in line.split(",") if name.strip())
        for line in reading.text_file(synonyms).splitlines()
    ]
    vocabulary = captions.vocabulary(lines)
    there = _coco_objects(instances, written, vocabulary)
    items: list[Item] = []
    left_out: Counter[str] = Counter()
    for picture, question in _asked(prompts, there):
        if not there.get(picture):
            left_out[_OBJECTS] += 1
            continue
        truth = tuple(sorted(there[picture]))
        items.append(Item(picture, "", Task.CAPTION, picture, question, truth))
    return Suite(
        benchmark="chair",
        items=_unique(items),
        objects=tuple(filter(None, lines)),
        left_out=left_out,
        files=reading.digests(instances, synonyms, written, prompts),
    )


def questions(path: Path) -> Suite:
    """A set of one's own, such as a guard of what a model could do before: a JSON a line, `{text,
    image, id, part}` with `label` (yes or no) or `reference` (a text or a list of them).

    Raises:
        NotFoundError: there is no such file.
        WrongInputError: an item is not of this shape, or is there twice.
    """
    items = []
    for at, record in enumerate(reading.records(path), start=1):
        question = reading.text_of(record, "text", path, at)
        picture = str(record.get("image") or "")
        name, part = str(record.get("id") or f"line-{at}"), str(record.get("part") or "")
        if "label" in record:
            told = (_truth(record, "label", path, at),)
            items.append(Item(name, part, Task.YES_NO, picture, question, told))
        else:
            right = _references(record, path, at)
            items.append(Item(name, part, Task.REFERENCE, picture, question, right))
    return Suite(path.stem, _unique(items), files=reading.digests(path))


READERS: Mapping[str, Callable[[Path], Suite]] = {
    "pope": pope,
    "amber": amber,
    "chair": chair,
    "questions": questions,
}


def _amber_item(asked: Sequence[str], annotation: Mapping[str, Any], path: Path, at: int) -> Item:
    name, picture, question = asked
    kind = str(annotation.get("type") or "")
    if kind != "generative":
        part = kind.removeprefix("discriminative-")
        truth: tuple[str, ...] = (_truth(annotation, "truth", path, at),)
        return Item(name, part, Task.YES_NO, picture, question, truth)
    objects = annotation.get("truth")
    if not isinstance(objects, list) or not all(isinstance(one, str) for one in objects):
        raise WrongInputError(f"{path}, item {name}: 'truth' is no list of objects.")
    truth = tuple(sorted({captions.plain(one) for one in objects}))
    return Item(name, "generative", Task.CAPTION, picture, question, truth)


def _associated(path: Path) -> dict[str, tuple[str, ...]]:
    found = reading.json_file(path)
    if not isinstance(found, dict) or not all(isinstance(one, list) for one in found.values()):
        raise WrongInputError(f"{path} is no object of lists of words.", "Get the file again.")
    return {
        captions.plain(str(own)): tuple(captions.plain(str(one)) for one in others)
        for own, others in found.items()
    }


def _coco_objects(
    instances: Path, written: Path | None, vocabulary: captions.Vocabulary
) -> dict[str, set[str]]:
    """File of a picture -> its objects."""
    try:
        told = reading.json_file(instances)
        files = {one["id"]: str(one["file_name"]) for one in told["images"]}
        kinds = {one["id"]: str(one["name"]) for one in told["categories"]}
        found: dict[str, set[str]] = {name: set() for name in files.values()}
        for one in told["annotations"]:
            named = captions.mentioned(kinds[one["category_id"]], vocabulary)
            found[files[one["image_id"]]] |= named
        for one in reading.json_file(written)["annotations"] if written else ():
            if one["image_id"] in files:
                named = captions.mentioned(str(one["caption"]), vocabulary)
                found[files[one["image_id"]]] |= named
    except (KeyError, TypeError) as error:
        raise WrongInputError(
            f"{instances.name} or the captions are not as COCO has them: {error}.",
            "images, annotations and categories are needed, each with its ids.",
        ) from error
    return found


def _asked(prompts: Path | None, there: Mapping[str, Any]) -> list[tuple[str, str]]:
    if prompts is None:
        return [(name, DESCRIBE) for name in there]
    return [
        (
            reading.text_of(record, "image", prompts, at),
            reading.text_of(record, "text", prompts, at) if "text" in record else DESCRIBE,
        )
        for at, record in enumerate(reading.records(prompts), start=1)
    ]


def _truth(record: Mapping[str, Any], key: str, path: Path, at: int) -> str:
    value = str(record.get(key)).strip().casefold()
    if value not in _TRUTHS:
        raise WrongInputError(
            f"{path}, item {at}: {key!r} is {str(record.get(key))[:80]!r}.", "Use yes or no."
        )
    return value


def _references(record: Mapping[str, Any], path: Path, at: int) -> tuple[str, ...]:
    value = record.get("reference")
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise WrongInputError(
            f"{path}, item {at}: neither 'label' nor 'reference' says what is right.",
            "Give label: yes or no, or reference: a text or a list of texts.",
        )
    return tuple(texts)


def _unique(items: Sequence[Item]) -> tuple[Item, ...]:
    twice = [name for name, count in Counter(one.item for one in items).items() if count > 1]
    if twice:
        raise WrongInputError(
            f"{len(twice)} items are there twice, such as {twice[0][:80]!r}.", "Keep each once."
        )
    return tuple(items)
