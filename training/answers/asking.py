"""Prompts made of a folder of pictures and videos and of templates, for a model to answer.

A template is a question. Every picture and video gets all of them, or some that are drawn for it.
Those that cannot be used and those that are there twice are left out and counted before anything
is queued.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import identity, json_lines, pictures, swift_records, videos
from storage.errors import NotFoundError, WrongInputError
from storage.footage import decoding
from storage.footage.sampling import Sampling
from storage.media_files import LARGEST_VIDEO, MediaFolder
from storage.rows import Job
from storage.workspace import Workspace
from training.jobs import submission
from training.settings.spec import SamplingSpec

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".webm"})
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"}) | VIDEO_SUFFIXES
MOST_PICTURES = 100_000
MOST_TEMPLATES = 1_000
MOST_PROMPTS = 1_000_000
LARGEST = 100_000_000
FOLDER = "prompts"
_PLACE, _VIDEO_PLACE = "<image>", "<video>"


@dataclass(frozen=True)
class Template:
    """A question asked about a picture or video; `<image>` in it is where that stands."""

    text: str
    category: str = ""
    system: str = ""


@dataclass(frozen=True)
class Broken:
    """A file with the ending of a picture or video that is none that can be used."""

    name: str
    reason: str


@dataclass(frozen=True)
class Looked:
    """What a folder holds.

    Attributes:
        root: the folder, absolute.
        names: pictures and videos relative to it, by name.
        broken: files that cannot be used.
        twice: pictures whose pixels stand in an earlier one, and videos that are one.
    """

    root: Path
    names: Sequence[str]
    broken: Sequence[Broken]
    twice: int

    @property
    def videos(self) -> int:
        return sum(map(_is_video, self.names))


@dataclass(frozen=True)
class Prepared:
    """Prompts ready to be queued; each as `training.answers.prompts` reads it."""

    looked: Looked
    templates: int
    prompts: Sequence[Mapping[str, Any]]

    def counts(self) -> dict[str, int]:
        """What a job records of it."""
        return {
            "pictures": len(self.looked.names) - self.looked.videos,
            "videos": self.looked.videos,
            "broken": len(self.looked.broken),
            "twice": self.looked.twice,
            "templates": self.templates,
            "prompts": len(self.prompts),
        }


def read_templates(path: Path) -> list[Template]:
    """The templates of a file: a question a line, or in `.jsonl` an object a line with `text` and,
    if wished, `category` and `system`.

    Raises NotFoundError without a file, WrongInputError naming the first line that is no template.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file of templates at {path}.", "Check the path.")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        found = []
        for line in json_lines.read(path):
            if line.text or line.problem:
                found.append(_template(line.number, json_lines.parse_object(line)))
        return _checked(found)
    try:
        return of_text(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise WrongInputError(f"{path.name} is no text in UTF-8.", "Save it as UTF-8.") from error


def of_text(text: str) -> list[Template]:
    """Templates written one a line; `counting: How many ...?` gives the category before a colon."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            category, colon, question = line.partition(": ")
            is_named = bool(colon) and category.replace("-", "").replace("_", "").isalnum()
            told = {"text": question, "category": category} if is_named else {"text": line}
            found.append(_template(number, told))
    return _checked(found)


def of_records(records: Sequence[Mapping[str, Any]]) -> list[Template]:
    """Templates as objects with `text` and, if wished, `category` and `system`."""
    return _checked([_template(number, one) for number, one in enumerate(records, start=1)])


def look(folder: Path, advance: Callable[[int, int], None] = lambda done, total: None) -> Looked:
    """Open every picture and video below a folder. Links that lead out of it are not followed.

    Args:
        advance: told how many of how many files were looked at.

    Raises:
        NotFoundError: there is no such folder.
        WrongInputError: it holds neither picture nor video, or too many.
    """
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}.", "Name a folder with pictures.")
    root = folder.resolve()
    names = _named(root)
    files = MediaFolder(root, None)
    good: list[str] = []
    broken: list[Broken] = []
    seen: set[str] = set()
    twice = 0
    for number, name in enumerate(names):
        advance(number, len(names))
        try:
            known = _content(files.find(name))
        except (WrongInputError, OSError) as error:
            what = error.what if isinstance(error, WrongInputError) else type(error).__name__
            broken.append(Broken(name, what))
            continue
        twice += known in seen
        if known not in seen:
            seen.add(known)
            good.append(name)
    if not good:
        raise WrongInputError(
            f"{root} holds no picture or video that can be used ({len(broken)} cannot).",
            f"Name a folder with {', '.join(sorted(SUFFIXES))} files.",
        )
    return Looked(root, good, broken, twice)


def prepare(
    looked: Looked, templates: Sequence[Template], per_picture: int | None = None, seed: int = 0
) -> Prepared:
    """Put pictures and templates together.

    Args:
        per_picture: templates drawn for each picture, by its name and `seed`; None for all.
    """
    if per_picture is not None and not 1 <= per_picture <= len(templates):
        raise WrongInputError(
            f"{per_picture} templates are wanted for each picture.",
            f"There are {len(templates)}: use 1 to {len(templates)}.",
        )
    wanted = len(looked.names) * (per_picture or len(templates))
    if wanted > MOST_PROMPTS:
        raise WrongInputError(
            f"{len(looked.names):,} pictures and {len(templates):,} templates would be "
            f"{wanted:,} prompts; at most {MOST_PROMPTS:,} are made at once.",
            "Draw fewer templates for each picture, or take fewer pictures.",
        )
    prompts = []
    for name in looked.names:
        for number in _drawn(name, len(templates), per_picture, seed):
            prompts.append(_prompt(name, number, templates[number]))
    return Prepared(looked, len(templates), prompts)


def submit(
    workspace: Workspace,
    prepared: Prepared,
    *,
    start_from: str,
    batch: str,
    settings: SamplingSpec | Mapping[str, Any] | None = None,
    rivals: Sequence[str] = (),
    key: str | None = None,
) -> Job:
    """Queue the sampling of answers to the prompts; they become pairs of the batch.

    With `rivals` it is an A/B test of the models named; `key` makes a repeated call harmless. The
    prompts are kept in the workspace under the digest of their content.
    """
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in prepared.prompts]
    root = str(prepared.looked.root)
    digest = identity.digest({"root": root, "prompts": lines})
    path = workspace.home / FOLDER / f"{digest}.jsonl"
    path.parent.mkdir(exist_ok=True)
    write_whole(path, "".join(lines).encode())
    return submission.submit_sampling(
        workspace,
        start_from=start_from,
        prompts=path,
        batch=batch,
        settings=settings,
        rivals=rivals,
        key=key,
        pictures_root=prepared.looked.root,
        about=prepared.counts(),
    )


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all: another thread or program may look for the file."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.write_bytes(data)
    temporary.replace(path)


def _template(number: int, told: Mapping[str, Any]) -> Template:
    try:
        text = swift_records.check_text(told.get("text"), "text").strip()
        extra = [told.get(name) or "" for name in ("category", "system")]
        if not all(isinstance(one, str) for one in extra):
            raise WrongInputError("'category' or 'system' is no text.")
        if text.count(_PLACE) > 1 or "<video>" in text:
            raise WrongInputError(f"A template shows one picture: at most one {_PLACE}.")
    except WrongInputError as error:
        raise WrongInputError(
            f"Line {number} of the templates: {error.what}",
            error.next_step or 'Write a question, or {"text": ..., "category": ...}.',
        ) from error
    category, system = extra
    return Template(text if _PLACE in text else f"{_PLACE}{text}", category.strip(), system.strip())


def _checked(templates: Sequence[Template]) -> list[Template]:
    unique = list(dict.fromkeys(templates))
    if not 1 <= len(unique) <= MOST_TEMPLATES:
        raise WrongInputError(
            f"There are {len(unique):,} templates.", f"Give 1 to {MOST_TEMPLATES:,} questions."
        )
    return unique


def _named(root: Path) -> list[str]:
    """Files with the ending of a picture or video, relative to the root, by name."""
    found: list[str] = []
    for folder, _, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        found += [str(inside / name) for name in files if Path(name).suffix.lower() in SUFFIXES]
        if len(found) > MOST_PICTURES:
            raise WrongInputError(
                f"{root} holds more than {MOST_PICTURES:,} pictures and videos.",
                "Name a smaller folder.",
            )
    return sorted(found)


def _is_video(name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def _content(path: Path) -> str:
    """What tells one picture or video from another."""
    is_video = _is_video(path.name)
    largest = LARGEST_VIDEO if is_video else LARGEST
    if path.stat().st_size > largest:
        raise WrongInputError(f"The file has more than {largest:,} bytes.")
    if is_video:
        with path.open("rb") as file:
            # a whole one may hold frames that nobody can decode
            next(decoding.frames(file, Sampling(1)))
        return videos.normalize(path.read_bytes())[0].id
    picture = pictures.open_picture(path.read_bytes())
    return identity.picture_id(picture.width, picture.height, picture.tobytes())


def _drawn(name: str, templates: int, wanted: int | None, seed: int) -> list[int]:
    if wanted is None:
        return list(range(templates))
    # by the picture's own name: another picture more changes nothing for this one
    return sorted(random.Random(f"{seed}/{name}").sample(range(templates), wanted))  # noqa: S311


def _prompt(name: str, number: int, template: Template) -> dict[str, Any]:
    place, files = (_VIDEO_PLACE, "videos") if _is_video(name) else (_PLACE, "images")
    messages = [{"role": "user", "content": template.text.replace(_PLACE, place)}]
    if template.system:
        messages.insert(0, {"role": "system", "content": template.system})
    told = {"messages": messages, files: [name], "id": f"{name}#{number + 1}"}
    return {**told, "category": template.category} if template.category else told
