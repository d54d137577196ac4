"""Pushing a folder to the Hub: one commit, tried again when the way there is bad.

Every try starts from what the Hub has now. A try whose answer was lost finds its own files there
and commits nothing more, so that there is one commit whatever was cut. The Hub refuses a commit
whose parent is not the head any more (`parent_commit`), and then it is tried again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_session,
    is_offline_mode,
    set_client_factory,
)
from huggingface_hub.errors import HfHubHTTPError

from storage.errors import PairwrightError, WrongInputError
from training.hub import files

TRIES = 8
_LONGEST_WAIT = 60.0
_LONGEST_ASKED = 600.0
TIMEOUT_SECONDS = 120.0
# too many requests, the head moved (409, 412), or the server has trouble
_PASSING = (408, 409, 412, 425, 429, 500, 502, 503, 504)
_ACCESS = (401, 403)

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Target:
    """Where a folder goes. `kind` is `model` or `dataset`."""

    repo: str
    kind: str
    private: bool
    tag: str
    message: str


@dataclass(frozen=True)
class Published:
    """What the Hub has now. `is_new` is False when it had all of it before."""

    revision: str
    url: str
    private: bool
    is_new: bool


def push(
    folder: Path,
    target: Target,
    *,
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Published:
    """Put the files of a folder into one commit of a repository, and tag it.

    The repository is made when it is not there. Files of an earlier push that this one does not
    have, and that would be loaded, are deleted in the same commit.

    Args:
        say: told about every new try.
        pause: waits the seconds between two tries.

    Raises:
        WrongInputError: no access, or a private push into a public repository.
        PairwrightError: the Hub refused, or could not be reached in any try.
    """
    api = connected("push")
    before: list[str] = []

    def explained(error: BaseException, tries: int) -> PairwrightError:
        return _explained(error, target, tries)

    return with_tries(
        lambda: _push_once(api, folder, target, before), explained, say=say, pause=pause
    )


def connected(purpose: str) -> HfApi:
    """The Hub's own client, with an end to its waiting.

    Raises:
        WrongInputError: it was told to stay offline.
    """
    if is_offline_mode():
        raise WrongInputError(
            "The Hub client is offline (HF_HUB_OFFLINE).", f"Unset it to {purpose}."
        )
    _wait_no_longer()
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)


def with_tries(
    once: Callable[[], _Result],
    explained: Callable[[BaseException, int], PairwrightError],
    *,
    say: Callable[[str], None],
    pause: Callable[[float], None],
) -> _Result:
    """What `once` returns, tried again while what is in the way may pass.

    Args:
        explained: our word for an error and the number of tries.

    Raises:
        PairwrightError: what `explained` made of the last error.
    """
    for number in range(1, TRIES + 1):
        try:
            return once()
        except (PairwrightError, KeyboardInterrupt):
            raise
        except Exception as error:
            wait = _wait(error, number)
            if wait is None or number == TRIES:
                raise explained(error, number) from error
            say(f"Try {number} of {TRIES}: {short(error)}. Again in {wait:.0f} s.")
            pause(wait)
    raise AssertionError("the last try returns or raises")


def license_of(base: str) -> str:
    """The licence that a model on the Hub declares; empty when it declares or shows none."""
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    try:
        data = api.model_info(base, timeout=TIMEOUT_SECONDS).card_data
    except Exception:
        return ""
    return str((data or {}).get("license") or "")


def _push_once(api: HfApi, folder: Path, target: Target, before: list[str]) -> Published:
    """One try. `before` remembers the head of the first try: what is beyond it is ours."""
    there: dict[str, Any] = {"repo_id": target.repo, "repo_type": target.kind}
    api.create_repo(**there, private=target.private, exist_ok=True)
    info = api.repo_info(**there, timeout=TIMEOUT_SECONDS)
    if target.private and not info.private:
        raise WrongInputError(
            f"The repository {target.repo} is public, and this push is private.",
            "Push with --public, name another repository, or make that one private.",
        )
    before.append(info.sha)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    present = [file.rfilename for file in info.siblings or ()]
    commit = api.create_commit(
        **there,
        operations=[
            *(CommitOperationAdd(name, path) for name, path in zip(names, paths, strict=True)),
            *(CommitOperationDelete(name) for name in _left_over(present, names)),
        ],
        commit_message=target.message,
        parent_commit=info.sha,
    )
    _tag(api, there, target.tag, commit.oid)
    url = str(commit.commit_url)
    return Published(commit.oid, url, bool(info.private), commit.oid != before[0])


def _tag(api: HfApi, there: dict[str, Any], tag: str, revision: str) -> None:
    """Name the commit. A tag that is there already names the same weights and stays."""
    present = {ref.name for ref in api.list_repo_refs(**there).tags}
    if tag not in present:
        api.create_tag(**there, tag=tag, revision=revision, exist_ok=True)


def _left_over(present: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    for name in sorted(set(present) - set(names)):
        if any(fnmatch(name, pattern) for pattern in files.REPLACED):
            yield name


def _wait(error: BaseException, number: int) -> float | None:
    """Seconds until the next try, by the Hub's own word if it gives one; None for no other try."""
    response = response_of(error)
    if response is not None and response.status_code not in _PASSING:
        return None
    if response is None and not _is_passing(error):
        return None
    asked = _retry_after(response.headers.get("Retry-After")) if response is not None else None
    return min(2.0 ** (number - 1), _LONGEST_WAIT) if asked is None else asked


def _retry_after(said: str | None) -> float | None:
    """Seconds, from a number of them or from a date; None when it says nothing usable."""
    if not said:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), _LONGEST_ASKED)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it: the client wraps failed uploads."""
    while error is not None:
        yield error
        error = error.__cause__


def response_of(error: BaseException) -> Any | None:
    """The answer of the Hub that made an error, None where it gave none."""
    for one in _chain(error):
        if isinstance(one, HfHubHTTPError):
            return one.response
    return None


def _is_passing(error: BaseException) -> bool:
    """A connection that failed, or an answer that was cut and so is no JSON."""
    names = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
    # by name: the Hub client has changed its HTTP library before
    return bool(names & {"TransportError", "JSONDecodeError", "ConnectionError", "TimeoutError"})


def _explained(error: BaseException, target: Target, tries: int) -> PairwrightError:
    response = response_of(error)
    status = response.status_code if response is not None else None
    if status in _ACCESS or status == 404:
        return WrongInputError(
            f"The Hub refused the push to {target.repo} ({status}).",
            "Set HF_TOKEN for the worker, or run `hf auth login`, with a token that may write "
            "there; then push again.",
        )
    said = f"{tries} tries, the last: {short(error)}" if tries > 1 else short(error)
    return PairwrightError(
        f"The push to {target.repo} failed ({said}).",
        "What is on the Hub is whole. Push again when it answers.",
    )


def short(error: BaseException) -> str:
    """The first line of what went wrong underneath, without what might be a token."""
    chain = list(_chain(error))
    told = next((one for one in chain if isinstance(one, HfHubHTTPError)), chain[-1])
    text = next((line for line in str(told).splitlines() if line.strip()), "")
    token = os.environ.get("HF_TOKEN")
    if token:
        text = text.replace(token, "***")
    return f"{type(told).__name__}: {text[:200]}" if text else type(told).__name__


def _wait_no_longer() -> None:
    """Give the client's own HTTP client an end to waiting: by default it waits for ever."""
    kind = type(get_session())
    set_client_factory(lambda: kind(follow_redirects=True, timeout=TIMEOUT_SECONDS))
