"""The Batches page as Streamlit runs it: progress, making a link, revoking one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console import serving
from console.serving import Addresses
from console.views import batches as view
from labeling import links as labeling_links
from labeling import prepared_links
from storage import (
    annotators,
    batches,
    clock,
    gold,
    labels,
    links,
    pairs,
    qualifications,
    sessions,
    votes,
)
from storage.errors import WrongInputError
from storage.rows import (
    Assignment,
    AssignmentKind,
    Batch,
    ImportedLabel,
    Link,
    Verdict,
)
from storage.workspace import Workspace

Page = Callable[..., AppTest]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def rows(test: AppTest, position: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = test.dataframe[position].value.to_dict("records")
    return found


def recorded(workspace: Workspace) -> list[Link]:
    with workspace.ledger.read() as db:
        return links.listed(db)


@pytest.fixture
def first(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> Batch:
    """Four pairs for two people; ana has voted on three, skipped none, ben on one."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=4, overlap=2)
        ids = [each.pair.id for each in pairs.page(tx, pairs.PairFilter(batch="first"), 4)]
        label(tx, batch, "ana", dict.fromkeys(ids[:3], "a") | {ids[3]: "skip"})
        label(tx, batch, "ben", {ids[0]: "a"})
        return batch


def test_without_batches_the_next_step_is_to_import(workspace: Workspace, page: Page) -> None:
    test = page("batches")
    assert not test.exception
    assert test.code[0].value.startswith("pairwright import FILE --batch NAME")


def test_a_batch_stands_with_its_progress(first: Batch, page: Page) -> None:
    test = page("batches")
    assert not test.exception
    (row,) = rows(test, 0)
    assert (row["batch"], row["votes"], row["percent"], row["pairs"]) == (
        "first",
        "4 of 8",
        50,
        4,
    )
    assert (row["settled"], row["waiting"], row["overlap"], row["links"]) == (1, 3, 2, 0)
    assert "No link was handed out yet." in texts(test)


