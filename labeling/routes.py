"""Our own routes of the labeling server. Each authorises the cookie again, calls the desk, answers.

Handlers are plain functions, which FastAPI runs in threads, so that waiting blocks nobody. Those of
votes and reports run on the event loop and await the commit: each hand-over between threads costs
as much as a few statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import TimeoutError as CommitTimeoutError
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse

from labeling import access, desk, media, presentation, qualifying, refusals, wire
from labeling.access import Seat
from labeling.limits import Paces, RateLimit
from labeling.refusals import RefusedError
from labeling.totals import Totals
from storage import clock
from storage.commits import CommitThread
from storage.errors import ConflictError
from storage.ledger import Connection
from storage.workspace import Workspace

T = TypeVar("T")

_COMMIT_SECONDS = 30

router = APIRouter()


@dataclass(frozen=True)
class Office:
    """What the routes work with: the workspace, its writer, and how cookies are named."""

    workspace: Workspace
    commits: CommitThread
    secret: bytes
    https: bool
    link_tries: RateLimit = field(default_factory=lambda: RateLimit(most=10, seconds=60))
    paces: Paces = field(default_factory=Paces)
    totals: Totals = field(default_factory=Totals)

    @property
    def cookie_name(self) -> str:
        """Browsers keep `__Host-` cookies for this very host and https only."""
        return "__Host-pairwright-annotator" if self.https else "pairwright-annotator"

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a write transaction and wait for its commit."""
        try:
            return self.commits.submit(work).result(timeout=_COMMIT_SECONDS)
        except CommitTimeoutError as error:
            raise _busy() from error

    async def written(self, work: Callable[[Connection], T]) -> T:
        """As `write`, on the event loop."""
        commit = asyncio.wrap_future(self.commits.submit(work))
        # leaves the commit alone when the time is over or the request is
        done, _ = await asyncio.wait((commit,), timeout=_COMMIT_SECONDS)
        if not done:
            raise _busy()
        return commit.result()

    def state(self, cookie: str | None) -> wire.State:
        """What the annotator sees now, after offering pairs where some are missing."""
        with self.workspace.ledger.read() as db:
            seat = access.authorize(db, cookie)
            picture = qualifying.draw(db, seat, self.secret)
        if not picture.lacks_pairs:
            return picture.state
        return self.write(lambda tx: self.filled(tx, access.authorize(tx, cookie)))

    def filled(self, tx: Connection, seat: Seat) -> wire.State:
        """What the annotator sees after offering pairs: drawn here, where the desk is known."""
        total = self.totals.recent(seat)
        known = presentation.Known(desk.fill(tx, seat, self.secret), total)
        state = qualifying.draw(tx, seat, self.secret, known).state
        if total is None and state.qualification is None:
            self.totals.keep(seat, state.total)
        return state

    def ahead(self, cookie: str | None) -> wire.Ahead:
        """The annotator's pairs and those to come, after offering some."""
        seat = self.write(lambda tx: _stock(tx, cookie, self.secret))
        with self.workspace.ledger.read() as db:
            return wire.Ahead(pairs=presentation.ahead(db, seat))


def _stock(tx: Connection, cookie: str | None, secret: bytes) -> Seat:
    seat = access.authorize(tx, cookie)
    desk.stock(tx, seat, secret)
    return seat


def _busy() -> RefusedError:
    return RefusedError(503, "The ledger is busy.", "It is tried again by itself.")


# not plain functions: FastAPI would hand those over to a thread, for each request
async def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


InOffice = Annotated[Office, Depends(_office)]


async def _cookie(request: Request, office: InOffice) -> str | None:
    return request.cookies.get(office.cookie_name)


Cookie = Annotated[str | None, Depends(_cookie)]


@router.get("/")
@router.get("/bench")
def go_to_bench() -> RedirectResponse:
    return RedirectResponse("/bench/")


