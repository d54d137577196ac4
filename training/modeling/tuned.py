"""Whether somebody has tuned a model to follow instructions, as far as its names and files tell.

DPO teaches a model what to prefer among answers that it can give. One that was only pretrained
gives none worth comparing: SFT comes first, or an Instruct or Thinking model is the start.
"""

from __future__ import annotations

import re
from pathlib import Path

from storage.errors import DamagedError, WrongInputError
from training.jobs.starts import Start
from training.modeling import model_facts
from training.runs import manifest
from training.settings import DPO

# fact in a manifest: the stages that the weights went through
STAGES = "stages"
_WORDS = re.compile(r"instruct|thinking|(?<![a-z])(chat|it|sft|dpo)(?![a-z])")
_TAGS = re.compile(r"^(?:tags:.*|\s*-\s*)\b(sft|dpo|instruct|chat|conversational)\b", re.MULTILINE)
_LONGEST_CARD = 100_000


def doubt(start: Start) -> str:
    """Why DPO should not begin here, in a sentence; empty where nothing speaks against it.

    A start that is a checkpoint passes: whoever trained it was asked then.
    """
    if start.checkpoints or _is_named(start) or _says_so(start.model):
        return ""
    return (
        f"{start.name} has no SFT in its lineage as far as is known, and is called neither "
        "Instruct nor Thinking: DPO cannot replace SFT."
    )


def check(start: Start, stage: str, confirm: str) -> None:
    """Refuse DPO from a start that `doubt` speaks against.

    Args:
        confirm: how whoever asked says that it is meant, for the error.

    Raises:
        WrongInputError: naming the doubt, and both ways on.
    """
    reason = doubt(start) if stage == DPO else ""
    if reason:
        raise WrongInputError(
            reason, f"Train the stage sft first and start from its checkpoint, or {confirm}."
        )


def _is_named(start: Start) -> bool:
    names = (Path(name).name.lower() for name in (start.name, start.model))
    return any(_WORDS.search(name) for name in names)


def _says_so(location: str) -> bool:
    """What the manifest or the model card in the model's folder says."""
    folder = model_facts.folder_of(location)
    if folder is None:
        return False
    try:
        if manifest.read(folder).facts.get(STAGES):
            return True
    except DamagedError:
        # most models have none
        pass
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as card:
            head = card.read(_LONGEST_CARD).split("\n---", 1)[0]
    except OSError:
        return False
    return _TAGS.search(head) is not None