def test_a_link_is_made_for_a_new_person_and_shown_until_it_is_put_away(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    test = page("batches")
    test.text_input(key="who").set_value("cleo")
    test.selectbox(key="expires").set_value("12h")
    test.button(key="make").click().run()
    assert not test.exception
    address = test.code[0].value
    link_id, secret = labeling_links.split_token(address.split("#")[1]) or ("", "")
    (link,) = recorded(workspace)
    assert link.id == link_id
    assert labeling_links.secret_matches(link, secret)
    assert any("it is shown this once" in text for text in texts(test))
    (row,) = rows(test, 1)
    assert (row["annotator"], row["state"], row["expires"]) == ("cleo", "active", "in 12 hours")
    test.button(key=f"away-{link_id}").click().run()
    assert not any(secret in code.value for code in test.code)


def test_prepared_links_get_their_addresses_by_one_click_and_only_once(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    for who in ("cleo", "dan"):
        labeling_links.mint(workspace, "first", who)
    with workspace.ledger.write() as tx:
        other = batches.create(tx, "second")
        prepared_links.prepare(tx, other, prepared_links.panel_of(tx, [first]))
    test = page("batches", batch="second")
    assert {row["state"] for row in rows(test, 1)} == {"prepared"}
    assert any("2 links to batch second are prepared: cleo, dan." in text for text in texts(test))
    test.button(key="reveal-second").click().run()
    assert not test.exception
    shown = [code.value for code in test.code if "/j#" in code.value]
    assert len(shown) == 2
    assert {row["state"] for row in rows(test, 1)} == {"active"}
    assert not any(button.key == "reveal-second" for button in test.button)


def test_a_second_link_leaves_the_address_of_the_first_in_sight(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    test = page("batches")
    for who in ("cleo", "dan"):
        test.text_input(key="who").set_value(who)
        test.button(key="make").click().run()
    secrets = [link.id for link in recorded(workspace)]
    shown = [code.value for code in test.code if "/j#" in code.value]
    assert all(any(secret in address for address in shown) for secret in secrets)
    test.button(key=f"away-{secrets[0]}").click().run()
    left = [code.value for code in test.code if "/j#" in code.value]
    assert len(left) == 1
    assert secrets[1] in left[0]


def test_a_link_without_a_name_is_not_made(workspace: Workspace, first: Batch, page: Page) -> None:
    test = page("batches")
    test.button(key="make").click().run()
    assert "Say who gets the link: their votes carry the name." in texts(test)
    assert recorded(workspace) == []


def test_a_name_that_cannot_be_one_is_explained(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    test = page("batches")
    test.text_input(key="who").set_value("\u200b")
    test.button(key="make").click().run()
    assert not test.exception
    assert any("cannot be the name of an annotator" in text for text in texts(test))
    assert recorded(workspace) == []


def test_revoking_takes_two_clicks_and_keeps_the_votes(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    link = labeling_links.mint(workspace, "first", "ana").link
    test = page("batches", link=link.id)
    (row,) = rows(test, 1)
    assert (row["annotator"], row["votes"], row["last_seen"]) == ("ana", 3, "never")
    test.button(key="revoke-ask").click().run()
    assert recorded(workspace)[0].revoked_at is None
    assert any("it stops working at once; 3 votes stay" in text for text in texts(test))
    test.button(key="confirm").click().run()
    assert recorded(workspace)[0].revoked_at is not None
    assert rows(test, 1)[0]["state"] == "revoked"
    assert not [button for button in test.button if button.key == "revoke-ask"]


def test_revoking_can_be_thought_better_of(workspace: Workspace, first: Batch, page: Page) -> None:
    link = labeling_links.mint(workspace, "first", "ana").link
    test = page("batches", link=link.id)
    test.button(key="revoke-ask").click().run()
    test.button(key="keep").click().run()
    assert recorded(workspace)[0].revoked_at is None
    assert [button for button in test.button if button.key == "revoke-ask"]


def test_batch_and_state_of_links_live_in_the_address(
    workspace: Workspace, first: Batch, make_batch: Callable[..., Batch], page: Page
) -> None:
    with workspace.ledger.write() as tx:
        make_batch(tx, name="second")
    gone = labeling_links.mint(workspace, "first", "ana").link
    labeling_links.mint(workspace, "first", "ben")
    labeling_links.mint(workspace, "second", "ana")
    view.revoke(workspace, gone.id)
    assert len(rows(page("batches"), 1)) == 3
    test = page("batches", batch="first", state="active")
    assert [row["batch"] for row in rows(test, 0)] == ["first"]
    assert [(row["annotator"], row["state"]) for row in rows(test, 1)] == [("ben", "active")]
    test = page("batches", batch="second", state="revoked")
    assert "No link in this state." in texts(test)


def test_links_that_only_this_machine_can_open_are_told(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    (command,) = [code.value for code in page("batches").code]
    assert command.startswith("pairwright up --public-url https://HOST")
    serving.remember(workspace.home, Addresses(public_url="https://label.example"))
    assert not page("batches").code
    made = view.make_link(workspace, "first", "ana", "7d")
    assert made.address.startswith("https://label.example/j#pw_")


def test_a_lifetime_that_cannot_be_one_is_refused(workspace: Workspace, first: Batch) -> None:
    with pytest.raises(WrongInputError, match="cannot be the lifetime"):
        view.make_link(workspace, "first", "ana", "forever")


def test_names_that_people_chose_are_never_markdown(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    hostile = "![x](https://evil.test/x.png) **bold** :smile:"
    link = labeling_links.mint(workspace, "first", hostile).link
    test = page("batches", link=link.id)
    test.button(key="revoke-ask").click().run()
    assert not test.exception
    assert rows(test, 1)[0]["annotator"] == hostile
    rendered = [element.value for element in (*test.markdown, *test.caption, *test.subheader)]
    assert not [value for value in rendered if "evil" in value]


def test_a_link_stands_with_the_work_that_was_done_with_it_and_is_extended(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    link = labeling_links.mint(workspace, "first", "ana", expires="1h", quota=9).link
    with workspace.ledger.write() as tx:
        sessions.add(tx, "browser", link.id)
    test = page("batches", link=link.id)
    (row,) = rows(test, 1)
    assert (row["votes"], row["of"], row["devices"]) == (3, 9, 1)
    # every pair took two active seconds
    assert row["pace"] == "1,800 per hour"
    assert row["last_vote"] != "never"
    test.button(key="extend").click().run()
    assert not test.exception
    assert recorded(workspace)[0].expires_at == link.expires_at + 7 * clock.DAY
    assert rows(test, 1)[0]["expires"] == "in 7 days"


def test_who_did_not_pass_the_qualification_round_is_let_in_by_a_click(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    with workspace.ledger.write() as tx:
        pair_id = pairs.page(tx, pairs.PairFilter(batch="first"), 1)[0].pair.id
        labels.add(tx, ImportedLabel(pair_id, "a", "facts", first.id, "test.jsonl", 1, "r"))
        gold.mark(tx, first.id, "facts")
        qualifications.ask(tx, first.id, 1, 1.0)
        cleo, batch = annotators.get_or_create(tx, "cleo"), batches.by_id(tx, first.id)
        blank = Assignment("round", first.id, "", cleo.id, AssignmentKind.NORMAL, "a", 0, 0, 0)
        assert qualifications.offer(tx, batch, blank) is not None
        votes.append(
            tx,
            event_id="wrong",
            assignment_id="round",
            kind="vote",
            verdict=Verdict.B,
            shown_at=1,
            decided_at=2,
            active_ms=1,
        )
    test = page("batches")
    (row,) = rows(test, 1)
    assert (row["annotator"], row["outcome"], row["share"]) == (
        "cleo",
        "not passed",
        "0 of 1 right, 0.0%",
    )
    test.button(key="qualification-admit").click().run()
    assert not test.exception
    assert rows(test, 1)[0]["outcome"] == "let in by a lead"
