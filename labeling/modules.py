"""Which scripts a page's script imports, so that the page can ask for all of them at once.

Without that a browser learns of an import only when it has read the importing script: a round trip
to the server for each step of the longest chain.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^(?:import|export)\b(?:[^;"]*\bfrom)?\s*"\./([\w-]+)\.js";', re.MULTILINE)


def imported(folder: Path, script: str) -> tuple[str, ...]:
    """Names, without `.js`, of all scripts in `folder` that a script needs, sorted; not its own.

    Raises:
        OSError: an imported script is not there.
    """
    found: set[str] = set()
    waiting = [script]
    while waiting:
        text = (folder / f"{waiting.pop()}.js").read_text(encoding="utf-8")
        fresh = set(_IMPORT.findall(text)) - found
        found |= fresh
        waiting += fresh
    return tuple(sorted(found - {script}))
