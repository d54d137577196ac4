"""The pictures and videos of a batch that is here, as a folder that prompts can be made of."""

from __future__ import annotations

from storage import batches, media, pairs
from storage.errors import WrongInputError
from storage.media import EXTENSIONS
from storage.pairs import PairFilter
from storage.workspace import Workspace
from training.answers.asking import FOLDER, MOST_PICTURES, Looked, write_whole

_PICTURES = "pictures"
_SLICE = 500


def of_batch(workspace: Workspace, name: str) -> Looked:
    """Each once, in the order of the batch, named after its id. They were looked at when they came
    in, so that none is broken; one that is in the folder already is not written again.

    Raises:
        NotFoundError: there is no such batch, or the store has lost a file.
        WrongInputError: the batch shows none, or too many.
    """
    ids = _ids(workspace, name)
    if not 1 <= len(ids) <= MOST_PICTURES:
        raise WrongInputError(
            f"The batch {name!r} shows {len(ids):,} pictures and videos.",
            f"Name one with 1 to {MOST_PICTURES:,}.",
        )
    root = (workspace.home / FOLDER / _PICTURES).resolve()
    root.mkdir(parents=True, exist_ok=True)
    with workspace.ledger.read() as db:
        names = {one: f"{one}.{EXTENSIONS[media.get(db, one).mime]}" for one in ids}
    for media_id, file in names.items():
        if not (root / file).exists():
            write_whole(root / file, workspace.media.read(media_id))
    return Looked(root, list(names.values()), (), 0)


def _ids(workspace: Workspace, name: str) -> list[str]:
    found: dict[str, None] = {}
    with workspace.ledger.read() as db:
        batches.get(db, name)
        offset = 0
        while views := pairs.page(db, PairFilter(batch=name), limit=_SLICE, offset=offset):
            found.update((one, None) for view in views for one in view.prompt.media)
            offset += len(views)
    return list(found)
