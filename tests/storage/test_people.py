"""Annotators, the links they were given, and the browsers that used them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import annotators, clock, links, sessions
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.rows import Annotator, Batch, Link


@pytest.fixture
def batch(ledger: Ledger, make_batch: Callable[..., Batch]) -> Batch:
    with ledger.write() as tx:
        return make_batch(tx)


def _link(tx: Connection, batch: Batch, annotator: Annotator, link_id: str = "l1") -> Link:
    return links.add(
        tx,
        link_id=link_id,
        batch_id=batch.id,
        annotator_id=annotator.id,
        secret_hash="0" * 64,
        expires_at=clock.now(tx) + clock.DAY,
    )


def test_an_annotator_is_made_once(ledger: Ledger) -> None:
    with ledger.write() as tx:
        ada = annotators.get_or_create(tx, "Ada 李")
        expert = annotators.get_or_create(tx, "Expert", simulated=True)
        assert annotators.get_or_create(tx, "Ada 李") == ada
    with ledger.read() as db:
        assert annotators.by_id(db, ada.id) == ada
        assert annotators.listed(db) == [ada, expert]
    assert (ada.simulated, expert.simulated) == (False, True)


def test_a_person_and_a_simulated_expert_do_not_share_a_name(ledger: Ledger) -> None:
    with ledger.write() as tx:
        annotators.get_or_create(tx, "Expert", simulated=True)
        with pytest.raises(ConflictError, match="simulated expert"):
            annotators.get_or_create(tx, "Expert")


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 101])
def test_a_name_that_cannot_be_shown_is_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(WrongInputError, match="annotator"), ledger.write() as tx:
        annotators.get_or_create(tx, name)


def test_an_unknown_annotator_is_named(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="nobody"), ledger.read() as db:
        annotators.by_id(db, "nobody")


def test_a_link_is_kept_as_it_was_made(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        link = _link(tx, batch, people[0])
        with pytest.raises(ConflictError, match="l1"):
            _link(tx, batch, people[1])
    with ledger.read() as db:
        assert links.get(db, "l1") == link
        assert links.get(db, "l2") is None
    assert (link.revoked_at, link.last_seen_at) == (None, None)


def test_links_are_listed_for_one_batch_or_all(
    ledger: Ledger, batch: Batch, people: list[Annotator], make_batch: Callable[..., Batch]
) -> None:
    with ledger.write() as tx:
        other = make_batch(tx, "other")
        ids = {_link(tx, of, people[0], f"l {of.name}").id for of in (batch, other)}
    with ledger.read() as db:
        assert {link.id for link in links.listed(db)} == ids
        assert [link.id for link in links.listed(db, other.id)] == ["l other"]


def test_a_revoked_link_keeps_the_time_of_its_first_end(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        _link(tx, batch, people[0])
    with ledger.write() as tx:
        revoked = links.revoke(tx, "l1")
        assert revoked.revoked_at is not None
        assert links.revoke(tx, "l1") == revoked
        with pytest.raises(NotFoundError, match="nothing"):
            links.revoke(tx, "nothing")


def test_sessions_belong_to_a_link_and_are_counted(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        _link(tx, batch, people[0])
        first = sessions.add(tx, "s1", "l1")
        sessions.add(tx, "s2", "l1")
        with pytest.raises(ConflictError, match="already there"):
            sessions.add(tx, "s1", "l1")
    with ledger.read() as db:
        assert sessions.get(db, "s1") == first
        assert sessions.get(db, "s3") is None
        assert (sessions.count(db, "l1"), sessions.count(db, "l2")) == (2, 0)


def test_use_is_noted(ledger: Ledger, batch: Batch, people: list[Annotator]) -> None:
    with ledger.write() as tx:
        _link(tx, batch, people[0])
        made = sessions.add(tx, "s1", "l1")
        while clock.now(tx) <= made.last_seen_at:
            pass
        links.touch(tx, "l1")
        sessions.touch(tx, "s1")
        link, session = links.get(tx, "l1"), sessions.get(tx, "s1")
    assert link is not None
    assert session is not None
    assert (link.last_seen_at or 0) > made.last_seen_at
    assert session.last_seen_at > made.last_seen_at
