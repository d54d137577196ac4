"""One labeling link from an annotator's side: the same HTTP requests that the browser makes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

Choice = Literal["left", "right", "tie", "skip", "both_bad"]
State = dict[str, Any]

_TRIES = 6


class LinkError(Exception):
    """The labeling server refused a request or cannot be reached; the message says what to do."""


class LabelingLink:
    """A session on one labeling link (`http://host:port/j#TOKEN`). Use it in a with block."""

    def __init__(self, link: str, timeout: float = 30.0, first_wait: float = 0.2) -> None:
        parts = urlsplit(link)
        if not parts.netloc or not parts.fragment:
            raise LinkError(f"{_shown(link)} is not a labeling link. Copy the whole link.")
        self._token = parts.fragment
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._first_wait = first_wait
        self._http = httpx.Client(
            base_url=self._origin, timeout=timeout, headers={"Origin": self._origin}
        )

    def __enter__(self) -> LabelingLink:
        try:
            self._ask("POST", "/api/session", {"token": self._token})
        except LinkError:
            self._http.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def state(self) -> State:
        """What the bench shows now: the batch, the progress and the current pair."""
        return self._checked_state(self._ask("GET", "/api/state").json())

    def media(self, source: str) -> bytes:
        """The bytes of a picture that the bench shows."""
        return self._ask("GET", source).content

    def vote(self, assignment: str, choice: Choice, seconds: float) -> State:
        """Cast one vote after `seconds` of looking; return the state that follows."""
        decided = int(time.time() * 1000)
        spent = int(seconds * 1000)
        body = {
            "event": str(uuid.uuid4()),
            "kind": "vote",
            "assignment": assignment,
            "choice": choice,
            "shown_at": decided - spent,
            "decided_at": decided,
            "active_ms": spent,
        }
        # A retry repeats the event id, so that a vote whose answer was lost counts once.
        return self._checked_state(self._ask("POST", "/api/votes", body).json().get("state"))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        response = self._patiently(lambda: self._http.request(method, path, json=body))
        if response.is_error:
            raise LinkError(_refusal(response))
        return response

    def _patiently(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        """Repeat a request that did not get through or came too soon, waiting longer each time."""
        wait = self._first_wait
        for last in [False] * (_TRIES - 1) + [True]:
            try:
                response = request()
            except httpx.TransportError as error:
                if last:
                    raise LinkError(
                        f"{self._origin} cannot be reached ({type(error).__name__}). "
                        "Start the labeling server and try again."
                    ) from error
            else:
                if last or response.status_code not in (429, 502, 503, 504):
                    return response
                wait = max(wait, _demanded_wait(response))
            time.sleep(wait)
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def _checked_state(self, state: Any) -> State:
        if not isinstance(state, dict) or "finished" not in state:
            raise LinkError(f"{self._origin} sent no state. Is this a labeling server?")
        return state


def _demanded_wait(response: httpx.Response) -> float:
    """Seconds that the server asks to wait, 0 to 10."""
    try:
        return min(10.0, max(0.0, float(response.headers.get("retry-after", 0))))
    except ValueError:
        return 0.0


def _refusal(response: httpx.Response) -> str:
    """The server's own words where it has some."""
    path = response.request.url.path
    try:
        error = response.json()["error"]
        return f"{path}: {error['what']} {error.get('next') or ''}".strip()
    except (ValueError, KeyError, TypeError):
        return f"{path}: the server answered {response.status_code}."


def _shown(link: str) -> str:
    """A link without its secret."""
    return link.split("#", 1)[0]
