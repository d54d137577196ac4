"""A ledger of before reviews existed: its counters are filled from its votes, finished batches stay
finished, and its guidelines are their first version."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from storage import adjudications, batches, guidelines, had_groups, schema, tables
from storage.ledger import Ledger, sqlite_url

# one prompt, four pairs: b wins, contested, undone, untouched
_BEFORE = """
INSERT INTO prompts VALUES ('p', 'counting', '[]', '', 0);
INSERT INTO responses VALUES ('x', 'p', 'x', 0), ('y', 'p', 'y', 0);
INSERT INTO pairs VALUES ('won', 'p', 'x', 'y', 0), ('even', 'p', 'x', 'y', 0),
    ('undone', 'p', 'x', 'y', 0), ('fresh', 'p', 'x', 'y', 0);
INSERT INTO batches VALUES ('batch', 'old', 3, 'Look closely.', '', 0, 7);
INSERT INTO batch_pairs (batch_id, pair_id, position, votes) VALUES
    ('batch', 'won', '1', 3), ('batch', 'even', '2', 2), ('batch', 'undone', '3', 0),
    ('batch', 'fresh', '4', 0);
INSERT INTO annotators VALUES ('1', 'Ada', 0, 0), ('2', 'Ben', 0, 0), ('3', 'Cleo', 0, 0);
"""
_VOTES = {"won": "bab", "even": "ab", "undone": "a"}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_counters_are_filled_from_the_votes_that_are_there(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
) -> None:
    url = sqlite_url(tmp_path / "ledger.sqlite")
    if database == "postgresql":
        url = request.getfixturevalue("new_database")()
    ledger = Ledger(url)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "HEAD", "0002")
        schema.upgrade(ledger, tmp_path)
    with ledger.write() as tx:
        for statement in [*_BEFORE.strip().rstrip(";").split(";"), *_vote_statements()]:
            tx.execute(text(statement))
    schema.upgrade(ledger, tmp_path)
    with ledger.read() as db:
        within = tables.batch_pairs
        rows = {row.pair_id: row for row in db.execute(within.select())}
        batch = batches.get(db, "old")
        assert (batch.review_limit, batch.guidelines_version) == (3, 1)
        (kept,) = guidelines.versions(db, batch.id)
        assert (kept.version, kept.text, kept.created_at) == (1, "Look closely.", 7)
        assert adjudications.contested(db) == []
    ledger.close()
    counted = {name: (row.votes_a, row.votes_b, row.wanted) for name, row in rows.items()}
    assert counted == {
        "won": (1, 2, 3),
        "even": (1, 1, 3),
        "undone": (0, 0, 3),
        "fresh": (0, 0, 3),
    }
    marks = [had_groups.mark(who) for who in "123"]
    assert {name: row.had for name, row in rows.items()} == {
        "won": marks[0] ^ marks[1] ^ marks[2],
        "even": marks[0] ^ marks[1],
        "undone": marks[0],
        "fresh": 0,
    }
    # the finished one is not offered, the contested one comes before the fresh ones
    assert {name: row.urgency for name, row in rows.items()} == {
        **{"won": -1, "even": 1002},
        **{"undone": 0, "fresh": 0},
    }


def _vote_statements() -> list[str]:
    made = []
    for pair, verdicts in _VOTES.items():
        for number, verdict in enumerate(verdicts, start=1):
            name = f"{pair} {number}"
            made.append(
                "INSERT INTO assignments VALUES "  # noqa: S608
                f"('{name}', 'batch', '{pair}', '{number}', 'normal', 'a', {len(made)}, 0, 0, 1)"
            )
            made.append(
                "INSERT INTO votes VALUES "  # noqa: S608
                f"('{name}', '{name}', 1, 'vote', '{verdict}', '', NULL, 1, 2, 1, 1)"
            )
    made.append(
        "INSERT INTO votes VALUES ('undo', 'undone 1', 2, 'undo', NULL, '', NULL, 1, 2, 1, 2)"
    )
    return made
