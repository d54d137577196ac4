"""Prepared links: made for people who had a batch before, without a secret until one is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from labeling import access, links, prepared_links
from labeling.refusals import RefusedError
from storage import annotators, batches, clock, exclusions
from storage import links as link_rows
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import Batch
from storage.workspace import Workspace


@pytest.fixture
def second(workspace: Workspace, make_batch: Callable[..., Batch]) -> Batch:
    """Ada and Ben had `first`, with terms of their own; links to `second` are prepared for them."""
    with workspace.ledger.write() as tx:
        first = make_batch(tx, "first", pair_count=2)
        other = batches.create(tx, "second")
    links.mint(workspace, "first", "Ada", quota=40, pace=90)
    links.mint(workspace, "first", "Ben")
    links.mint(workspace, "first", "robot", simulated=True)
    with workspace.ledger.write() as tx:
        prepared_links.prepare(tx, other, prepared_links.panel_of(tx, [other, first]))
    return other


def names(workspace: Workspace, batch: Batch) -> list[str]:
    with workspace.ledger.read() as db:
        people = {one.id: one.name for one in annotators.listed(db)}
        return sorted(people[link.annotator_id] for link in link_rows.listed(db, batch.id))


def test_the_people_of_the_last_batch_get_links_with_their_terms_and_programs_none(
    workspace: Workspace, second: Batch
) -> None:
    assert names(workspace, second) == ["Ada", "Ben"]
    with workspace.ledger.read() as db:
        found = link_rows.listed(db, second.id)
        assert {link_rows.state(link, clock.now(db)) for link in found} == {"prepared"}
        terms = {(link.quota, link.pace) for link in found}
    assert terms == {(40, 90), (None, links.DEFAULT_PACE)}


def test_no_secret_opens_a_prepared_link(workspace: Workspace, second: Batch) -> None:
    with workspace.ledger.write() as tx:
        link = link_rows.listed(tx, second.id)[0]
        assert link.secret_hash == ""
        for secret in ("", "A" * 43, links.secret_hash("")[:43]):
            with pytest.raises(RefusedError) as refused:
                access.exchange(tx, links.token_of(link.id, secret), None)
            assert refused.value.status == 404


def test_an_address_is_shown_once_and_works_from_then_on(
    workspace: Workspace, second: Batch
) -> None:
    shown = prepared_links.reveal(workspace, "second", "12h")
    assert len(shown) == 2
    with workspace.ledger.write() as tx:
        now = clock.now(tx)
        for one in shown:
            seat = access.authorize(tx, access.exchange(tx, one.token, None).cookie)
            assert (seat.batch.id, seat.link.id) == (second.id, one.link.id)
            assert one.link.expires_at - now == pytest.approx(12 * 3600 * clock.SECOND, abs=2e7)
            with pytest.raises(ConflictError, match="was shown before"):
                link_rows.give_secret(tx, one.link.id, "0" * 64, now)
    with pytest.raises(NotFoundError, match="waits for its address"):
        prepared_links.reveal(workspace, "second")


def test_two_leads_who_ask_at_once_do_not_both_get_an_address(
    workspace: Workspace, second: Batch
) -> None:
    got: list[int] = []

    def ask() -> None:
        try:
            got.append(len(prepared_links.reveal(workspace, "second")))
        except NotFoundError:
            got.append(0)

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert sorted(got) == [0, 0, 0, 2]


def test_a_prepared_link_can_be_revoked_and_not_extended(
    workspace: Workspace, second: Batch
) -> None:
    with workspace.ledger.write() as tx:
        ada, ben = link_rows.listed(tx, second.id)
        with pytest.raises(ConflictError, match="is prepared"):
            link_rows.extend(tx, ada.id, clock.DAY)
        link_rows.revoke(tx, ada.id)
    assert [one.link.id for one in prepared_links.reveal(workspace, "second")] == [ben.id]


def test_who_is_excluded_or_whose_link_was_revoked_gets_none(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, "first", pair_count=1)
    minted = [links.mint(workspace, "first", who) for who in ("Ada", "Ben", "Cleo", "Dan")]
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "Ada", actor="lead", reason="clicks")
        exclusions.exclude(tx, "Ben", batch_id=batch.id, actor="lead", reason="clicks")
        link_rows.revoke(tx, minted[2].link.id)
        panel = prepared_links.panel_of(tx, [batch])
    assert [link.id for link in panel.links] == [minted[3].link.id]


def test_whose_newest_link_was_revoked_gets_none_through_an_older_one(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, "first", pair_count=1)
    _, newer = (links.mint(workspace, "first", "Ada") for _ in range(2))
    with workspace.ledger.write() as tx:
        assert prepared_links.panel_of(tx, [batch]).links
        link_rows.revoke(tx, newer.link.id)
        assert not prepared_links.panel_of(tx, [batch]).links


def test_everybody_of_another_batch_gets_a_link_at_once(
    workspace: Workspace, second: Batch
) -> None:
    with workspace.ledger.write() as tx:
        third = batches.create(tx, "third")
    made = prepared_links.create_like(workspace, "third", "first")
    assert names(workspace, third) == ["Ada", "Ben"]
    with workspace.ledger.write() as tx:
        assert all(access.exchange(tx, one.token, None).cookie for one in made)
    with pytest.raises(WrongInputError, match="all 2 have one to 'third'"):
        prepared_links.create_like(workspace, "third", "first")
    with workspace.ledger.write() as tx:
        batches.create(tx, "fourth")
    with pytest.raises(WrongInputError, match="nobody had one to that"):
        prepared_links.create_like(workspace, "third", "fourth")
