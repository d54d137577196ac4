"""What the Batches page shows: every batch with its progress, and the links of its annotators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console import serving
from console.views import wording
from labeling import links as labeling_links
from labeling import standings
from labeling.links import MintedLink
from labeling.standings import Standing
from storage import analytics, annotators, batches, clock, links, sessions
from storage.analytics import activity
from storage.analytics.activity import Activity
from storage.rows import Link
from storage.workspace import Workspace

LIFETIMES = ("12h", "1d", "7d", "30d")
# known names that are shown as a reminder
_NAMED = 5
STATES = links.STATES
LONGER = "7d"
_LIFETIME_NAMES = {"12h": "12 hours", "1d": "1 day", "7d": "7 days", "30d": "30 days"}

# (batch id, annotator) -> what the person did there
Activities = Mapping[tuple[str, str], Activity]


@dataclass(frozen=True)
class BatchLine:
    """A batch. Every pair is in one of settled, ties, disputes, waiting."""

    batch: str
    percent: int
    votes: str
    pairs: int
    overlap: int
    settled: int
    ties: int
    disputes: int
    waiting: int
    links: int
    made: str


@dataclass(frozen=True)
class LinkLine:
    """A link without its secret.

    Attributes:
        votes: the annotator's in this batch, skips left out; `of` so many that the link is for.
        pace: pairs per active hour, skips included.
        devices: browsers that ever opened it.
    """

    id: str
    annotator: str
    batch: str
    state: str
    votes: int
    of: int
    pace: str
    last_vote: str
    devices: int
    expires: str
    last_seen: str
    made: str


@dataclass(frozen=True)
class Making:
    """What the form for a new link needs.

    Attributes:
        known: who has had a link before, to write a name the same way again.
        reach: a word on who can open new links, empty when everybody can.
        command: how to change that.
    """

    known: str
    reach: str
    command: str


@dataclass(frozen=True)
class NewLink:
    """A link that was just made: its address holds the secret and is shown this once."""

    id: str
    address: str
    annotator: str
    batch: str
    expires: str


def choices(workspace: Workspace) -> list[str]:
    """The names of the batches, oldest first."""
    with workspace.ledger.read() as db:
        return [batch.name for batch in batches.listed(db)]


def progress(workspace: Workspace, batch: str = "") -> list[BatchLine]:
    """Every batch, or the one with this name."""
    with workspace.ledger.read() as db:
        found = [each for each in batches.listed(db) if batch in ("", each.name)]
        given = links.listed(db)
        now = clock.now(db)
    active = [link for link in given if links.state(link, now) == "active"]
    return [_batch(each, active, now) for each in standings.of_batches(workspace, found)]


def handed_out(workspace: Workspace, batch: str = "", state: str = "") -> list[LinkLine]:
    """Links, the newest first; only of one batch and in one of `STATES` when given."""
    with workspace.ledger.read() as db:
        names = {each.id: each.name for each in batches.listed(db) if batch in ("", each.name)}
        given = links.listed(db)
        people = {person.id: person.name for person in annotators.listed(db)}
        sizes = {batch_id: batches.pair_count(db, batch_id) for batch_id in names}
        devices = sessions.counts(db)
        now = clock.now(db)
    shown = [
        link for link in given if link.batch_id in names and state in ("", links.state(link, now))
    ]
    done = _activities(workspace) if shown else {}
    return [
        _link(
            link,
            done.get((link.batch_id, people[link.annotator_id])),
            now,
            annotator=people[link.annotator_id],
            batch=names[link.batch_id],
            of=link.quota or sizes[link.batch_id],
            devices=devices.get(link.id, 0),
        )
        for link in shown
    ]


def making(workspace: Workspace) -> Making:
    """Who is known, and where new links lead."""
    with workspace.ledger.read() as db:
        people = [person.name for person in annotators.listed(db) if not person.simulated]
    reach, command = _reach(workspace)
    return Making(_known(people), reach, command)


def make_link(workspace: Workspace, batch: str, annotator: str, expires: str) -> NewLink:
    """Make a link and its address.

    Raises:
        PairwrightError: as `labeling.links.mint`.
    """
    minted = labeling_links.mint(workspace, batch, annotator, expires=expires)
    return new_link(workspace, minted, batch, annotator)


def new_link(workspace: Workspace, minted: MintedLink, batch: str, annotator: str) -> NewLink:
    """A link with its address, which only who makes it can show."""
    return NewLink(
        id=minted.link.id,
        address=labeling_links.url(serving.known_public_url(workspace.home), minted.token),
        annotator=annotator,
        batch=batch,
        expires=wording.stamp(minted.link.expires_at),
    )


def revoke(workspace: Workspace, link_id: str) -> None:
    """End a link now; its votes stay.

    Raises:
        NotFoundError: there is no such link.
    """
    with workspace.ledger.write() as tx:
        links.revoke(tx, link_id)


def extend(workspace: Workspace, link_id: str) -> None:
    """Let a link work `LONGER`.

    Raises:
        PairwrightError: as `storage.links.extend`.
    """
    with workspace.ledger.write() as tx:
        links.extend(tx, link_id, labeling_links.parse_expiry(LONGER))


def lifetime(expires: str) -> str:
    """`7d` in words."""
    return _LIFETIME_NAMES.get(expires, expires)


def _activities(workspace: Workspace) -> Activities:
    store = analytics.open(workspace)
    with store.reading() as view:
        return store.kept("activity", view.mark, lambda: activity.by_annotator(view))


def _known(names: Sequence[str]) -> str:
    if not names:
        return "a new name"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"a new name, or {', '.join(names[:_NAMED])}{more}"


def _reach(workspace: Workspace) -> tuple[str, str]:
    url = serving.known_public_url(workspace.home)
    if not serving.is_loopback(serving.host_of(url)):
        return "", ""
    return (
        f"New links begin with {url}, which only this machine can open. For people elsewhere, "
        "start the servers with the address that they reach:",
        wording.command(workspace.home, "up", "--public-url", "https://HOST"),
    )


def _batch(standing: Standing, active: Sequence[Link], now: int) -> BatchLine:
    batch = standing.batch
    return BatchLine(
        batch=batch.name,
        percent=int(100 * standing.progress),
        votes=f"{standing.counted:,} of {standing.wanted:,}",
        pairs=standing.pairs,
        overlap=batch.overlap,
        settled=standing.settled,
        ties=standing.ties,
        disputes=standing.disputes,
        waiting=standing.waiting,
        links=sum(link.batch_id == batch.id for link in active),
        made=wording.ago(batch.created_at, now),
    )


def _link(
    link: Link, did: Activity | None, now: int, *, annotator: str, batch: str, of: int, devices: int
) -> LinkLine:
    state = links.state(link, now)
    pace = did.pairs_per_hour if did else None
    return LinkLine(
        id=link.id,
        annotator=annotator,
        batch=batch,
        state=state,
        votes=did.votes if did else 0,
        of=of,
        pace=wording.NOT_AVAILABLE if pace is None else f"{pace:,.0f} per hour",
        last_vote=wording.ago(did.last_vote_at if did else None, now),
        devices=devices,
        expires=wording.until(link.expires_at, now) if state in ("active", "not yet") else "",
        last_seen=wording.ago(link.last_seen_at, now),
        made=wording.ago(link.created_at, now),
    )
