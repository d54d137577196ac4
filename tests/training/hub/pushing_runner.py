"""The runner that needs no model, with the real push: `python pushing_runner.py FOLDER`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from training.jobs import runner
from training.jobs.folder import JobFolder

MODEL_FREE = Path(__file__).parent.parent / "jobs" / "model_free_runner.py"

if __name__ == "__main__":
    if JobFolder(Path(sys.argv[1])).read_spec().kind == "publish":
        sys.exit(runner.main())
    runpy.run_path(str(MODEL_FREE), run_name="__main__")
