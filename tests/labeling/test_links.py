"""Links: what is minted, what is kept, and what lets a browser in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from labeling import access, links
from labeling.refusals import RefusedError
from storage import clock
from storage import links as link_rows
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.workspace import Workspace


@pytest.fixture
def minted(workspace: Workspace, make_batch: Any) -> links.MintedLink:
    with workspace.ledger.write() as tx:
        make_batch(tx, "first")
    return links.mint(workspace, "first", "Ada")


def test_a_token_has_256_random_bits_and_only_its_hash_is_kept(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    parts = links.split_token(minted.token)
    assert parts is not None
    assert len(parts[1]) == 43
    with workspace.ledger.read() as db:
        kept = json.dumps(vars(link_rows.get(db, parts[0])))
    assert parts[1] not in kept


def test_a_link_lasts_seven_days_unless_told_otherwise(minted: links.MintedLink) -> None:
    assert minted.link.expires_at - minted.link.created_at == pytest.approx(7 * clock.DAY, abs=1e6)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600)]
)
def test_lifetimes_are_read_in_minutes_hours_days_and_weeks(text: str, seconds: int) -> None:
    assert links.parse_expiry(text) == seconds * clock.SECOND


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 days", "366d", "1e3d", "７d"])
def test_a_lifetime_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongInputError, match="7d"):
        links.parse_expiry(text)


def test_a_link_to_an_unknown_batch_names_the_batches_that_exist(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    with pytest.raises(NotFoundError, match="first"):
        links.mint(workspace, "fist", "Ada")


def test_the_token_stands_in_the_fragment(minted: links.MintedLink) -> None:
    assert links.url("https://label.example/", minted.token) == (
        f"https://label.example/j#{minted.token}"
    )


def test_an_exchange_gives_a_cookie_and_the_cookie_a_seat(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    with workspace.ledger.write() as tx:
        entry = access.exchange(tx, minted.token, None)
        seat = access.authorize(tx, entry.cookie)
    assert seat.link.id == minted.link.id
    assert seat.batch.name == "first"


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + "_", lambda t: "pw_" + "0" * 16 + t[19:], str.upper, lambda t: ""]
)
def test_a_wrong_token_is_told_the_same_as_an_unknown_one(
    workspace: Workspace, minted: links.MintedLink, change: Any
) -> None:
    with workspace.ledger.write() as tx, pytest.raises(RefusedError) as refused:
        access.exchange(tx, change(minted.token), None)
    assert refused.value.status == 404
    assert refused.value.what == "This labeling link is not valid."


def test_a_sixth_browser_is_told_that_the_link_is_in_use(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    with workspace.ledger.write() as tx:
        for _ in range(5):
            access.exchange(tx, minted.token, None)
    with workspace.ledger.write() as tx, pytest.raises(RefusedError, match="5 browsers"):
        access.exchange(tx, minted.token, None)


def test_a_browser_that_opens_its_link_again_gets_a_new_id_and_counts_once(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    cookie = None
    with workspace.ledger.write() as tx:
        for _ in range(8):
            old, cookie = cookie, access.exchange(tx, minted.token, cookie).cookie
        assert access.authorize(tx, cookie)
        with pytest.raises(RefusedError, match="has not opened"):
            access.authorize(tx, old)


def test_a_revoked_link_stops_at_once(workspace: Workspace, minted: links.MintedLink) -> None:
    with workspace.ledger.write() as tx:
        cookie = access.exchange(tx, minted.token, None).cookie
        link_rows.revoke(tx, minted.link.id)
        for attempt in (
            lambda: access.authorize(tx, cookie),
            lambda: access.exchange(tx, minted.token, None),
        ):
            with pytest.raises(RefusedError, match="withdrawn") as refused:
                attempt()
            assert refused.value.status == 410


def test_an_expired_link_says_so(workspace: Workspace, minted: links.MintedLink) -> None:
    with workspace.ledger.write() as tx:
        cookie = access.exchange(tx, minted.token, None).cookie
        tx.exec_driver_sql("UPDATE links SET expires_at = created_at")
        with pytest.raises(RefusedError, match="expired") as refused:
            access.authorize(tx, cookie)
    assert refused.value.status == 410


def test_a_link_that_does_not_work_yet_says_when_it_will(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    early = links.mint(workspace, "first", "Ben", starts="2d", expires="1h")
    assert early.link.expires_at - (early.link.starts_at or 0) == 3600 * clock.SECOND
    with workspace.ledger.write() as tx:
        with pytest.raises(RefusedError, match="does not work yet") as refused:
            access.exchange(tx, early.token, None)
        assert re.fullmatch(
            r"It opens at \d{4}-\d\d-\d\d \d\d:\d\d UTC. .*", refused.value.next_step
        )
        tx.exec_driver_sql("UPDATE links SET starts_at = created_at")
        assert access.authorize(tx, access.exchange(tx, early.token, None).cookie)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", 7200),
        ("1970-01-02", 86_400),
        ("1970-01-02T00:30", 88_200),
        ("1970-01-02T00:30+00:30", 86_400),
    ],
)
def test_a_start_is_a_wait_or_a_time(text: str, at: int) -> None:
    assert links.parse_start(text, now=0) == at * clock.SECOND


@pytest.mark.parametrize("text", ["", "soon", "1971-02-01", "1969-01-01", "9999-12-31T23:59-12:00"])
def test_a_start_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongInputError, match="2026-12-01"):
        links.parse_start(text, now=0)


@pytest.mark.parametrize("term", ["quota", "pace"])
def test_a_link_for_nothing_is_not_made(
    workspace: Workspace, minted: links.MintedLink, term: str
) -> None:
    with pytest.raises(WrongInputError, match=f"A {term} of 0"):
        links.mint(workspace, "first", "Ben", **{term: 0})


def test_people_have_a_pace_that_no_person_reaches_and_simulated_experts_have_none(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    expert = links.mint(workspace, "first", "Expert", simulated=True)
    assert (minted.link.pace, expert.link.pace) == (links.DEFAULT_PACE, None)


def test_an_expired_link_works_again_when_it_is_extended(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    with workspace.ledger.write() as tx:
        cookie = access.exchange(tx, minted.token, None).cookie
        tx.exec_driver_sql("UPDATE links SET expires_at = created_at")
        extended = link_rows.extend(tx, minted.link.id, clock.DAY)
        assert extended.expires_at == pytest.approx(clock.now(tx) + clock.DAY, abs=60e6)
        assert access.authorize(tx, cookie).link == link_rows.get(tx, minted.link.id)


def test_a_link_is_extended_from_its_end_and_never_beyond_a_year_or_after_it_was_revoked(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    with workspace.ledger.write() as tx:
        extended = link_rows.extend(tx, minted.link.id, clock.DAY)
        assert extended.expires_at == minted.link.expires_at + clock.DAY
        for wrong in (-clock.DAY, 360 * clock.DAY):
            with pytest.raises(WrongInputError, match="365 days"):
                link_rows.extend(tx, minted.link.id, wrong)
        link_rows.revoke(tx, minted.link.id)
        with pytest.raises(ConflictError, match="was revoked"):
            link_rows.extend(tx, minted.link.id, clock.DAY)
        with pytest.raises(NotFoundError, match="nothing"):
            link_rows.extend(tx, "nothing", clock.DAY)


def test_a_session_ends_after_eight_idle_hours(
    workspace: Workspace, minted: links.MintedLink
) -> None:
    with workspace.ledger.write() as tx:
        cookie = access.exchange(tx, minted.token, None).cookie
        nearly = 8 * 3600 * clock.SECOND - 60 * clock.SECOND
        age = "UPDATE sessions SET last_seen_at = last_seen_at - ?"
        tx.exec_driver_sql(age, (nearly,))
        access.note_use(tx, access.authorize(tx, cookie))
        tx.exec_driver_sql(age, (nearly,))
        assert access.authorize(tx, cookie)
        tx.exec_driver_sql(age, (nearly,))
        with pytest.raises(RefusedError, match="8 hours"):
            access.authorize(tx, cookie)
