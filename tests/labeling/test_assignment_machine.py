"""Annotators who come, vote, undo, skip, report, leave and return, beside a plain model of it all.

Every step runs on a real SQLite file through the desk, and a restart opens that file again. What
the ledger holds afterwards is what the model holds. `--hypothesis-profile thorough` looks longer.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from labeling import access, desk, links, sides
from labeling.refusals import RefusedError
from labeling.wire import ReportRequest, VoteRequest
from storage import assignments, batches, clock, tables, votes
from storage import links as link_rows
from storage import workspace as workspaces
from storage.errors import ConflictError
from storage.ledger import Connection
from storage.rows import Batch

# the tests are no packages, so a module beside them is loaded by its place
_place = Path(__file__).with_name("assignment_model.py")
_spec = importlib.util.spec_from_file_location("assignment_model", _place)
assert _spec is not None
assert _spec.loader is not None
oracle = importlib.util.module_from_spec(_spec)
# dataclasses look their module up by its name
sys.modules[_spec.name] = oracle
_spec.loader.exec_module(oracle)

PEOPLE = ("Ada", "Ben", "Cleo", "Dan")
MINUTE = 60 * clock.SECOND
SECRET = b"secret"
people = st.sampled_from(PEOPLE)
numbers = st.integers(0, 20)


class Labeling(RuleBasedStateMachine):
    """The desk of a small batch, and the model that says what it has to look like."""

    home: Path
    make_pair: Callable[..., Any]

    @initialize(overlap=st.integers(1, 3), more=st.integers(0, 2), pair_count=st.integers(1, 5))
    def open_batch(self, overlap: int, more: int, pair_count: int) -> None:
        folder = self.home.parent / uuid.uuid4().hex
        self.workspace = workspaces.open_existing(shutil.copytree(self.home, folder))
        with self.workspace.ledger.write() as tx:
            self.model = oracle.Model([], overlap, overlap + more, clock.now(tx))
            self.clock = mock.patch.object(clock, "now", self._now)
            self.clock.start()
            batch = batches.create(tx, "first", overlap=overlap, review_limit=overlap + more)
            for number in range(pair_count):
                batches.add_pair(tx, batch.id, self.make_pair(tx, f"Question {number}?").id)
            self.model.pairs = _in_order(tx, batch)
        self.ids: dict[int, str] = {}
        self.links = {person: self._mint(person) for person in PEOPLE}
        self.cookies: dict[str, str | None] = dict.fromkeys(PEOPLE)
        self.gone: set[str] = set()

    def teardown(self) -> None:
        self.clock.stop()
        self.workspace.close()
        shutil.rmtree(self.workspace.home)

    @rule(person=people)
    def look(self, person: str) -> None:
        if self._at_desk(person, lambda tx, seat: None):
            self.model.fill(person)
        self._compare(person)

    @rule(person=people, number=numbers, choice=st.sampled_from(("left", "right", "tie", "skip")))
    def vote(self, person: str, number: int, choice: str) -> None:
        """On a pair of the desk or on one whose lease ran out: both are taken."""
        one = self._chosen(person, number, answered=False)
        if one is None:
            return
        event = uuid.uuid4()
        request = VoteRequest(
            event=event, kind="vote", assignment=self.ids[id(one)], choice=choice, note="n"
        )
        verdicts: list[str] = []

        def record(tx: Connection, seat: access.Seat) -> None:
            verdicts.append(sides.verdict_of(desk.own(tx, seat, request.assignment), choice))
            assert not desk.record(tx, seat, request)

        if self._at_desk(person, record):
            self.model.vote(one, str(event), verdicts[0])
            self.model.fill(person)
        self._compare(person)

    @rule(person=people, number=numbers, kind=st.sampled_from(("broken_media", "nonsense")))
    def report(self, person: str, number: int, kind: str) -> None:
        one = self._chosen(person, number, answered=False)
        if one is None:
            return
        request = ReportRequest(event=uuid.uuid4(), assignment=self.ids[id(one)], kind=kind)
        if self._at_desk(person, lambda tx, seat: desk.report(tx, seat, request)):
            self.model.vote(one, str(request.event), "skip")
            self.model.fill(person)
        self._compare(person)

    @rule(person=people, number=numbers)
    def undo(self, person: str, number: int) -> None:
        """Of the last vote; of an earlier one it is refused."""
        one = self._chosen(person, number, answered=True)
        if one is None:
            return
        request = VoteRequest(event=uuid.uuid4(), kind="undo", assignment=self.ids[id(one)])
        if one is not self.model.last_answered(person):
            with pytest.raises(RefusedError):
                self._at_desk(person, lambda tx, seat: desk.record(tx, seat, request), strict=True)
        elif self._at_desk(person, lambda tx, seat: desk.record(tx, seat, request)):
            self.model.undo(one, str(request.event))
            self.model.fill(person)
        self._compare(person)

    @rule(person=people, number=numbers)
    def send_again(self, person: str, number: int) -> None:
        """A retry of a vote or an undo that was taken changes nothing, however old it is."""
        one = self._chosen(person, number, happened=True)
        if one is None:
            return
        event, verdict = one.events[number % len(one.events)]
        kind = "vote" if verdict else "undo"
        choice = "tie" if verdict else None
        request = VoteRequest(
            event=uuid.UUID(event), kind=kind, assignment=self.ids[id(one)], choice=choice
        )

        def record(tx: Connection, seat: access.Seat) -> None:
            assert desk.record(tx, seat, request)

        if self._at_desk(person, record):
            self.model.fill(person)
        self._compare(person)

    @rule(person=people, number=numbers)
    def vote_twice(self, person: str, number: int) -> None:
        """A second vote on an answered pair is refused."""
        one = self._chosen(person, number, answered=True)
        if one is None or person in self.gone:
            return
        request = VoteRequest(
            event=uuid.uuid4(), kind="vote", assignment=self.ids[id(one)], choice="left"
        )
        with pytest.raises(ConflictError):
            self._at_desk(person, lambda tx, seat: desk.record(tx, seat, request), strict=True)
        self._compare(person)

    @rule(minutes=st.sampled_from((1, 14, 16, 60)))
    def let_time_pass(self, minutes: int) -> None:
        self.model.move_clock(minutes * MINUTE)

    @rule(minutes=st.sampled_from((-90, -20, -2, 120)))
    def let_the_clock_jump(self, minutes: int) -> None:
        self.model.move_clock(minutes * MINUTE)

    @rule(person=people)
    def withdraw_the_link(self, person: str) -> None:
        with self.workspace.ledger.write() as tx:
            link_rows.revoke(tx, self.links[person].link.id)
        self.gone.add(person)

    @rule(person=people)
    def hand_out_a_new_link(self, person: str) -> None:
        self.links[person] = self._mint(person)
        self.cookies[person] = None
        self.gone.discard(person)

    @rule()
    def restart(self) -> None:
        self.workspace.close()
        self.workspace = workspaces.open_existing(self.workspace.home)

    @invariant()
    def _promises_are_kept(self) -> None:
        model = getattr(self, "model", None)
        if model is None:
            return
        given = [(one.person, one.pair) for one in model.offered]
        assert len(set(given)) == len(given)
        assert all(len(model.verdicts(pair)) <= model.limit for pair in model.pairs)

    def _now(self, db: Connection) -> int:
        return self.model.now

    def _mint(self, person: str) -> links.MintedLink:
        return links.mint(self.workspace, "first", person, "365d")

    def _chosen(
        self, person: str, number: int, answered: bool = False, happened: bool = False
    ) -> Any:
        """One of the pairs that the person was given, by any number."""
        given = self.model.of(person)
        if happened:
            fitting = [one for one in given if one.events]
        else:
            fitting = [one for one in given if (one.verdict is not None) == answered]
        return fitting[number % len(fitting)] if fitting else None

    def _at_desk(
        self, person: str, act: Callable[[Connection, access.Seat], Any], strict: bool = False
    ) -> bool:
        """Do something as the server does, in one transaction with the next offers; False when
        the link was withdrawn, and then nothing may have happened."""
        self.model.move_clock(1)

        def work(tx: Connection) -> None:
            seat = access.authorize(tx, self._cookie(tx, person))
            act(tx, seat)
            desk.fill(tx, seat, SECRET)
            access.note_use(tx, seat)

        if person not in self.gone:
            with self.workspace.ledger.write() as tx:
                work(tx)
            return True
        with pytest.raises(RefusedError) as refused, self.workspace.ledger.write() as tx:
            work(tx)
        assert refused.value.status == 410
        assert not strict or _raise(refused.value)
        return False

    def _cookie(self, tx: Connection, person: str) -> str | None:
        """The person's cookie, fresh when the one before ended by idle hours."""
        cookie = self.cookies[person]
        try:
            access.authorize(tx, cookie)
        except RefusedError as error:
            if error.status != 401:
                raise
            cookie = access.exchange(tx, self.links[person].token, cookie).cookie
            self.cookies[person] = cookie
        return cookie

    def _compare(self, person: str) -> None:
        """What the ledger says of this person, and of every vote, is what the model says."""
        table = tables.assignments
        with self.workspace.ledger.read() as db:
            batch = batches.get(db, "first")
            who = self.links[person].link.annotator_id
            mine = table.select().where(table.c.annotator_id == who).order_by(table.c.sequence)
            rows = db.execute(mine).all()
            open_ = [one.pair_id for one in assignments.open_for(db, batch.id, who)]
            effective = {vote.assignment_id: vote.verdict for vote in votes.effective(db)}
            cast = {vote.assignment_id: vote.verdict for vote in votes.cast(db)}
            counted = {row.pair_id: row.votes for row in db.execute(tables.batch_pairs.select())}
            progress = assignments.progress(db, batch.id, who)
        given = self.model.of(person)
        assert [(r.pair_id, r.leased_until) for r in rows] == [(o.pair, o.until) for o in given]
        self.ids |= {id(one): row.id for one, row in zip(given, rows, strict=True)}
        said = [one for one in self.model.offered if one.verdict]
        assert cast == {self.ids[id(one)]: one.verdict for one in said}
        assert effective == {self.ids[id(one)]: one.verdict for one in said if not one.aside}
        assert counted == {pair: len(self.model.verdicts(pair)) for pair in self.model.pairs}
        assert open_ == [one.pair for one in self.model.on_desk(person)]
        had = {one.pair for one in given}
        assert progress.available == sum(
            pair not in had and self.model.has_room(pair, person) for pair in self.model.pairs
        )
        assert progress.done == sum(one.verdict is not None for one in given)


def _raise(error: Exception) -> bool:
    raise error


def _in_order(tx: Connection, batch: Batch) -> list[str]:
    within = tables.batch_pairs
    query = within.select().where(within.c.batch_id == batch.id).order_by(within.c.position)
    return [row.pair_id for row in tx.execute(query)]


def test_whatever_annotators_do_assignment_keeps_its_promises(
    new_home: Path, make_pair: Callable[..., Any], tmp_path: Path
) -> None:
    Labeling.home = Path(shutil.copytree(new_home, tmp_path / "home"))
    Labeling.make_pair = staticmethod(make_pair)
    is_thorough = settings.get_current_profile_name() == "thorough"
    run_state_machine_as_test(
        Labeling,
        settings=settings(
            max_examples=settings().max_examples if is_thorough else 10,
            stateful_step_count=60 if is_thorough else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
