"""The worker of a whole workspace: trains and measures, and lets the loop go on after each job.

`python -m rounds.worker --home DIR`, with the options of `training.jobs.worker`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from storage.workspace import Workspace
from training.jobs import worker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT; 1 when the workspace cannot be used."""
    return worker.main(arguments, after=go_on)


def go_on(opened: Workspace) -> None:
    """What follows from finished work, said on standard output."""
    # brings in Polars, which an idle worker does not need
    from rounds import followups

    for sentence in followups.run(opened):
        print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
