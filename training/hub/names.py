"""Names on the Hub: repositories and the tags of what is pushed."""

from __future__ import annotations

import re

from storage.errors import WrongInputError

# ORG/NAME by the Hub's own rule: letters, digits, `-`, `_`, `.`; no `--` and no `..`
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_]|[-.](?![-.]))*"
REPO = re.compile(rf"(?=.{{3,96}}$){_PART}(?<![-.])/{_PART}(?<![-.])")
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_TAG = 100


def check_repo(repo: str) -> str:
    """The name again.

    Raises:
        WrongInputError: it cannot be a repository of the Hub.
    """
    if not REPO.fullmatch(repo) or repo.endswith(".git"):
        raise WrongInputError(
            f"{repo[:120]!r} cannot be a repository of the Hub.",
            "Write ORG/NAME, of letters, digits, dots, dashes and underscores.",
        )
    return repo


def tag_of(name: str, content: str) -> str:
    """A tag that people recognise and that no other content gets.

    Args:
        name: of the checkpoint or dataset version.
        content: its id or digest; eight characters of it make the tag unique.
    """
    readable = _UNUSUAL.sub("-", name).strip("-.")[: _LONGEST_TAG - 9]
    return f"{readable}-{content[:8]}"
