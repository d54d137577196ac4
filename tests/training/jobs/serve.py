"""A worker in its own process, in a hurry, with the runner that needs no model."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from storage import workspace
from training.jobs import worker
from training.jobs.lease import Pace

RUNNER = (sys.executable, str(Path(__file__).with_name("model_free_runner.py")))
# the lease is long: what is picked up quickly is picked up because its holder is known to be dead
PACE = Pace(lease=60, renew=0.3, unreachable=20, look=0.1, grace=5, idle=0.05)


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    opened = workspace.open_existing(Path(sys.argv[1]))
    try:
        worker.run(opened, stop=stop, once="--once" in sys.argv, pace=PACE, command=RUNNER)
    finally:
        opened.close()


if __name__ == "__main__":
    main()
