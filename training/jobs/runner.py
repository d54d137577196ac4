"""The local runner: `python -m training.jobs.runner FOLDER` does what the folder's spec asks.

It dies with the process that started it, stops at the next safe point on SIGTERM, and always
leaves a `result.json` unless it is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from storage.errors import PairwrightError
from training.jobs import crew, shortage
from training.jobs.crew import Crew
from training.jobs.folder import CANNOT_WRITE, PARENT_VARIABLE, JobFolder
from training.settings import SFT

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 when the job is done or was asked to stop, 1 when it failed, 2 for wrong use, 74 when
    it failed and could not even write that."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 1:
        print("Use: python -m training.jobs.runner FOLDER", file=sys.stderr)
        return 2
    # before anything of the model's libraries is imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    folder = JobFolder(Path(words[0]).resolve())
    die_with_parent(folder)
    if crew.is_member():
        return crew.serve(folder, dispatch)
    stop_on_signal(folder)
    return run(folder)


def run(folder: JobFolder, work: Callable[[JobFolder], None] | None = None) -> int:
    """Do the job in this process, and in as many more as it asks for, and record how it ended.

    `work` is `dispatch` unless given; then this process is the only one.
    """
    others: Crew | None = None
    try:
        others = None if work else Crew(folder, crew.wanted(folder))
        (work or dispatch)(folder)
        _conclude(folder)
    except crew.SmallerBatchesError as error:
        assert others is not None
        others.begin_again(error.smaller)
    except PairwrightError as error:
        traceback.print_exc()
        folder.fail(error.what, error.next_step)
    except Exception as error:
        traceback.print_exc()
        if others is not None:
            others.blame()
        if not _told(folder, error):
            return CANNOT_WRITE
    finally:
        if others is not None:
            others.end(kindly=_succeeded(folder))
    result = folder.result()
    return 1 if result is None or result.state == "failed" else 0


def _succeeded(folder: JobFolder) -> bool:
    result = folder.result()
    return result is not None and result.state == "succeeded"


def _told(folder: JobFolder, error: Exception) -> bool:
    """Whether there was room to record why the run failed."""
    shortage.make_room(error, folder.checkpoints)
    try:
        folder.fail(*_unexpected(error))
    except OSError:
        # not even room for a few words
        return False
    return True


def dispatch(folder: JobFolder) -> None:
    """Import what the kind of job needs, which may take seconds, and do it."""
    kind = folder.read_spec().kind
    folder.progress("loading", 0, 1)
    if kind == "train":
        _train(folder)
    elif kind == "plan":
        from training.runs import planning

        planning.make(folder)
    elif kind == "evaluate":
        from training.measuring import evaluation

        evaluation.evaluate(folder)
    elif kind == "judge":
        from training.judging import run as judging

        judging.judge(folder)
    elif kind == "score":
        from training.pool import run as pools

        pools.score(folder)
    elif kind == "publish":
        # read by the Hub client when it is imported. The plain HTTP upload is the one that our
        # tests walk call by call; whoever wants the other sets the variable to 0
        os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        # a training may run beside it
        os.nice(10)
        from training.hub import publishing

        publishing.publish(folder)
    else:
        from training.answers import sampling

        sampling.sample(folder)


def _train(folder: JobFolder) -> None:
    if folder.read_spec().settings.get("stage") == SFT:
        from training.runs import sft

        sft.train(folder)
    else:
        from training.runs import dpo

        dpo.train(folder)


def stop_on_signal(folder: JobFolder) -> None:
    """SIGTERM and SIGINT ask the job to stop at its next safe point."""

    def request(number: int, frame: object) -> None:
        folder.stop_requested = True

    signal.signal(signal.SIGTERM, request)
    signal.signal(signal.SIGINT, request)


def die_with_parent(folder: JobFolder) -> None:
    """See to it that this process does not outlive its worker, nor its own attempt.

    The kernel kills it with its parent where it can (Linux). A thread looks too, and also notices
    when another worker has started a later attempt in the same folder.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    expected = int(os.environ.get(PARENT_VARIABLE, parent))
    if os.getppid() != expected:
        os.kill(os.getpid(), signal.SIGKILL)
    attempt = _attempt_in(folder.spec_file)
    watch = threading.Thread(target=_watch, args=(expected, folder.spec_file, attempt), daemon=True)
    watch.start()


def _watch(parent: int, spec_file: Path, attempt: int | None) -> None:
    while os.getppid() == parent and _attempt_in(spec_file) in (attempt, None):
        time.sleep(_WATCH_SECONDS)
    print("The worker is gone or started a later attempt: this runner ends.", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGKILL)


def _attempt_in(spec_file: Path) -> int | None:
    try:
        return int(json.loads(spec_file.read_text(encoding="utf-8"))["attempt"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _conclude(folder: JobFolder) -> None:
    if folder.result() is not None:
        return
    if folder.stop_requested:
        folder.stop()
        return
    folder.fail("The run ended without a result.", "Read its log; this is a mistake of ours.")


def _unexpected(error: Exception) -> tuple[str, str]:
    told = shortage.told(error)
    return told or (
        f"The run ended with {type(error).__name__}: {error}",
        "The job's log has the whole story.",
    )


if __name__ == "__main__":
    sys.exit(main())
