"""An address that speaks as OpenAI's does as judge: `POST {address}/chat/completions`.

The key comes from the environment of the worker, is sent in one header and is written nowhere: not
into the job, not into a log, and it is cut out of whatever the address says about it.
"""

from __future__ import annotations

import base64
import io
import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from storage.errors import NotFoundError, WrongInputError
from storage.rows import Part
from training.judging.question import Question, Reply, choice_in
from training.modeling.sources import Source
from training.settings.spec import JudgingSpec

MOST_REPLY_BYTES = 4_000_000
LONGEST_WAIT = 300.0
_LONGEST_BACKOFF = 60.0
_TOLD = 300
# the address may have room, or be well, a moment later
_PASSING = frozenset({408, 409, 425, 429})
# the address does not take this one question
_REFUSED = frozenset({400, 413, 415, 422})
NO_VERDICT = "its reply names neither answer"


class _PassingTroubleError(Exception):
    """Worth another try, after `wait` seconds where the address says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class AddressJudge:
    """Asks an address; every reply is asked for at temperature 0."""

    may_tie = True

    def __init__(
        self,
        address: str,
        model: str,
        key: str,
        settings: JudgingSpec,
        source: Source,
        check_stop: Callable[[], None],
    ) -> None:
        """`check_stop` is called while it waits, and may raise to end the asking."""
        self._model = model
        self._key = key
        self._settings = settings
        self._source = source
        self._check_stop = check_stop
        self._pace = _Pace(settings.requests_per_minute)
        self._url = f"{address}/chat/completions"
        self._client = httpx.Client(
            timeout=settings.timeout_seconds,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            # a proxy of the environment is asked for other machines only
            trust_env=not is_loopback(address),
        )

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order, all asked at the same time.

        Raises WrongInputError when the address refuses every question alike.
        """
        with ThreadPoolExecutor(max_workers=len(questions)) as pool:
            return list(pool.map(self._reply, questions))

    def close(self) -> None:
        self._client.close()

    def _reply(self, question: Question) -> Reply:
        try:
            asked = self._asked(question)
        except (NotFoundError, WrongInputError) as error:
            return Reply(problem=error.what)
        reason = ""
        for number in range(self._settings.tries):
            self._wait(self._pace.next_turn())
            try:
                return self._ask_once(asked)
            except _PassingTroubleError as trouble:
                reason = str(trouble)
                if number + 1 < self._settings.tries:
                    self._wait(self._backoff(number) if trouble.wait is None else trouble.wait)
        return Reply(problem=f"no answer: {reason}", is_silence=True)

    def _ask_once(self, asked: Mapping[str, Any]) -> Reply:
        try:
            status, headers, body = self._post(asked)
        except httpx.TransportError as error:
            raise _PassingTroubleError(type(error).__name__) from error
        if status in _PASSING or status >= 500:
            raise _PassingTroubleError(f"status {status}", _retry_after(headers))
        if status in _REFUSED:
            return Reply(problem=f"refused with status {status}: {self._told(body)}")
        if status != 200:
            raise WrongInputError(
                f"{self._url} answered with status {status}: {self._told(body)}",
                "Check the address, the name of the model and the key in the worker's environment.",
            )
        return _read(body)

    def _post(self, asked: Mapping[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        """The answer, read up to a bound in size and in time."""
        deadline = time.monotonic() + self._settings.timeout_seconds
        body = bytearray()
        with self._client.stream("POST", self._url, json=asked) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > MOST_REPLY_BYTES:
                    raise _PassingTroubleError("a reply without end")
                if time.monotonic() > deadline:
                    raise _PassingTroubleError("a reply that took too long")
            return response.status_code, response.headers, bytes(body)

    def _asked(self, question: Question) -> dict[str, Any]:
        parts = [part for turn in question.turns for part in turn.parts]
        content = [piece for part in parts for piece in self._pieces(part)]
        return {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
            "max_tokens": self._settings.max_reply_tokens,
        }

    def _pieces(self, part: Part) -> list[dict[str, Any]]:
        """A part as the address takes it; of a video its frames in order."""
        if part.type == "text":
            return [{"type": "text", "text": part.text}]
        if part.type == "image":
            return [self._picture(part.media)]
        return [self._picture(frame) for frame in self._source.clip(part.media).frames]

    def _picture(self, name: str) -> dict[str, Any]:
        encoded = io.BytesIO()
        self._source.open(name).save(encoded, "PNG")
        data = base64.b64encode(encoded.getvalue()).decode("ascii")
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}

    def _backoff(self, number: int) -> float:
        """Seconds before the next try, spread so that open requests do not come back together."""
        wait = min(_LONGEST_BACKOFF, self._settings.retry_seconds * 2.0**number)
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 no secret

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._check_stop()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
            self._check_stop()

    def _told(self, body: bytes) -> str:
        """The beginning of what the address said, on one line and without the key."""
        text = body[: 4 * _TOLD].decode("utf-8", "replace")
        if self._key:
            text = text.replace(self._key, "[key]")
        return " ".join(text.split())[:_TOLD] or "nothing"


class _Pace:
    """Turns spread evenly over a minute; threads share it."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def next_turn(self) -> float:
        """Seconds until the caller's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
            return turn - now


def check_address(text: str) -> str:
    """The address as it is asked, without a slash at its end.

    Raises WrongInputError when it is no http or https address, or holds a name or password.
    """
    try:
        url = httpx.URL(text.rstrip("/"))
    except httpx.InvalidURL as error:
        raise WrongInputError("The address of the judge cannot be read.", _HOW) from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise WrongInputError(f"{text[:200]!r} is no address of a judge.", _HOW)
    if url.userinfo:
        raise WrongInputError(
            "The address of the judge holds a name or a password.",
            "Put the key into an environment variable of the worker instead.",
        )
    return str(url)


_HOW = "Give it up to the version, such as https://judge.example/v1."


def check_key_travels_safely(address: str, key: str) -> None:
    """Raises WrongInputError when the key would cross a network in the clear."""
    if key and httpx.URL(address).scheme == "http" and not is_loopback(address):
        raise WrongInputError(
            f"The key would travel in the clear to {address}.",
            "Use an https address, or unset the key where the judge needs none.",
        )


def is_loopback(address: str) -> bool:
    """Whether the address is on this machine."""
    host = httpx.URL(address).host
    return host in ("localhost", "::1") or host.startswith("127.")


def _read(body: bytes) -> Reply:
    """The reply in the body. Raises _PassingTroubleError when it is none."""
    try:
        data = json.loads(body)
        text = data["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise _PassingTroubleError("what came back is no reply") from error
    if not isinstance(text, str):
        raise _PassingTroubleError("a reply without a text")
    usage = data.get("usage")
    spent = usage if isinstance(usage, Mapping) else {}
    choice = choice_in(text)
    return Reply(
        choice,
        None,
        _count(spent.get("prompt_tokens")),
        _count(spent.get("completion_tokens")),
        "" if choice else NO_VERDICT,
    )


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait as the address asks, in seconds or by the clock; None when it does not."""
    said = headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            moment = parsedate_to_datetime(said)
        except (ValueError, TypeError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return min(LONGEST_WAIT, max(0.0, seconds)) if seconds == seconds else None