@router.api_route("/healthz", methods=["GET", "HEAD"])
def health(office: InOffice) -> dict[str, str]:
    with office.workspace.ledger.read() as db:
        clock.now(db)
    return {"status": "ok"}


@router.post("/api/session")
def open_link(
    office: InOffice, request: Request, cookie: Cookie, wanted: wire.SessionRequest
) -> JSONResponse:
    client = request.client.host if request.client else ""
    wait = office.link_tries.wait(client)
    if wait:
        refused = refusals.too_many_tries()
        refusal = refusals.answer(refused, refused.status)
        refusal.headers["Retry-After"] = str(int(wait) + 1)
        return refusal
    try:
        entry = office.write(lambda tx: access.exchange(tx, wanted.token, cookie))
    except RefusedError:
        office.link_tries.count_failure(client)
        raise
    answer = JSONResponse({"opened": True})
    answer.set_cookie(
        office.cookie_name,
        entry.cookie,
        max_age=entry.seconds,
        path="/",
        secure=office.https,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.get("/api/state")
def show_state(office: InOffice, cookie: Cookie) -> wire.State:
    return office.state(cookie)


@router.get("/api/ahead")
def show_ahead(office: InOffice, cookie: Cookie) -> wire.Ahead:
    return office.ahead(cookie)


@router.post("/api/votes")
async def take_vote(office: InOffice, cookie: Cookie, vote: wire.VoteRequest) -> Response:
    return await _judge(office, cookie, lambda tx, seat: desk.record(tx, seat, vote))


@router.post("/api/reports")
async def take_report(office: InOffice, cookie: Cookie, report: wire.ReportRequest) -> Response:
    return await _judge(office, cookie, lambda tx, seat: desk.report(tx, seat, report))


async def _judge(
    office: Office, cookie: str | None, record: Callable[[Connection, Seat], bool]
) -> Response:
    """Record something about a pair, offer the next one, and answer after the commit."""

    def work(tx: Connection) -> wire.VoteAnswer:
        seat = access.authorize(tx, cookie)
        pace = seat.link.pace
        if pace is not None and not office.paces.take(seat.link.id, pace):
            raise refusals.too_fast(pace)
        duplicate = record(tx, seat)
        state = office.filled(tx, seat)
        access.note_use(tx, seat)
        return wire.VoteAnswer(duplicate=duplicate, state=state)

    try:
        return _json(await office.written(work), 200)
    except (ConflictError, RefusedError) as error:
        if isinstance(error, RefusedError) and error.status != 409:
            raise
        refused = wire.Refusal(what=error.what, next=error.next_step)
        state = await run_in_threadpool(office.state, cookie)
        return _json(wire.RefusalAnswer(error=refused, state=state), 409)


def _json(answer: wire.VoteAnswer | wire.RefusalAnswer, status: int) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")


@router.post("/api/presence")
def note_presence(
    office: InOffice, cookie: Cookie, presence: wire.PresenceRequest
) -> dict[str, bool]:
    office.write(lambda tx: desk.hold(tx, access.authorize(tx, cookie), presence.assignment))
    return {"held": True}


@router.get("/media/{assignment}/{place}")
def show_media(
    office: InOffice, request: Request, cookie: Cookie, assignment: str, place: int
) -> Response:
    return _media(office, request, cookie, (assignment, place), full=False)


@router.get("/media/{assignment}/{place}/full")
def show_all_pixels(
    office: InOffice, request: Request, cookie: Cookie, assignment: str, place: int
) -> Response:
    return _media(office, request, cookie, (assignment, place), full=True)


def _media(
    office: Office, request: Request, cookie: str | None, at: tuple[str, int], *, full: bool
) -> Response:
    with office.workspace.ledger.read() as db:
        found = media.find(db, access.authorize(db, cookie), *at)
    wanted = request.headers.get("range")
    return media.respond(office.workspace.media, found, wanted, full=full)
