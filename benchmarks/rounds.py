"""Does the loop teach? Four proofs on the tiny world, with simulated experts who vote over HTTP.

1. Rounds of decided pairs, measured against the oracle, against the experts, by exact answers.
2. Mining against drawing by lot on one pool.
3. A round driven into drift: what notices, stops and undoes it.
4. Three lazy experts of eight: consensus by estimated accuracy against majority.

Prints one JSON object with every figure and what it says about what was to be shown; `--write`
also writes `docs/proof.md`. Under an hour on two quiet cores; `--quick` is a fraction of it, to see
that it works, and proves little. `--only rounds` is the first and third, `--only mining` the second
and fourth.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

# before this folder, where this file would be taken for the room of the same name
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from proof import drifted, lazy, loop, mined, page, results, stage
from proof.page import Circumstances
from proof.results import Results
from proof.sizes import FULL, QUICK, Sizes

from console.output import Output

GROUPS = ("rounds", "mining")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "proof.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proofs; 0 also where something was not shown: the figures say so."""
    chosen = _parser().parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proof-") as folder:
        home = chosen.home or Path(folder)
        found, seconds = _run(home, QUICK if chosen.quick else FULL, chosen.only or GROUPS)
    about = _circumstances(chosen, time.monotonic() - began)
    print(json.dumps({**vars(about), "phases": seconds, **results.as_json(found)}, indent=1))
    if chosen.write:
        PAGE.write_text(page.write(found, about), encoding="utf-8")
    return 0


def _run(home: Path, sizes: Sizes, groups: Sequence[str]) -> tuple[Results, dict[str, float]]:
    """What was found, and seconds of the wall by phase."""
    found, output, seconds = Results(sizes), Output(), dict[str, float]()
    if "rounds" in groups:
        with stage.opened(home / "rounds", sizes, output) as opened:
            course = loop.run(opened)
            found = replace(found, course=course, drifted=drifted.run(opened, course))
            seconds |= opened.seconds
    if "mining" in groups:
        # its many small trainings do not wait for one another
        with stage.opened(home / "mining", sizes, output, workers=2) as opened:
            opened.draw_audit()
            oracle = opened.build_audit("imported")
            chosen, asked = mined.run(opened, oracle)
            found = replace(found, mined=chosen, lazy=lazy.run(opened, asked, oracle))
            seconds |= opened.seconds
    return found, seconds


def _circumstances(chosen: argparse.Namespace, seconds: float) -> Circumstances:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Circumstances(
        date=datetime.now(UTC).date().isoformat(),
        command=f"python benchmarks/rounds.py{' --quick' if chosen.quick else ''}",
        cores=os.cpu_count() or 1,
        seconds=round(seconds, 1),
        cpu_seconds=round(sum(one.ru_utime + one.ru_stime for one in used), 1),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Prove the loop on the tiny world.")
    parser.add_argument("--quick", action="store_true", help="a fraction, to see that it works")
    parser.add_argument("--only", action="append", choices=GROUPS, help="leave the others out")
    parser.add_argument("--write", action="store_true", help="write docs/proof.md too")
    parser.add_argument("--home", type=Path, help="folder to keep the workspaces in")
    return parser


if __name__ == "__main__":
    sys.exit(main())
