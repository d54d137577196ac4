"""Names that people type: an unknown one is answered with the nearest that exists."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from storage.errors import NotFoundError

_SHOWN = 10


def check(kind: str, name: str, known: Iterable[str], when_none: str) -> None:
    """Raise NotFoundError when `name` is not among `known`.

    Args:
        kind: what is named, such as `batch`.
        when_none: what to do when nothing of the kind exists.
    """
    names = list(dict.fromkeys(known))
    if name in names:
        return
    what = f"There is no {kind} {name[:100]!r}."
    if not names:
        raise NotFoundError(what, when_none)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        raise NotFoundError(what, f"The nearest is {near[0]!r}.")
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise NotFoundError(what, f"There are {', '.join(names[-_SHOWN:])}{more}.")
