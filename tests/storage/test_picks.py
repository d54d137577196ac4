"""What may be chosen for labeling: nobody judged it, and the audit set shares nothing with it."""

from __future__ import annotations

from storage import audit_set, media, pairs, picks, prompts, responses
from storage.ledger import Connection
from storage.rows import Media, Part, Source, Turn
from storage.workspace import Workspace

RED, BLUE = ("1" * 64, "2" * 64)


def add(tx: Connection, question: str, shown: str = "", category: str = "counting") -> str:
    """The id of a new pair about a picture, or about nothing."""
    parts = [Part("text", question), *([Part("image", media=shown)] if shown else [])]
    prompt = prompts.build([Turn("user", tuple(parts))], category)
    prompts.add(tx, prompt)
    found = [responses.build(prompt.id, text) for text in ("one", "two")]
    for one in found:
        responses.add(tx, one, Source("file", "test.jsonl"))
    pair = pairs.build(*found)
    pairs.add(tx, pair)
    return pair.id


def test_what_shows_or_asks_the_same_as_the_audit_set_is_no_candidate(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        for one in (RED, BLUE):
            media.add(tx, Media(one, "picture", "image/png", 4, 4, 9))
        kept = [add(tx, "How many?", RED), add(tx, "What is two and two?")]
        add(tx, "Which colour?", RED)
        add(tx, " What is  two and TWO?", category="other")
        free = [
            add(tx, "How many?", BLUE),
            # the same words about a picture ask something else
            add(tx, "What is two and two?", BLUE),
            add(tx, "How many?"),
            add(tx, "Where?", category="spatial"),
        ]
        audit_set.draw(tx, kept, seed=0, actor="lead", reason="audit set")
    with workspace.ledger.read() as db:
        assert picks.unlabeled(db) == sorted(free)
        assert picks.unlabeled(db, categories=["spatial"]) == free[3:]
        assert picks.unlabeled(db, categories=["spatial", "counting"]) == sorted(free)
        assert picks.unlabeled(db, categories=[]) == []
        views = pairs.views(db, sorted([*kept, *free]))
        set_now = audit_set.kept(db)
    assert [view.pair.id for view in views if not set_now.bars(view)] == sorted(free)
