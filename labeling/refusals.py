"""What the labeling server says when it does not do what a browser asked for."""

from __future__ import annotations

import math

from starlette.responses import JSONResponse

from storage.errors import PairwrightError


class RefusedError(PairwrightError):
    """A request that is answered with an HTTP status other than 200.

    `retry_after` is in seconds, where the same request is taken later.
    """

    def __init__(
        self, status: int, what: str, next_step: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(what, next_step)
        self.status = status
        self.retry_after = retry_after


OPEN_LINK = "Open the labeling link that you were sent."
ASK_FOR_LINK = "Ask the person who sent it for a new one."


def answer(error: PairwrightError, status: int) -> JSONResponse:
    """The answer that carries a refusal: what happened and what to do next."""
    body = {"error": {"what": error.what, "next": error.next_step}}
    wait = getattr(error, "retry_after", None)
    return JSONResponse(body, status, {} if wait is None else {"Retry-After": str(wait)})


def no_session() -> RefusedError:
    return RefusedError(401, "This browser has not opened a labeling link.", OPEN_LINK)


def idle_session() -> RefusedError:
    what = "The session ended after 8 hours without activity."
    return RefusedError(401, what, "Open your labeling link again; it goes on where you were.")


def unknown_link() -> RefusedError:
    """The same words for a wrong secret and for a link that never was."""
    return RefusedError(
        404, "This labeling link is not valid.", "Copy the whole link, or ask again."
    )


def expired_link() -> RefusedError:
    return RefusedError(410, "This labeling link has expired.", ASK_FOR_LINK)


def revoked_link() -> RefusedError:
    return RefusedError(410, "This labeling link was withdrawn.", ASK_FOR_LINK)


def early_link(opens: str) -> RefusedError:
    return RefusedError(
        403, "This labeling link does not work yet.", f"It opens at {opens}. Open it again then."
    )


def quota_met(quota: int) -> RefusedError:
    pairs = "1 pair" if quota == 1 else f"{quota} pairs"
    what = f"This labeling link is for {pairs}, which you have judged."
    return RefusedError(409, what, "Ask the person who sent it for more.")


def too_fast(pace: int) -> RefusedError:
    return RefusedError(
        429,
        f"This labeling link takes {'1 vote' if pace == 1 else f'{pace} votes'} per minute.",
        "The rest is sent a little later.",
        retry_after=math.ceil(60 / pace),
    )


def too_many_browsers(most: int) -> RefusedError:
    return RefusedError(
        403,
        f"This labeling link is already open in {most} browsers.",
        "Go on in one of them, or ask for a new link.",
    )


def not_yours() -> RefusedError:
    """The same words for what never was and for what belongs to somebody else."""
    return RefusedError(404, "There is no such pair for you.", "Load the page again.")


def lost_media() -> RefusedError:
    return RefusedError(404, "This picture or video is missing.", "Report the pair, or skip it.")


def away() -> RefusedError:
    """The ledger is out of reach; why is in the server's log."""
    return RefusedError(503, "The server cannot do this now.", "It is tried again.")


def disk_full() -> RefusedError:
    return RefusedError(
        503,
        "The disk of the server is full: this is not saved yet.",
        "It is tried again. Tell the person who sent your link.",
    )


def not_asked(field: str) -> RefusedError:
    """For a field of a vote that the batch does not ask for."""
    return RefusedError(400, f"This batch does not ask for {field}.", "Load the page again.")


def foreign_origin() -> RefusedError:
    return RefusedError(403, "The request did not come from our own page.", OPEN_LINK)


def too_many_tries() -> RefusedError:
    return RefusedError(429, "Too many links that did not open.", "Wait a minute, then try again.")
