"""The routes of a lead's bench. Each authorises the lead's own cookie again; annotators' cookies
open none of them, and a lead's opens none of theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from labeling import media, refusals
from labeling.adjudication import access, desk, presentation, wire
from labeling.adjudication.access import LeadSeat
from labeling.adjudication.desk import Place
from labeling.adjudication.presentation import Where
from labeling.refusals import RefusedError
from labeling.routes import InOffice, Office
from labeling.wire import Refusal
from storage.errors import ConflictError
from storage.ledger import Connection

router = APIRouter(prefix="/api/lead")


def _cookie(request: Request, office: InOffice) -> str | None:
    return request.cookies.get(access.cookie_name(office.https))


Cookie = Annotated[str | None, Depends(_cookie)]
Queued = Annotated[wire.Item | None, Query()]


@router.post("/session")
def open_link(office: InOffice, request: Request, wanted: wire.LeadSessionRequest) -> JSONResponse:
    client = request.client.host if request.client else ""
    if office.link_tries.wait(client):
        refused = refusals.too_many_tries()
        return refusals.answer(refused, refused.status)
    try:
        entry = office.write(lambda tx: access.exchange(tx, wanted.token, office.secret))
    except RefusedError:
        office.link_tries.count_failure(client)
        raise
    answer = JSONResponse({"opened": True})
    answer.set_cookie(
        access.cookie_name(office.https),
        entry.cookie,
        max_age=entry.seconds,
        path="/",
        secure=office.https,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.get("/state")
def show_state(
    office: InOffice, cookie: Cookie, at: Queued = None, after: Queued = None
) -> wire.LeadState:
    with office.workspace.ledger.read() as db:
        seat = access.authorize(db, cookie, office.secret)
        item = after or at
        place = desk.open_to(db, seat, item) if item else None
        where = Where(place, behind=after is not None)
        return presentation.draw(db, seat, office.secret, where)


@router.post("/decisions", response_model=wire.LeadAnswer)
def take_decision(
    office: InOffice, cookie: Cookie, request: wire.DecisionRequest
) -> wire.LeadAnswer | JSONResponse:
    # what an undo brings back is shown again; after a decision the queue goes on behind it
    behind = request.kind == "vote"
    return _do(
        office,
        cookie,
        (request.assignment, behind),
        lambda tx, seat: desk.record(tx, seat, request),
    )


@router.post("/dismissals", response_model=wire.LeadAnswer)
def take_dismissal(
    office: InOffice, cookie: Cookie, request: wire.DismissalRequest
) -> wire.LeadAnswer | JSONResponse:
    return _do(
        office,
        cookie,
        (request.assignment, False),
        lambda tx, seat: desk.dismiss(tx, seat, request),
    )


@router.post("/names", response_model=wire.LeadAnswer)
def show_names(
    office: InOffice, cookie: Cookie, request: wire.NamesRequest
) -> wire.LeadAnswer | JSONResponse:
    def record(tx: Connection, seat: LeadSeat) -> bool:
        desk.show_names(tx, seat, request.assignment)
        return False

    return _do(office, cookie, (request.assignment, False), record)


def _do(
    office: Office,
    cookie: str | None,
    item: tuple[str, bool],
    record: Callable[[Connection, LeadSeat], bool],
) -> wire.LeadAnswer | JSONResponse:
    """Record something about a pair and answer after the commit with the queue from there on.

    `item` is the pair, and whether to go on behind it.
    """
    place, behind = item
    where = Where(Place(*place.split("-")), behind)

    def work(tx: Connection) -> tuple[LeadSeat, bool]:
        seat = access.authorize(tx, cookie, office.secret)
        return seat, record(tx, seat)

    try:
        seat, duplicate = office.write(work)
    except ConflictError as error:
        with office.workspace.ledger.read() as db:
            seat = access.authorize(db, cookie, office.secret)
            state = presentation.draw(db, seat, office.secret, where)
        refused = Refusal(what=error.what, next=error.next_step)
        answer = wire.LeadRefusal(error=refused, state=state)
        return JSONResponse(answer.model_dump(), status_code=409)
    with office.workspace.ledger.read() as db:
        state = presentation.draw(db, seat, office.secret, where)
    return wire.LeadAnswer(duplicate=duplicate, state=state)


@router.get("/media/{batch}/{pair}/{place}")
def show_media(
    office: InOffice, request: Request, cookie: Cookie, batch: str, pair: str, place: int
) -> Response:
    return _media(office, request, cookie, (f"{batch}-{pair}", place), full=False)


@router.get("/media/{batch}/{pair}/{place}/full")
def show_all_pixels(
    office: InOffice, request: Request, cookie: Cookie, batch: str, pair: str, place: int
) -> Response:
    return _media(office, request, cookie, (f"{batch}-{pair}", place), full=True)


def _media(
    office: Office, request: Request, cookie: str | None, at: tuple[str, int], *, full: bool
) -> Response:
    item, place = at
    with office.workspace.ledger.read() as db:
        seat = access.authorize(db, cookie, office.secret)
        found = media.of_pair(db, desk.open_to(db, seat, item).pair_id, place)
    wanted = request.headers.get("range")
    return media.respond(office.workspace.media, found, wanted, full=full)
