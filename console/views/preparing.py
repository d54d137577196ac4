"""Pictures and questions tried out before a model answers them: counts, trouble, first prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.views import wording
from storage.errors import WrongInputError
from storage.workspace import Workspace
from training.answers import asking
from training.answers.asking import Broken, Prepared

MOST_SHOWN = 4


@dataclass(frozen=True)
class Wanted:
    """What the form asks for. `per_picture` 0 means every question."""

    folder: str
    questions: str
    start: str
    batch: str
    per_picture: int = 0

    @property
    def lacks(self) -> str:
        """What is still missing, in words."""
        given = {
            "Name a folder with pictures.": self.folder,
            "Write a question.": self.questions,
            "Choose the model that answers.": self.start,
            "Name the batch that gets the pairs.": self.batch,
        }
        return next((words for words, value in given.items() if not value.strip()), "")


@dataclass(frozen=True)
class FirstPrompt:
    """One of the first prompts: its picture or video in the folder, and its question."""

    file: Path
    is_video: bool
    text: str
    category: str


@dataclass(frozen=True)
class Tried:
    """Prompts that could be queued."""

    wanted: Wanted
    prepared: Prepared
    summary: str
    broken: Sequence[Broken]
    first: Sequence[FirstPrompt]
    command: str


def check(workspace: Workspace, wanted: Wanted, advance: Callable[[int, int], None]) -> Tried:
    """Look at every picture and put the prompts together; nothing is written.

    Raises:
        WrongInputError, NotFoundError: the folder or the questions cannot be used.
    """
    if wanted.lacks:
        raise WrongInputError(wanted.lacks)
    templates = asking.of_text(wanted.questions)
    looked = asking.look(Path(wanted.folder).expanduser(), advance)
    prepared = asking.prepare(looked, templates, wanted.per_picture or None)
    counts = prepared.counts()
    words = ("prepare", "--pictures", wanted.folder, "--templates", "FILE")
    return Tried(
        wanted=wanted,
        prepared=prepared,
        summary=(
            f"{_shown(counts)} and "
            f"{wording.count(counts['templates'], 'question')}: "
            f"{wording.count(counts['prompts'], 'prompt')}, each answered twice. "
            f"{wording.count(counts['broken'], 'file')} cannot be used, "
            f"{counts['twice']:,} are there twice."
        ),
        broken=looked.broken,
        first=[
            FirstPrompt(
                looked.root / (one.get("images") or one["videos"])[0],
                "videos" in one,
                one["messages"][-1]["content"]
                .replace("<image>", "")
                .replace("<video>", "")
                .strip(),
                one.get("category", ""),
            )
            for one in prepared.prompts[:MOST_SHOWN]
        ],
        command=wording.command(
            workspace.home, *words, "--from", wanted.start, "--batch", wanted.batch
        ),
    )


def queue(workspace: Workspace, tried: Tried) -> str:
    """Queue the sampling; returns the id of the job.

    Raises:
        WrongInputError, NotFoundError: the model or the name of the batch cannot be used.
    """
    job = asking.submit(
        workspace, tried.prepared, start_from=tried.wanted.start, batch=tried.wanted.batch
    )
    return job.id


def _shown(counts: Mapping[str, int]) -> str:
    pictures, videos = counts["pictures"], counts["videos"]
    told = [wording.count(videos, "video")] if videos else []
    return ", ".join([wording.count(pictures, "picture"), *told])
